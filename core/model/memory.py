"""Co-occurrence with a content prior: what people liked together, and likeness where nobody has yet.

A linear item-item model B, fitted in closed form so that X ~ X B with a zero diagonal, like EASE, but shrunk towards a
kernel S of the fused item vectors instead of towards zero:

    min |X - X B|^2 + l |B - a S|^2,  diag(B) = 0.

An item without any event has no data to fit, so its column of B is a S alone: content where there is no co-occurrence,
both where there is some. With a = 0 it is EASE.

Source: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data", section 3; the prior and the dual form are
our own. In the dual form, P = (X'X + l I)^-1 = (I - X' K X) / l with K = (X X' + l I)^-1, so nothing of items x items
is ever built and 100,000 items are no trouble as long as people are some thousands. Likes stay sparse, so nothing of
people x items is built either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy import sparse  # type: ignore[import-untyped]

#: More people than this are sampled: K is people x people.
MAX_PEOPLE = 8_000
#: Rows or columns of a large product that are held together.
_BLOCK = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The fitted model; arrays for N items and U people.

    Attributes:
        likes: What people of the fit liked, 0 or 1, (U, N), sparse.
        inverse: K, (U, U).
        vectors: Centred unit-norm item vectors, S = vectors @ vectors.T, (N, E).
        diagonal: Lagrange multipliers divided by l that keep B's diagonal at zero, 0 for items without events, (N,).
        shrinkage: l.
        content: a.
    """

    likes: "sparse.csr_array"
    inverse: NDArray[np.float32]
    vectors: NDArray[np.float32]
    diagonal: NDArray[np.float32]
    shrinkage: float
    content: float

    def score(self, liked: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score all items for people.

        Args:
            liked: 0 or 1, (B, N).

        Returns:
            Scores of items with events, and of those without, (B, N) each and 0 elsewhere; their sum is liked @ B.
        """
        rest = self._project(liked)  # l * liked @ P
        warm = liked - rest + self.content * (rest @ self.vectors) @ self.vectors.T - rest * self.diagonal
        cold = self.content * (liked @ self.vectors) @ self.vectors.T
        return (warm * self.seen).astype(np.float32), (cold * ~self.seen).astype(np.float32)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Items that somebody liked, (N,)."""
        return np.asarray(np.bincount(self.likes.indices, minlength=self.likes.shape[1]) > 0)

    def score_variants(
        self, liked: NDArray[np.float32], item: int, vectors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Score one item for one person as if it had other vectors; likes and the diagonal stay as they were fitted.

        Args:
            liked: 0 or 1, (N,).
            item: Number of the item.
            vectors: Centred and unit-norm like `Memory.vectors`, or averages of such, which give averages, (V, E).

        Returns:
            What `score` would give the item in place of its own score, (V,).
        """
        seen = bool(self.seen[item])
        weights = self._project(liked[None])[0] if seen else liked
        others = weights @ self.vectors - weights[item] * self.vectors[item]
        likeness = vectors @ others + weights[item]  # a vector's likeness to itself is 1
        known = liked[item] - weights[item] * (1 + self.diagonal[item]) if seen else 0.0
        return np.asarray(known + self.content * likeness, np.float32)

    def with_vectors(self, vectors: NDArray[np.float32]) -> "Memory":
        """The same with other item vectors of any norm, (N, E); the diagonal stays as it was fitted."""
        return replace(self, vectors=_centre(vectors))

    def with_content(self, content: float) -> "Memory":
        """The fit with another weight of the content, at least 0, without inverting anything again."""
        diagonal = _solve_diagonal(self.likes, self.inverse, self.vectors, content)
        return replace(self, content=content, diagonal=diagonal)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for saving; `from_arrays` reads them."""
        return {
            "liked_items": self.likes.indices.astype(np.int32),
            "liked_ends": self.likes.indptr[1:].astype(np.int64),
            "inverse": self.inverse,
            "vectors": self.vectors,
            "diagonal": self.diagonal,
            "numbers": np.array([self.shrinkage, self.content], np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Memory":
        """Read what `to_arrays` wrote.

        Raises:
            KeyError: An array is missing.
        """
        shrinkage, content = arrays["numbers"].tolist()
        return cls(
            likes=_read_likes(arrays),
            inverse=arrays["inverse"],
            vectors=arrays["vectors"],
            diagonal=arrays["diagonal"],
            shrinkage=shrinkage,
            content=content,
        )

    def _project(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """l * rows @ P, (B, N)."""
        return np.asarray(rows - ((rows @ self.likes.T) @ self.inverse) @ self.likes)


def fit_memory(likes: "sparse.csr_array", vectors: NDArray[np.float32], *, shrinkage: float, content: float) -> Memory:
    """Fit B.

    Args:
        likes: What U people liked, 0 or 1, (U, N).
        vectors: Item vectors, any norm, (N, E).
        shrinkage: l, above 0; the unit is people.
        content: a, at least 0.

    Raises:
        ValueError: A number is out of range.
    """
    if shrinkage <= 0 or content < 0:
        raise ValueError("shrinkage is above 0 and content at least 0")
    if likes.shape[0] > MAX_PEOPLE:
        chosen = np.random.default_rng(0).choice(likes.shape[0], MAX_PEOPLE, replace=False)
        likes = likes[np.sort(chosen)]
    centred, inverse = _centre(vectors), _invert(likes, shrinkage)
    return Memory(
        likes=likes,
        inverse=inverse,
        vectors=centred,
        diagonal=_solve_diagonal(likes, inverse, centred, content),
        shrinkage=shrinkage,
        content=content,
    )


def ridge_gram(rows: "sparse.csr_array", ridge: float) -> NDArray[np.float64]:
    """X X' + l I of the rows X (R, C), (R, R), in Fortran's order, filled block by block so that no second is held."""
    count = rows.shape[0]
    gram = np.empty((count, count), np.float64, order="F")
    for start in range(0, count, _BLOCK):
        gram[:, start : start + _BLOCK] = (rows @ rows[start : start + _BLOCK].T).toarray()
    gram[np.diag_indices(count)] += ridge
    return gram


def _invert(likes: "sparse.csr_array", shrinkage: float) -> NDArray[np.float32]:
    """K = (X X' + l I)^-1, (U, U): one matrix of float64, inverted where it lies."""
    from scipy.linalg import lapack  # type: ignore[import-untyped]

    factor, failed = lapack.dpotrf(ridge_gram(likes, shrinkage), lower=1, overwrite_a=1)
    inverse, failed_again = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed or failed_again:
        raise ValueError("the people's likenesses cannot be inverted")
    lower = np.tril(inverse.astype(np.float32))
    return np.ascontiguousarray(lower + np.tril(lower, -1).T)


def _solve_diagonal(
    likes: "sparse.csr_array", inverse: NDArray[np.float32], centred: NDArray[np.float32], content: float
) -> NDArray[np.float32]:
    """The multipliers that keep B's diagonal at zero, (N,), from blocks of items: K X is as large as all people."""
    explained = inverse @ (likes @ centred)  # (U, E)
    columns, diagonal = likes.tocsc(), np.zeros(likes.shape[1], np.float32)
    for start in range(0, likes.shape[1], _BLOCK):
        block, own = columns[:, start : start + _BLOCK], centred[start : start + _BLOCK]
        held = 1 - np.asarray(block.multiply(inverse @ block).sum(axis=0)).ravel()  # l * diag(P)
        kernel = own - block.T @ explained  # l * P @ vectors
        wanted = 1 - held + content * np.einsum("ne,ne->n", kernel, own)  # diag(P (X'X + l a S))
        seen = np.diff(block.indptr) > 0
        diagonal[start : start + _BLOCK] = np.where(seen, wanted / np.maximum(held, 1e-9), 0)
    return diagonal


def _read_likes(arrays: Mapping[str, NDArray[Any]]) -> "sparse.csr_array":
    """Likes as they were saved; older versions hold all people x items."""
    from scipy import sparse

    if "likes" in arrays:
        return sparse.csr_array(arrays["likes"].astype(np.float32))
    items, ends = arrays["liked_items"], arrays["liked_ends"]
    shape = (len(ends), len(arrays["vectors"]))
    return sparse.csr_array((np.ones(len(items), np.float32), items, np.r_[0, ends]), shape=shape)


def _centre(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows minus their mean, unit-norm, (N, E)."""
    centred = vectors - vectors.mean(axis=0)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9), np.float32)
