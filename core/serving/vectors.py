"""The vector index: an exact fp16 scan with filter bitmaps.

Approximate indexes lose most of the answer under a filter that correlates with the vectors, which is what a category
filter is; an exact scan of 100,000 items takes a few milliseconds.

Each row holds its parts side by side, each as long as its own vectors are, and for each of them a 1 where it is there.
So one scan serves any blend of parts: the query's parts carry the weights, and its last numbers take away what an
average item scores. A part that is missing is all zeros and scores as an average item does, whatever the average is by
now: no row depends on the order in which rows came.

Outside of this file all parts have the dimension D of the longest, with zeros at the end of the others.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

#: Rows are filled up with zeros to a multiple of it: faiss reads any other width number by number, ten times slower.
_STEP = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorHits:
    """The best items of a scan.

    Attributes:
        ids: Database ids, best first, (K,).
        scores: Inner products with the query, less those of an average item, (K,).
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]


class VectorIndex:
    """Rows of one catalogue under one model version; thread-safe.

    Args:
        dimensions: Name of each of the P parts to how long its vectors are.
    """

    def __init__(self, dimensions: Mapping[str, int]) -> None:
        self.dimensions = dict(dimensions)
        self.dimension = max(dimensions.values())
        self._width = -(-(sum(dimensions.values()) + len(dimensions)) // _STEP) * _STEP
        self.revision = -1
        #: Database ids of items that are read again whatever has changed: of a version that has not read them yet, so
        #: that they are here as without it; of a model without training, those of which something was not encoded.
        self.pending = np.empty(0, np.int64)
        self._sums = np.zeros((len(dimensions), self.dimension))
        self._counts = np.zeros(len(dimensions), np.int64)
        self._ids = np.empty(0, np.int64)
        self._order = np.empty(0, np.uint64)
        self._live = np.empty(0, bool)
        self._position: dict[int, int] = {}
        self._index = faiss.IndexScalarQuantizer(self._width, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index.is_trained = True
        # faiss moves its memory when it grows, so a scan and an append take turns.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._position)

    @property
    def size(self) -> int:
        """Memory that its rows take, in bytes."""
        return 2 * self._width * len(self._ids)

    @property
    def ids(self) -> NDArray[np.int64]:
        """Database ids of the live rows, (N,)."""
        with self._lock:
            return self._ids[self._live]

    @property
    def means(self) -> NDArray[np.float32]:
        """The average of each part over the live rows that have it, (P, D)."""
        with self._lock:  # rows that are being replaced are out of the sums for a while
            means: NDArray[np.float32] = (self._sums / np.maximum(self._counts, 1)[:, None]).astype(np.float32)
        return means

    def add(
        self,
        ids: NDArray[np.int64],
        parts: NDArray[np.float32],
        has: NDArray[np.bool_],
        order: NDArray[np.uint64] | None = None,
    ) -> None:
        """Append rows; an id that is there already is replaced.

        Args:
            ids: Database ids, each once, (N,).
            parts: Embeddings, unit-norm, (N, P, D); rows of missing parts are ignored.
            has: Which parts there are, (N, P).
            order: What `sample` goes by, the same for the same item in every data folder, (N,); None takes the ids.
        """
        if not len(ids):
            return
        with self._lock:
            self._append(ids, parts, has, ids.astype(np.uint64) if order is None else order)

    def sample(self, count: int) -> NDArray[np.int64]:
        """Database ids of the live rows that stand first by `order`, at most `count`, in that order."""
        with self._lock:
            ids, order = self._ids[self._live], self._order[self._live]
        if len(ids) > count:
            first = np.argpartition(order, count)[:count]
            ids, order = ids[first], order[first]
        return np.asarray(ids[np.argsort(order, kind="stable")])

    def search(self, query: NDArray[np.float32], limit: int, *, allowed: NDArray[np.int64] | None = None) -> VectorHits:
        """Exact top items by inner product.

        Args:
            query: One vector a part, weighted, (P, D).
            limit: At most so many.
            allowed: Database ids that may be returned, (M,); None allows all.
        """
        with self._lock:
            selector = self._selector(allowed)
            limit = min(limit, len(self) if allowed is None else min(len(allowed), len(self)))
            if limit == 0:
                return VectorHits(ids=np.empty(0, np.int64), scores=np.empty(0, np.float32))
            parameters = None if selector is None else faiss.SearchParameters(sel=selector[0])  # type: ignore[call-arg]
            average = np.einsum("pd,pd->p", query, self.means)
            asked = self._join(query[None], -average[None])
            scores, positions = self._index.search(asked, limit, params=parameters)
            good = positions[0] >= 0
            return VectorHits(ids=self._ids[positions[0][good]], scores=scores[0][good])

    def rows(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Parts, (N, P, D), the average where there is none, and which of them there are, (N, P).

        Raises:
            KeyError: An id is not in the index.
        """
        with self._lock:
            positions = np.array([self._position[number] for number in ids.tolist()], dtype=np.int64)
            parts, has = self._split(self._codes()[positions])
            return np.where(has[:, :, None], parts.astype(np.float32), self.means[None]), has

    def contains(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the ids the index holds, (N,)."""
        return np.array([number in self._position for number in ids.tolist()], dtype=bool)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The live rows, for saving."""
        with self._lock:
            return {
                "ids": self._ids[self._live],
                "order": self._order[self._live],
                "codes": self._codes()[self._live],
                "pending": self.pending,
                "sums": self._sums,
                "counts": self._counts,
            }

    @classmethod
    def from_arrays(cls, dimensions: Mapping[str, int], arrays: dict[str, NDArray[Any]]) -> "VectorIndex":
        """Read what `to_arrays` wrote.

        Raises:
            ValueError: The arrays do not fit together.
        """
        codes, ids = arrays["codes"], arrays["ids"]
        index = cls(dimensions)
        shapes = (codes.shape[1], arrays["sums"].shape)
        if codes.dtype != np.float16 or not len(codes) == len(ids) == len(arrays["order"]):
            raise ValueError("the arrays of the index do not fit together")
        if shapes != (index._width, index._sums.shape):
            raise ValueError("the index is of other parts")
        faiss.copy_array_to_vector(codes.reshape(-1).view(np.uint8), index._index.codes)
        index._index.ntotal = len(ids)
        index.pending = arrays["pending"]
        index._sums, index._counts = arrays["sums"].copy(), arrays["counts"].copy()
        index._ids, index._order, index._live = ids, arrays["order"], np.ones(len(ids), bool)
        index._position = dict(zip(ids.tolist(), range(len(ids)), strict=True))
        return index

    def _append(
        self, ids: NDArray[np.int64], parts: NDArray[np.float32], has: NDArray[np.bool_], order: NDArray[np.uint64]
    ) -> None:
        start = len(self._ids)
        old = [self._position[number] for number in ids.tolist() if number in self._position]
        self._count(self._codes()[old], -1)
        self._live[old] = False
        self._position |= {number: start + offset for offset, number in enumerate(ids.tolist())}
        self._index.add(self._join(np.where(has[:, :, None], parts, 0), has))
        self._ids = np.concatenate([self._ids, ids])
        self._order = np.concatenate([self._order, order])
        self._live = np.concatenate([self._live, np.ones(len(ids), bool)])
        self._count(self._codes()[start:], 1)

    def _count(self, codes: NDArray[np.float16], sign: int) -> None:
        """Add rows to what the means are made of, or take them out."""
        parts, has = self._split(codes)
        self._sums += sign * parts.sum(axis=0, dtype=np.float64)
        self._counts += sign * has.sum(axis=0)

    def _join(self, parts: NDArray[np.float32], flags: NDArray[Any]) -> NDArray[np.float32]:
        """Rows, (N, width), of parts (N, P, D) and a number for each of them, (N, P)."""
        rows, start = np.zeros((len(parts), self._width), np.float32), 0
        for at, length in enumerate(self.dimensions.values()):
            rows[:, start : start + length] = parts[:, at, :length]
            start += length
        rows[:, start : start + len(self.dimensions)] = flags
        return rows

    def _split(self, codes: NDArray[np.float16]) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        """Parts (N, P, D) of rows, and which of them there are, (N, P)."""
        parts = np.zeros((len(codes), len(self.dimensions), self.dimension), np.float16)
        start = 0
        for at, length in enumerate(self.dimensions.values()):
            parts[:, at, :length] = codes[:, start : start + length]
            start += length
        return parts, codes[:, start : start + len(self.dimensions)] > 0

    def _codes(self) -> NDArray[np.float16]:
        if not len(self._ids):
            return np.empty((0, self._width), np.float16)
        raw: NDArray[np.uint8] = faiss.rev_swig_ptr(self._index.codes.data(), self._index.codes.size())
        return raw.view(np.float16).reshape(self._index.ntotal, self._width)

    def _selector(self, allowed: NDArray[np.int64] | None) -> tuple[Any, NDArray[np.uint8]] | None:
        """A bitmap over positions, with the memory it points to; None when every row may be returned."""
        if allowed is None and len(self) == len(self._ids):
            return None
        mask = self._live if allowed is None else self._live & np.isin(self._ids, allowed, kind="table")
        bits = np.packbits(mask, bitorder="little")
        return faiss.IDSelectorBitmap(bits), bits  # type: ignore[call-arg, arg-type]
