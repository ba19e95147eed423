"""Vector indexes on disk and in memory, kept in step with the database.

An index is derived: its file is written beside the old one, flushed and renamed, and it is rebuilt from the database
whenever it is missing, damaged or of another model version.
"""

import hashlib
import logging
import threading
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.checksums import CHECKSUM, checksum_arrays, read_arrays
from core.files import written_whole
from core.serving.vectors import VectorIndex
from core.store.catalogs import Catalog
from core.store.embeddings import Embeddings, ItemRow

_log = logging.getLogger(__name__)
_CHUNK = 20_000
#: Of the arrays in a file; raise it when they change.
_LAYOUT = "2"
#: Rows that may be appended in memory before the file is written anew.
_SAVE_AFTER = 5_000


class VectorIndexes:
    """The indexes of all catalogues; thread-safe.

    Args:
        embeddings: Of the data folder.
        folder: Where index files are kept.
    """

    def __init__(self, embeddings: Embeddings, folder: Path) -> None:
        self._embeddings, self._folder = embeddings, folder
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
            if index.revision < catalog.revision:
                unsaved = self._catch_up(index, key, catalog.revision, base)
                if unsaved > _SAVE_AFTER:
                    self._save(index, key)
            self._open[key] = index
            return index

    def save(self, catalog: Catalog, model_version: str, index: VectorIndex) -> None:
        """Write an index to disk, so that the next start need not read the database."""
        with self._lock:
            self._save(index, (catalog.id, self._embeddings.model_number(model_version)))

    def drop(self, catalog_id: int) -> None:
        """Forget the catalogue's indexes and remove their files."""
        with self._lock:
            for key in [key for key in self._open if key[0] == catalog_id]:
                del self._open[key]
            for file in self._folder.glob(f"{catalog_id}-*"):
                file.unlink(missing_ok=True)

    def _catch_up(self, index: VectorIndex, key: tuple[int, int], revision: int, base: str) -> int:
        catalog_id, model = key
        plain = self._embeddings.model_number(base) if base else model
        pending = index.pending.tolist()
        changed = self._embeddings.of_items(catalog_id, plain, after_revision=index.revision, also=pending)
        added = 0
        while chunk := list(islice(changed, _CHUNK)):
            known = [one for one in chunk if one.text is not None or one.pictures]
            fused = self._embeddings.get(model, "item", [one.key for one in known]) if base else {}
            _append(index, known, fused)
            if base:
                waiting = np.array([one.number for one in known if one.key not in fused], np.int64)
                others = np.setdiff1d(index.pending, [one.number for one in known])
                index.pending = np.union1d(others, waiting).astype(np.int64)
            added += len(known)
        index.revision = revision
        return added

    def _load(self, key: tuple[int, int], dimension: int) -> VectorIndex | None:
        from safetensors import SafetensorError

        path = self._path(key)
        if not path.exists():
            return None
        try:
            arrays, metadata = read_arrays(path, note="revision")
            if metadata.get("layout") != _LAYOUT:  # written by an earlier version
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
            facts = {"layout": _LAYOUT, "revision": revision, CHECKSUM: checksum_arrays(arrays, revision)}
            save_file(arrays, temporary, metadata=facts)

    def _path(self, key: tuple[int, int]) -> Path:
        return self._folder / f"{key[0]}-{key[1]}.safetensors"


def _append(index: VectorIndex, items: Sequence[ItemRow], fused: Mapping[str, NDArray[np.float16]]) -> None:
    """Add items: what a version makes of one is whole, since it says something of a part that the item lacks too."""
    if not items:
        return
    parts = [
        fused[one.key].astype(np.float32).reshape(2, -1) if one.key in fused else _plain_parts(index.dimension, one)
        for one in items
    ]
    has = [(one.key in fused or bool(one.pictures), one.key in fused or one.text is not None) for one in items]
    order = np.array([hash_item(one.item_id) for one in items], np.uint64)
    index.add(np.array([one.number for one in items], np.int64), np.stack(parts), np.array(has, bool), order)


def hash_item(item_id: str) -> int:
    """Where an item stands in the order that samples are taken by, the same in every data folder, below 2^64."""
    return int.from_bytes(hashlib.sha256(item_id.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def _plain_parts(dimension: int, item: ItemRow) -> NDArray[np.float32]:
    """Picture and text parts, (2, D); several pictures of an item become their unit mean."""
    row = np.zeros((2, dimension), np.float32)
    if item.pictures:
        mean = np.mean([picture.astype(np.float32) for picture in item.pictures], axis=0)
        row[0] = mean / max(float(np.linalg.norm(mean)), 1e-6)
    if item.text is not None:
        row[1] = item.text
    return row
