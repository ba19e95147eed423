"""Vector indexes on disk and in memory, kept in step with the database.

An index is derived: its file is written beside the old one, flushed and renamed, and it is rebuilt from the database
whenever it is missing, damaged or of another model version.
"""

import logging
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.checksums import CHECKSUM, checksum_arrays, read_arrays
from core.files import written_whole
from core.store.catalogs import Catalog
from core.store.database import Database
from core.store.embeddings import Embeddings
from core.store.vectors import VectorIndex

_log = logging.getLogger(__name__)
_CHUNK = 20_000
#: Rows that may be appended in memory before the file is written anew.
_SAVE_AFTER = 5_000


class VectorIndexes:
    """The indexes of all catalogues; thread-safe.

    Args:
        database: Where the embeddings are.
        folder: Where index files are kept.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._embeddings = Embeddings(database)
        self._open: dict[tuple[int, int], VectorIndex] = {}
        self._lock = threading.Lock()

    def get(self, catalog: Catalog, model_version: str, dimension: int, *, base: str = "") -> VectorIndex:
        """The catalogue's index, with everything written up to now.

        Args:
            catalog: As it is now.
            model_version: Whose vectors it holds.
            dimension: D.
            base: For a trained version the encoder's own: items that have no fused vector yet keep that one's.
        """
        model = self._embeddings.model_number(model_version)
        key = (catalog.id, model)
        with self._lock:
            index = self._open.get(key) or self._load(key, dimension)
            if index is None or index.dimension != dimension:
                index = VectorIndex(dimension)
            if index.revision != catalog.revision:
                unsaved = self._catch_up(index, key, catalog.revision, base)
                if unsaved > _SAVE_AFTER:
                    self._save(index, key)
            self._open[key] = index
            return index

    def save(self, catalog: Catalog, model_version: str, dimension: int, *, base: str = "") -> VectorIndex:
        """Write the catalogue's index to disk, so that the next start need not read the database."""
        index = self.get(catalog, model_version, dimension, base=base)
        with self._lock:
            self._save(index, (catalog.id, self._embeddings.model_number(model_version)))
        return index

    def drop(self, catalog_id: int) -> None:
        """Forget the catalogue's indexes and remove their files."""
        with self._lock:
            for key in [key for key in self._open if key[0] == catalog_id]:
                del self._open[key]
            for file in self._folder.glob(f"{catalog_id}-*"):
                file.unlink(missing_ok=True)

    def _catch_up(self, index: VectorIndex, key: tuple[int, int], revision: int, base: str) -> int:
        catalog_id, model = key
        fused = self._embeddings.of_fused(catalog_id, model, after_revision=index.revision) if base else {}
        model = self._embeddings.model_number(base) if base else model
        added = 0
        ids: list[int] = []
        rows: list[NDArray[np.float32]] = []
        has: list[tuple[bool, bool]] = []
        for number, text, pictures in self._embeddings.of_items(catalog_id, model, after_revision=index.revision):
            if text is None and not pictures:
                continue
            ids.append(number)
            own = fused.get(number)
            halves = own.astype(np.float32).reshape(2, -1) if own is not None else None
            rows.append(_row(index.dimension, text, pictures) if halves is None else halves)
            has.append((bool(pictures), text is not None))
            if len(ids) == _CHUNK:
                added += _flush(index, ids, rows, has)
        added += _flush(index, ids, rows, has)
        index.revision = revision
        return added

    def _load(self, key: tuple[int, int], dimension: int) -> VectorIndex | None:
        from safetensors import SafetensorError

        path = self._path(key)
        if not path.exists():
            return None
        try:
            arrays, metadata = read_arrays(path, note="revision")
            if CHECKSUM not in metadata:  # written before there were checksums
                return None
            index = VectorIndex.from_arrays(arrays)
            index.revision = int(metadata["revision"])
        except (SafetensorError, OSError, KeyError, ValueError) as exc:
            _log.warning("The index %s is damaged (%s); it is rebuilt from the database.", path.name, exc)
            return None
        return index if index.dimension == dimension else None

    def _save(self, index: VectorIndex, key: tuple[int, int]) -> None:
        from safetensors.numpy import save_file

        with written_whole(self._path(key), flush=True) as temporary:
            arrays, revision = index.to_arrays(), str(index.revision)
            save_file(arrays, temporary, metadata={"revision": revision, CHECKSUM: checksum_arrays(arrays, revision)})

    def _path(self, key: tuple[int, int]) -> Path:
        return self._folder / f"{key[0]}-{key[1]}.safetensors"


def _row(dimension: int, text: NDArray[np.float16] | None, pictures: list[NDArray[np.float16]]) -> NDArray[np.float32]:
    """Picture and text parts, (2, D); several pictures of an item become their unit mean."""
    row = np.zeros((2, dimension), np.float32)
    if pictures:
        mean = np.mean([picture.astype(np.float32) for picture in pictures], axis=0)
        row[0] = mean / max(float(np.linalg.norm(mean)), 1e-6)
    if text is not None:
        row[1] = text
    return row


def _flush(index: VectorIndex, ids: list[int], rows: list[NDArray[np.float32]], has: list[tuple[bool, bool]]) -> int:
    added = len(ids)
    if added:
        index.add(np.array(ids, np.int64), np.stack(rows), np.array(has, bool))
    for part in (ids, rows, has):
        part.clear()
    return added
