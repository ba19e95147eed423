"""Co-occurrence with a content prior: what people liked together, and likeness where nobody has yet.

A linear item-item model B, fitted in closed form so that X ~ X B with a zero diagonal, like EASE, but shrunk towards a
kernel S of the fused item vectors instead of towards zero:

    min |X - X B|^2 + l |B - a S|^2,  diag(B) = 0.

With a = 0 it is EASE. X holds how much each event says (`core.model.events`).

An item without any event has no column to fit. Two things are said of it: its likeness to the history, S alone, and
what it would get if it were liked like the items that it is like: a ridge regression from the vectors of the items
with events to what this person's history gives each of them.

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

#: Penalty of the regression from vectors, whose norm is 1; chosen by `benchmarks.people_defaults`.
RIDGE = 1.0
#: Rows or columns of a large product that are held together.
_BLOCK = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The fitted model; arrays for N items and U people.

    Attributes:
        likes: How much people of the fit liked what, 0 where nothing is known, (U, N), sparse.
        inverse: K, (U, U).
        vectors: Centred unit-norm item vectors, S = vectors @ vectors.T, (N, E).
        diagonal: Lagrange multipliers divided by l that keep B's diagonal at zero, 0 for items without events, (N,).
        ridge: (A'A + r I)^-1 of the centred vectors A of items with events, (E, E); empty before `with_ridge`, and in
            older versions.
        centre: Mean vector of the items with events, (E,).
        shrinkage: l.
        content: a.
    """

    likes: "sparse.csr_array"
    inverse: NDArray[np.float32]
    vectors: NDArray[np.float32]
    diagonal: NDArray[np.float32]
    ridge: NDArray[np.float32]
    centre: NDArray[np.float32]
    shrinkage: float
    content: float

    def score(self, liked: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Score all items for people.

        Args:
            liked: How much each liked what, (B, N).

        Returns:
            Scores of items with events, liked @ B; of those without, what their likes get, and their likeness to what
            was liked; (B, N) each and 0 elsewhere.
        """
        means, slopes = self._carry_likes(liked)
        carried = slopes @ self.vectors.T + (means - slopes @ self.centre)[:, None]
        likeness = (liked @ self.vectors) @ self.vectors.T
        new = ~self.seen
        return self.score_seen(liked), (carried * new).astype(np.float32), (likeness * new).astype(np.float32)

    def score_seen(self, liked: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first of these alone, (B, N)."""
        rest = self._project(liked)  # l * liked @ P
        scores = liked - rest + self.content * (rest @ self.vectors) @ self.vectors.T - rest * self.diagonal
        return np.asarray(scores * self.seen, np.float32)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Items with events: those that say something of somebody in the fit, (N,)."""
        return np.asarray(np.bincount(self.likes.indices, minlength=self.likes.shape[1]) > 0)

    def score_variants(
        self, liked: NDArray[np.float32], item: int, vectors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Score one item for one person as if it had other vectors; likes and the diagonal stay as they were fitted.

        Args:
            liked: How much the person liked what, (N,).
            item: Number of the item.
            vectors: Centred and unit-norm like `Memory.vectors`, or averages of such, which give averages, (V, E).

        Returns:
            What `score` would give the item in place of its own scores, (V, 3).
        """
        seen, none = bool(self.seen[item]), np.zeros(len(vectors), np.float32)
        weights = self._project(liked[None])[0] if seen else liked
        others = weights @ self.vectors - weights[item] * self.vectors[item]
        likeness = vectors @ others + weights[item]  # a vector's likeness to itself is 1
        if seen:
            known = liked[item] - weights[item] * (1 + self.diagonal[item])
            return np.stack([known + self.content * likeness, none, none], axis=1).astype(np.float32)
        (mean,), (slope,) = self._carry_likes(liked[None])
        return np.stack([none, mean + (vectors - self.centre) @ slope, likeness], axis=1).astype(np.float32)

    def predict(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the vectors foretell of a number that is known of the items with events, for all items, (N,)."""
        (mean,), (slope,) = self._carry(values[None])
        return np.asarray(mean + (self.vectors - self.centre) @ slope, np.float32)

    def _carry_likes(self, liked: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The regressions from vectors to what these likes (B, N) give; items without events have no part in it."""
        return self._carry(self.score_seen(liked * self.seen))

    def _carry(self, values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean (B,) and slopes (B, E) of the regressions from vectors to values (B, N) of the items with events."""
        if not self.ridge.size:
            return np.zeros(len(values), np.float32), np.zeros((len(values), self.vectors.shape[1]), np.float32)
        seen = self.seen
        means = (values * seen).sum(axis=1) / max(int(seen.sum()), 1)
        return means, ((values - means[:, None]) * seen) @ self.vectors @ self.ridge

    def with_vectors(self, vectors: NDArray[np.float32]) -> "Memory":
        """The same with other item vectors of any norm, (N, E); the diagonal stays as it was fitted.

        What is carried is regressed on the vectors as they are: the directions in which these vary are others.
        """
        moved = replace(self, vectors=_centre(vectors))
        return moved.with_ridge() if self.ridge.size else moved

    def with_ridge(self, penalty: float = RIDGE) -> "Memory":
        """The same with the regression that speaks for items without events; until then nothing is carried to them."""
        vectors = self.vectors[self.seen]
        centre = vectors.mean(axis=0) if len(vectors) else self.centre
        vectors -= centre  # a copy, as large as all items
        gram = (vectors.T @ vectors).astype(np.float64)
        gram[np.diag_indices_from(gram)] += penalty
        return replace(self, centre=centre, ridge=np.linalg.inv(gram).astype(np.float32))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for saving; `from_arrays` reads them."""
        return {
            "liked_items": self.likes.indices.astype(np.int32),
            "liked_weights": self.likes.data.astype(np.float32),
            "liked_ends": self.likes.indptr[1:].astype(np.int64),
            "inverse": self.inverse,
            "vectors": self.vectors,
            "diagonal": self.diagonal,
            "ridge": self.ridge,
            "centre": self.centre,
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
            ridge=arrays.get("ridge", np.zeros((0, 0), np.float32)),
            centre=arrays.get("centre", np.zeros(arrays["vectors"].shape[1], np.float32)),
            shrinkage=shrinkage,
            content=content,
        )

    def _project(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """l * rows @ P, (B, N)."""
        return np.asarray(rows - ((rows @ self.likes.T) @ self.inverse) @ self.likes)


def fit_memory(likes: "sparse.csr_array", vectors: NDArray[np.float32], *, shrinkage: float, content: float) -> Memory:
    """Fit B.

    Args:
        likes: How much U people liked what, (U, N).
        vectors: Item vectors, any norm, (N, E).
        shrinkage: l, above 0; the unit is people.
        content: a, at least 0.

    Raises:
        ValueError: A number is out of range.
    """
    if shrinkage <= 0 or content < 0:
        raise ValueError("shrinkage is above 0 and content at least 0")
    centred, inverse = _centre(vectors), _invert(likes, shrinkage)
    return Memory(
        likes=likes,
        inverse=inverse,
        vectors=centred,
        diagonal=_solve_diagonal(likes, inverse, centred, content),
        ridge=np.zeros((0, 0), np.float32),
        centre=np.zeros(centred.shape[1], np.float32),
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

    if not likes.shape[0]:
        return np.zeros((0, 0), np.float32)
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
    weights = arrays.get("liked_weights", np.ones(len(items), np.float32))
    return sparse.csr_array((weights, items, np.r_[0, ends]), shape=shape)


def _centre(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows minus their mean, unit-norm, (N, E)."""
    centred = vectors - vectors.mean(axis=0)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9), np.float32)
