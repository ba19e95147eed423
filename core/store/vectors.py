"""The vector index: an exact fp16 scan with filter bitmaps.

Approximate indexes lose most of the answer under a filter that correlates with the vectors, which is what a category
filter is; an exact scan of 100,000 items takes a few milliseconds.

Each row holds a picture part and a text part, (2 D,), so one scan serves any blend of the two: the query's halves
carry the weights. A part that is missing holds the catalogue's mean of that part: it scores as an average item does.
"""

import threading
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

PART_NAMES = ("picture", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorHits:
    """The best items of a scan.

    Attributes:
        ids: Database ids, best first, (K,).
        scores: Inner products with the query, (K,).
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]


class VectorIndex:
    """Rows of one catalogue under one model version; thread-safe.

    Args:
        dimension: D, of one part.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.revision = -1
        self.means = np.zeros((2, dimension), np.float32)
        self._ids = np.empty(0, np.int64)
        self._has = np.empty((0, 2), bool)
        self._live = np.empty(0, bool)
        self._position: dict[int, int] = {}
        self._index = faiss.IndexScalarQuantizer(
            2 * dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._index.is_trained = True
        # faiss moves its memory when it grows, so a scan and an append take turns.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._position)

    @property
    def ids(self) -> NDArray[np.int64]:
        """Database ids of the live rows, (N,)."""
        return self._ids[self._live]

    def add(self, ids: NDArray[np.int64], parts: NDArray[np.float32], has: NDArray[np.bool_]) -> None:
        """Append rows; an id that is there already is replaced.

        Args:
            ids: Database ids, each once, (N,).
            parts: Picture and text embeddings, unit-norm, (N, 2, D); rows of missing parts are ignored.
            has: Which parts there are, (N, 2).
        """
        if not len(ids):
            return
        with self._lock:
            self._append(ids, parts, has)

    def search(self, query: NDArray[np.float32], limit: int, *, allowed: NDArray[np.int64] | None = None) -> VectorHits:
        """Exact top items by inner product.

        Args:
            query: Both halves, weighted, (2 D,).
            limit: At most so many.
            allowed: Database ids that may be returned, (M,); None allows all.
        """
        with self._lock:
            selector = self._selector(allowed)
            limit = min(limit, len(self) if allowed is None else min(len(allowed), len(self)))
            if limit == 0:
                return VectorHits(ids=np.empty(0, np.int64), scores=np.empty(0, np.float32))
            parameters = None if selector is None else faiss.SearchParameters(sel=selector[0])  # type: ignore[call-arg]
            scores, positions = self._index.search(query[None].astype(np.float32), limit, params=parameters)
            good = positions[0] >= 0
            return VectorHits(ids=self._ids[positions[0][good]], scores=scores[0][good])

    def rows(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Stored parts, (N, 2, D), and which of them are real, (N, 2).

        Raises:
            KeyError: An id is not in the index.
        """
        with self._lock:
            positions = np.array([self._position[number] for number in ids.tolist()], dtype=np.int64)
            parts = self._codes()[positions].astype(np.float32).reshape(len(positions), 2, self.dimension)
            return parts, self._has[positions]

    def contains(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the ids the index holds, (N,)."""
        return np.array([number in self._position for number in ids.tolist()], dtype=bool)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The live rows, for saving."""
        with self._lock:
            return {
                "ids": self._ids[self._live],
                "has": self._has[self._live],
                "codes": self._codes()[self._live],
                "means": self.means,
            }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> "VectorIndex":
        """Read what `to_arrays` wrote.

        Raises:
            ValueError: The arrays do not fit together.
        """
        codes, ids = arrays["codes"], arrays["ids"]
        index = cls(codes.shape[1] // 2)
        if codes.dtype != np.float16 or not len(codes) == len(ids) == len(arrays["has"]):
            raise ValueError("the arrays of the index do not fit together")
        faiss.copy_array_to_vector(codes.reshape(-1).view(np.uint8), index._index.codes)
        index._index.ntotal = len(ids)
        index.means = arrays["means"].astype(np.float32)
        index._ids, index._has, index._live = ids, arrays["has"], np.ones(len(ids), bool)
        index._position = dict(zip(ids.tolist(), range(len(ids)), strict=True))
        return index

    def _append(self, ids: NDArray[np.int64], parts: NDArray[np.float32], has: NDArray[np.bool_]) -> None:
        if not self._position:
            self.means = _means(parts, has)
        filled = np.where(has[:, :, None], parts, self.means[None])
        start = len(self._ids)
        for offset, number in enumerate(ids.tolist()):
            old = self._position.get(number)
            if old is not None:
                self._live[old] = False
            self._position[number] = start + offset
        self._index.add(np.ascontiguousarray(filled.reshape(len(ids), -1), np.float32))
        self._ids = np.concatenate([self._ids, ids])
        self._has = np.concatenate([self._has, has])
        self._live = np.concatenate([self._live, np.ones(len(ids), bool)])

    def _codes(self) -> NDArray[np.float16]:
        if not len(self._ids):
            return np.empty((0, 2 * self.dimension), np.float16)
        raw: NDArray[np.uint8] = faiss.rev_swig_ptr(self._index.codes.data(), self._index.codes.size())
        return raw.view(np.float16).reshape(len(self._ids), 2 * self.dimension)

    def _selector(self, allowed: NDArray[np.int64] | None) -> tuple[Any, NDArray[np.uint8]] | None:
        """A bitmap over positions, with the memory it points to; None when every row may be returned."""
        if allowed is None and len(self) == len(self._ids):
            return None
        mask = self._live if allowed is None else self._live & np.isin(self._ids, allowed, kind="table")
        bits = np.packbits(mask, bitorder="little")
        return faiss.IDSelectorBitmap(bits), bits  # type: ignore[call-arg, arg-type]


def _means(parts: NDArray[np.float32], has: NDArray[np.bool_]) -> NDArray[np.float32]:
    counts = np.maximum(has.sum(axis=0), 1)[:, None]
    means: NDArray[np.float32] = (parts * has[:, :, None]).sum(axis=0) / counts
    return means.astype(np.float32)
