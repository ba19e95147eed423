"""Co-occurrence with a content prior: what people liked together, and likeness where nobody has yet.

A linear item-item model B, fitted in closed form so that X ~ X B with a zero diagonal, like EASE, but shrunk towards a
kernel S of the fused item vectors instead of towards zero:

    min |X - X B|^2 + l |B - a S|^2,  diag(B) = 0.

An item without any event has no data to fit, so its column of B is a S alone: content where there is no co-occurrence,
both where there is some. With a = 0 it is EASE.

Source: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data", section 3; the prior and the dual form are
our own. In the dual form, P = (X'X + l I)^-1 = (I - X' K X) / l with K = (X X' + l I)^-1, so nothing of items x items
is ever built and 100,000 items are no trouble as long as people are some thousands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: More people than this are sampled: K is people x people.
MAX_PEOPLE = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The fitted model; arrays for N items and U people.

    Attributes:
        likes: What people of the fit liked, 0 or 1, (U, N).
        inverse: K, (U, U).
        vectors: Centred unit-norm item vectors, S = vectors @ vectors.T, (N, E).
        diagonal: Lagrange multipliers divided by l that keep B's diagonal at zero, 0 for items without events, (N,).
        shrinkage: l.
        content: a.
    """

    likes: NDArray[np.float32]
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
        return np.asarray(self.likes.any(axis=0))

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
        seen = bool(self.likes[:, item].any())
        weights = self._project(liked[None])[0] if seen else liked
        others = weights @ self.vectors - weights[item] * self.vectors[item]
        likeness = vectors @ others + weights[item]  # a vector's likeness to itself is 1
        known = liked[item] - weights[item] * (1 + self.diagonal[item]) if seen else 0.0
        return np.asarray(known + self.content * likeness, np.float32)

    def with_vectors(self, vectors: NDArray[np.float32]) -> "Memory":
        """The same with other item vectors of any norm, (N, E); the diagonal stays as it was fitted."""
        return replace(self, vectors=_centre(vectors))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for saving; `from_arrays` reads them."""
        return {
            "likes": self.likes.astype(np.uint8),
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
            likes=arrays["likes"].astype(np.float32),
            inverse=arrays["inverse"],
            vectors=arrays["vectors"],
            diagonal=arrays["diagonal"],
            shrinkage=shrinkage,
            content=content,
        )

    def _project(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """l * rows @ P, (B, N)."""
        return np.asarray(rows - ((rows @ self.likes.T) @ self.inverse) @ self.likes)


def fit_memory(
    likes: NDArray[np.float32], vectors: NDArray[np.float32], *, shrinkage: float, content: float, seed: int = 0
) -> Memory:
    """Fit B.

    Args:
        likes: What U people liked, 0 or 1, (U, N).
        vectors: Item vectors, any norm, (N, E).
        shrinkage: l, above 0; the unit is people.
        content: a, at least 0.
        seed: Of the sample where there are more than `MAX_PEOPLE`.

    Raises:
        ValueError: A number is out of range.
    """
    if shrinkage <= 0 or content < 0:
        raise ValueError("shrinkage is above 0 and content at least 0")
    if len(likes) > MAX_PEOPLE:
        chosen = np.random.default_rng(seed).choice(len(likes), MAX_PEOPLE, replace=False)
        likes = likes[np.sort(chosen)]
    centred = _centre(vectors)
    gram = likes.astype(np.float64) @ likes.T.astype(np.float64)
    inverse = np.linalg.inv(gram + shrinkage * np.eye(len(likes))).astype(np.float32)
    held = 1 - np.einsum("un,un->n", likes, inverse @ likes)  # l * diag(P)
    kernel = centred - likes.T @ (inverse @ (likes @ centred))  # l * P @ vectors
    wanted = 1 - held + content * np.einsum("ne,ne->n", kernel, centred)  # diag(P (X'X + l a S))
    diagonal = np.where(likes.any(axis=0), wanted / np.maximum(held, 1e-9), 0)
    return Memory(
        likes=likes.astype(np.float32),
        inverse=inverse,
        vectors=centred,
        diagonal=diagonal.astype(np.float32),
        shrinkage=shrinkage,
        content=content,
    )


def _centre(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows minus their mean, unit-norm, (N, E)."""
    centred = vectors - vectors.mean(axis=0)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9), np.float32)
