"""Embeddings by (content hash, model version): nothing is ever encoded twice."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.store.database import Database

_BATCH = 500


#: The kind of a trained version's vectors; all other kinds are names of parts.
FUSED = "item"


class Embeddings:
    """The repository of fp16 embeddings: of parts by what was read, of whole items by all that was read of them."""

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

    def missing(self, model: int, kind: str, hashes: Sequence[str]) -> list[str]:
        """Those of the hashes that have no embedding yet, each once, in order."""
        known = {content_hash for content_hash, _ in self._select("length(embedding)", model, kind, hashes)}
        return [content_hash for content_hash in dict.fromkeys(hashes) if content_hash not in known]

    def get(self, model: int, kind: str, hashes: Sequence[str]) -> dict[str, NDArray[np.float16]]:
        """Content hash to embedding, (D,), for those that are there."""
        rows = self._select("embedding", model, kind, hashes)
        return {content_hash: np.frombuffer(found, dtype=np.float16) for content_hash, found in rows}

    def _select(self, column: str, model: int, kind: str, hashes: Sequence[str]) -> Iterator[tuple[str, Any]]:
        for start in range(0, len(hashes), _BATCH):
            batch = hashes[start : start + _BATCH]
            marks = ", ".join("?" for _ in batch)
            yield from self._database.connection.execute(
                f"SELECT content_hash, {column} FROM embeddings WHERE model = ? AND kind = ? "
                f"AND content_hash IN ({marks})",
                (model, kind, *batch),
            )

    def put(self, model: int, kind: str, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
        """Store embeddings, (D,) each, as fp16; part of the caller's transaction when one is open."""
        self._database.connection.executemany(
            "INSERT OR REPLACE INTO embeddings(model, kind, content_hash, embedding) VALUES (?, ?, ?, ?)",
            [(model, kind, key, value.astype(np.float16).tobytes()) for key, value in embeddings.items()],
        )
