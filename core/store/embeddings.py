"""Embeddings by (content hash, model version): nothing is ever encoded twice."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.store.database import Database

Kind = Literal["picture", "text", "item"]
_BATCH = 500


class Embeddings:
    """The repository of fp16 embeddings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def model_number(self, version: str) -> int:
        """Database id of a model version, made when missing."""
        row = self._database.connection.execute("SELECT id FROM models WHERE version = ?", (version,)).fetchone()
        if row:
            return int(row["id"])
        self._database.connection.execute(
            "INSERT INTO models(version) VALUES (?) ON CONFLICT(version) DO NOTHING", (version,)
        )
        return self.model_number(version)

    def missing(self, model: int, kind: Kind, hashes: Sequence[str]) -> list[str]:
        """Those of the hashes that have no embedding yet, each once, in order."""
        known = self.get(model, kind, hashes).keys()
        return [content_hash for content_hash in dict.fromkeys(hashes) if content_hash not in known]

    def get(self, model: int, kind: Kind, hashes: Sequence[str]) -> dict[str, NDArray[np.float16]]:
        """Content hash to embedding, (D,), for those that are there."""
        found: dict[str, NDArray[np.float16]] = {}
        for start in range(0, len(hashes), _BATCH):
            batch = hashes[start : start + _BATCH]
            marks = ", ".join("?" for _ in batch)
            rows = self._database.connection.execute(
                f"SELECT content_hash, embedding FROM embeddings WHERE model = ? AND kind = ? "
                f"AND content_hash IN ({marks})",
                (model, kind, *batch),
            )
            found.update({row[0]: np.frombuffer(row[1], dtype=np.float16) for row in rows})
        return found

    def put(self, model: int, kind: Kind, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
        """Store embeddings, (D,) each, as fp16; part of the caller's transaction when one is open."""
        self._database.connection.executemany(
            "INSERT OR REPLACE INTO embeddings(model, kind, content_hash, embedding) VALUES (?, ?, ?, ?)",
            [(model, kind, key, value.astype(np.float16).tobytes()) for key, value in embeddings.items()],
        )

    def of_fused(self, catalog_id: int, model: int, *, after_revision: int = -1) -> dict[int, NDArray[np.float16]]:
        """Database id to fused vector, (2 * D,): picture and text half, of items changed after a revision.

        An item whose content has changed since its vector was made is left out.
        """
        rows = self._database.connection.execute(
            """
            SELECT i.id, e.embedding FROM items i
            JOIN embeddings e ON e.model = ? AND e.kind = 'item' AND e.content_hash = i.content_hash
            WHERE i.catalog_id = ? AND i.revision > ?
            """,
            (model, catalog_id, after_revision),
        )
        return {number: np.frombuffer(row, np.float16) for number, row in rows}

    def of_items(
        self, catalog_id: int, model: int, *, after_revision: int = -1
    ) -> Iterator[tuple[int, NDArray[np.float16] | None, list[NDArray[np.float16]]]]:
        """Per item changed after a revision: database id, text embedding (D,) or None, picture embeddings (D,) each."""
        rows = self._database.connection.execute(
            """
            SELECT i.id, t.embedding, p.position, e.embedding
            FROM items i
            LEFT JOIN embeddings t ON t.model = :model AND t.kind = 'text' AND t.content_hash = i.text_hash
            LEFT JOIN item_pictures p ON p.item = i.id AND p.picture IS NOT NULL
            LEFT JOIN embeddings e ON e.model = :model AND e.kind = 'picture' AND e.content_hash = p.picture
            WHERE i.catalog_id = :catalog AND i.revision > :revision
            ORDER BY i.id, p.position
            """,
            {"model": model, "catalog": catalog_id, "revision": after_revision},
        )
        current: tuple[int, NDArray[np.float16] | None, list[NDArray[np.float16]]] | None = None
        for number, text, _, picture in rows:
            if current is None or current[0] != number:
                if current is not None:
                    yield current
                current = (number, np.frombuffer(text, np.float16) if text else None, [])
            if picture:
                current[2].append(np.frombuffer(picture, np.float16))
        if current is not None:
            yield current
