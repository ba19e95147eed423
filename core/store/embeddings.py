"""Embeddings by (content hash, model version): nothing is ever encoded twice."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.store.database import Database

Kind = Literal["picture", "text", "item"]
_BATCH = 500


def read_key(text_hash: str, pictures: Sequence[str]) -> str:
    """What vectors of a whole item go by, SHA-256 (hex): all that a model reads of it, and nothing else.

    Args:
        text_hash: Of the item.
        pictures: Content hashes of its usable pictures, in order.
    """
    return hashlib.sha256("|".join((text_hash, *pictures)).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """What is stored of one item's vectors.

    Attributes:
        number: Database id.
        item_id: As the catalogue's file calls it.
        key: Of `read_key`.
        text: Embedding of its text, (D,); None where there is none.
        pictures: Embeddings of its pictures, (D,) each.
    """

    number: int
    item_id: str
    key: str
    text: NDArray[np.float16] | None
    pictures: tuple[NDArray[np.float16], ...]


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
        known = {content_hash for content_hash, _ in self._select("length(embedding)", model, kind, hashes)}
        return [content_hash for content_hash in dict.fromkeys(hashes) if content_hash not in known]

    def item_keys(self, catalog_id: int) -> dict[int, str]:
        """Database id of every item of a catalogue to what its vectors go by, as `StoredItem.read_key`."""
        rows = self._database.connection.execute(
            """
            SELECT i.id, i.text_hash, p.picture FROM items i
            LEFT JOIN item_pictures p ON p.item = i.id AND p.picture IS NOT NULL
            WHERE i.catalog_id = ? ORDER BY i.id, p.position
            """,
            (catalog_id,),
        )
        found: dict[int, tuple[str, ...]] = {}
        for number, text_hash, picture in rows:
            found[number] = (*found.get(number, (text_hash,)), *([picture] if picture else []))
        return {number: read_key(read[0], read[1:]) for number, read in found.items()}

    def get(self, model: int, kind: Kind, hashes: Sequence[str]) -> dict[str, NDArray[np.float16]]:
        """Content hash to embedding, (D,), for those that are there."""
        rows = self._select("embedding", model, kind, hashes)
        return {content_hash: np.frombuffer(found, dtype=np.float16) for content_hash, found in rows}

    def _select(self, column: str, model: int, kind: Kind, hashes: Sequence[str]) -> Iterator[tuple[str, Any]]:
        for start in range(0, len(hashes), _BATCH):
            batch = hashes[start : start + _BATCH]
            marks = ", ".join("?" for _ in batch)
            yield from self._database.connection.execute(
                f"SELECT content_hash, {column} FROM embeddings WHERE model = ? AND kind = ? "
                f"AND content_hash IN ({marks})",
                (model, kind, *batch),
            )

    def put(self, model: int, kind: Kind, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
        """Store embeddings, (D,) each, as fp16; part of the caller's transaction when one is open."""
        self._database.connection.executemany(
            "INSERT OR REPLACE INTO embeddings(model, kind, content_hash, embedding) VALUES (?, ?, ?, ?)",
            [(model, kind, key, value.astype(np.float16).tobytes()) for key, value in embeddings.items()],
        )

    def of_items(
        self, catalog_id: int, model: int, *, after_revision: int = -1, also: Sequence[int] = ()
    ) -> Iterator[ItemRow]:
        """Items changed after a revision, with their vectors under a model.

        Args:
            catalog_id: Of the catalogue.
            model: Of the model version.
            after_revision: Of the catalogue.
            also: Database ids of items that are given whenever they changed.
        """
        rows = self._database.connection.execute(
            """
            SELECT i.id, i.item_id, i.text_hash, t.embedding AS text, p.picture, e.embedding AS shown
            FROM items i
            LEFT JOIN embeddings t ON t.model = :model AND t.kind = 'text' AND t.content_hash = i.text_hash
            LEFT JOIN item_pictures p ON p.item = i.id AND p.picture IS NOT NULL
            LEFT JOIN embeddings e ON e.model = :model AND e.kind = 'picture' AND e.content_hash = p.picture
            WHERE i.catalog_id = :catalog
              AND (i.revision > :revision OR i.id IN (SELECT value FROM json_each(:also)))
            ORDER BY i.id, p.position
            """,
            {"model": model, "catalog": catalog_id, "revision": after_revision, "also": json.dumps(list(also))},
        )
        for number, grouped in groupby(rows, key=lambda row: int(row["id"])):
            shown = list(grouped)
            pictures = [(row["picture"], row["shown"]) for row in shown if row["picture"]]
            yield ItemRow(
                number=number,
                item_id=shown[0]["item_id"],
                key=read_key(shown[0]["text_hash"], [picture for picture, _ in pictures]),
                text=np.frombuffer(shown[0]["text"], np.float16) if shown[0]["text"] else None,
                pictures=tuple(np.frombuffer(found, np.float16) for _, found in pictures if found),
            )
