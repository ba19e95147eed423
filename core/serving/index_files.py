"""Vector indexes on disk and in memory, kept in step with the database.

An index is derived: its file is written beside the old one, flushed and renamed, and it is rebuilt from the database
whenever it is missing, damaged or of another model version.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.checksums import CHECKSUM, checksum_arrays, read_arrays
from core.files import written_whole
from core.parts import PARTS, NeedEncoder, read_key
from core.serving.vectors import VectorIndex
from core.store.catalogs import Catalog
from core.store.embeddings import FUSED, Embeddings
from core.store.items import Items, StoredItem
from core.tokens.item_tokens import join_vectors

_log = logging.getLogger(__name__)
_CHUNK = 20_000
#: Of the arrays in a file; raise it when they change.
_LAYOUT = "4"
#: Rows that may be appended in memory before the file is written anew.
_SAVE_AFTER = 5_000


class VectorIndexes:
    """Makes the indexes of all catalogues and keeps their files; one thread at a time for one index.

    Args:
        items: Of the data folder.
        embeddings: Of the same.
        folder: Where index files are kept.
    """

    def __init__(self, items: Items, embeddings: Embeddings, folder: Path) -> None:
        self._items, self._embeddings, self._folder = items, embeddings, folder

    def get(
        self, catalog: Catalog, model: str, parts: Mapping[str, NeedEncoder], *, known: VectorIndex | None = None
    ) -> VectorIndex:
        """The catalogue's index, with everything written up to now.

        Args:
            catalog: As it is now. Where it names a trained version, items that this one has not read yet keep the
                vectors of their parts.
            model: Whose vectors it holds.
            parts: What makes the vectors of each part.
            known: The index as it was before, which is taken further; None reads the file, or begins anew.
        """
        key = (catalog.id, self._embeddings.model_number(model))
        dimensions = {name: encoder.dimension for name, encoder in parts.items()}
        index = self._load(key, dimensions) if known is None else known
        if index is None:
            index = VectorIndex(dimensions)
        if index.revision < catalog.revision and self._catch_up(index, key, catalog, parts) > _SAVE_AFTER:
            self._save(index, key)
        return index

    def save(self, catalog: Catalog, model_version: str, index: VectorIndex) -> None:
        """Write an index to disk, so that the next start need not read the database."""
        self._save(index, (catalog.id, self._embeddings.model_number(model_version)))

    def drop(self, catalog_id: int) -> None:
        """Remove the files of a catalogue's indexes."""
        for file in self._folder.glob(f"{catalog_id}-*"):
            with suppress(OSError):  # what is in the way of it is left to the sweep
                file.unlink(missing_ok=True)

    def _catch_up(
        self, index: VectorIndex, key: tuple[int, int], catalog: Catalog, parts: Mapping[str, NeedEncoder]
    ) -> int:
        pending = index.pending.tolist()
        changed = self._items.iterate(catalog.id, after_revision=index.revision, also=pending)
        added = 0
        while chunk := list(islice(changed, _CHUNK)):
            added += self._append(index, chunk, key[1] if catalog.version else None, parts)
        index.revision = catalog.revision
        return added

    def _append(
        self, index: VectorIndex, items: Sequence[StoredItem], fused: int | None, parts: Mapping[str, NeedEncoder]
    ) -> int:
        """Add items, fused ones where `fused` names a version's vectors; those without any vector are left out."""
        rows, has, waiting = self._read_parts(index, items, parts)
        if fused is not None:
            waiting = self._put_fused(fused, items, rows, has) & has.any(axis=1)
        numbers = np.array([one.id for one in items], np.int64)
        index.pending = np.union1d(np.setdiff1d(index.pending, numbers), numbers[waiting])
        known = np.flatnonzero(has.any(axis=1)).tolist()
        order = np.array([hash_item(items[at].item.item_id) for at in known], np.uint64)
        index.add(np.array([items[at].id for at in known], np.int64), rows[known], has[known], order)
        return len(known)

    def _read_parts(
        self, index: VectorIndex, items: Sequence[StoredItem], parts: Mapping[str, NeedEncoder]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Vectors of items as their parts were encoded, (N, P, D), which there are, (N, P), and who lacks any, (N,)."""
        rows = np.zeros((len(items), len(parts), index.dimension), np.float32)
        has, waiting = np.zeros(rows.shape[:2], bool), np.zeros(len(items), bool)
        for at, (name, encoder) in enumerate(parts.items()):
            keys = [list(PARTS[name].read(one)) for one in items]
            model = self._embeddings.model_number(encoder.model_version)
            found = self._embeddings.get(model, name, list({key for several in keys for key in several}))
            for row, several in enumerate(keys):
                if vectors := [found[key] for key in several if key in found]:
                    rows[row, at, : encoder.dimension] = join_vectors(vectors)
                    has[row, at] = True
                waiting[row] |= len(vectors) < len(several)
        return rows, has, waiting

    def _put_fused(
        self, model: int, items: Sequence[StoredItem], rows: NDArray[np.float32], has: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Replace rows by what a version makes of them; True for those that it has not read yet, (N,).

        A row of a version is whole, since it says something of a part that the item lacks too.
        """
        keys = [read_key(one) for one in items]
        found = self._embeddings.get(model, FUSED, keys)
        for row, key in enumerate(keys):
            if key in found:
                rows[row], has[row] = found[key].astype(np.float32).reshape(rows.shape[1:]), True
        return np.array([key not in found for key in keys], bool)

    def _load(self, key: tuple[int, int], dimensions: Mapping[str, int]) -> VectorIndex | None:
        from safetensors import SafetensorError

        path = self._path(key)
        if not path.exists():
            return None
        try:
            arrays, metadata = read_arrays(path, note="revision")
            if metadata.get("layout") != _LAYOUT or metadata["parts"] != json.dumps(dimensions):
                return None  # written by an earlier version, or of other parts
            index = VectorIndex.from_arrays(dimensions, arrays)
            index.revision = int(metadata["revision"])
        except (SafetensorError, OSError, KeyError, ValueError) as exc:
            _log.warning("The index %s is damaged (%s); it is rebuilt from the database.", path.name, exc)
            return None
        return index

    def _save(self, index: VectorIndex, key: tuple[int, int]) -> None:
        from safetensors.numpy import save_file

        with written_whole(self._path(key), flush=True) as temporary:
            arrays, revision = index.to_arrays(), str(index.revision)
            facts = {"layout": _LAYOUT, "revision": revision, "parts": json.dumps(index.dimensions)}
            save_file(arrays, temporary, metadata=facts | {CHECKSUM: checksum_arrays(arrays, revision)})

    def _path(self, key: tuple[int, int]) -> Path:
        return self._folder / f"{key[0]}-{key[1]}.safetensors"


def hash_item(item_id: str) -> int:
    """Where an item stands in the order that samples are taken by, the same in every data folder, below 2^64."""
    return int.from_bytes(hashlib.sha256(item_id.encode("utf-8", "surrogatepass")).digest()[:8], "big")
