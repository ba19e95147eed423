"""A trained model that suggests to people: parts of scores that add up."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.memory import Memory

#: Events that a popularity told from content is worth.
_PRIOR_EVENTS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonScores:
    """Scores of N items for B people; the parts sum to the score.

    Attributes:
        parts: Name of a head to its weighted part, (B, N).
    """

    parts: Mapping[str, NDArray[np.float32]]

    @property
    def total(self) -> NDArray[np.float32]:
        """(B, N)."""
        total: NDArray[np.float32] = np.sum(list(self.parts.values()), axis=0)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlaces:
    """One item as if it were V others: what is known of it by its likes stays, what is read of it changes.

    Attributes:
        item: Its number.
        flat: In place of its vector over all modalities, unit-norm or an average of such, (V, M * D).
        memory: In place of its vector in the memory, centred and unit-norm or an average of such, (V, E).
    """

    item: int
    flat: NDArray[np.float32]
    memory: NDArray[np.float32]


def blend_prior(
    counts: NDArray[np.int64], popularity: NDArray[np.float32], predicted: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Popularity as observed, drawn towards what the content predicts; the prediction alone where nothing was seen.

    Args:
        counts: How often each item was liked, (N,).
        popularity: Standardised log counts, NaN for unseen items, (N,).
        predicted: The same from content, (N,).
    """
    seen = ~np.isnan(popularity)
    blended = (counts * np.nan_to_num(popularity) + _PRIOR_EVENTS * predicted) / (counts + _PRIOR_EVENTS)
    return np.where(seen, blended, predicted).astype(np.float32)


def foretell_popularity(memory: Memory) -> NDArray[np.float32]:
    """What the content of all items foretells of how many people of the fit have to do with them, as standard
    deviations of the logarithm over items with events, (N,)."""
    logs = np.log1p(np.bincount(memory.likes.indices, minlength=memory.likes.shape[1])).astype(np.float32)
    known = logs[memory.seen]
    if not len(known):
        return np.zeros_like(logs)
    return memory.predict((logs - known.mean()) / max(float(known.std()), 1e-6))


def head_parts(
    taste: NDArray[np.float32], prior: NDArray[np.float32], memory: Memory, liked: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The five heads side by side, without weights, (B, N, 5).

    The memory's scores grow with the number of things liked; divided by its root they mean the same for everyone.

    Args:
        taste: Person-item cosines, (B, N).
        prior: (N,).
        memory: Fitted.
        liked: How much each liked what, (B, N).
    """
    norm = _liked_norm(liked)[:, None]
    rows = np.tile(prior, (len(liked), 1))
    return np.stack([taste, rows, *(one / norm for one in memory.score(liked))], axis=-1).astype(np.float32)


def item_parts(
    taste: NDArray[np.float32], prior: float, memory: Memory, liked: NDArray[np.float32], places: ItemPlaces
) -> NDArray[np.float32]:
    """The five heads for one item and one person as if the item lay elsewhere, without weights, (V, 5).

    Args:
        taste: Cosines of the person and the item's variants, (V,).
        prior: The item's.
        memory: Fitted.
        liked: How much the person liked what, (N,).
        places: Where the item is taken to lie.
    """
    scores = memory.score_variants(liked, places.item, places.memory) / _liked_norm(liked)
    return np.column_stack([taste, np.full(len(scores), prior), scores]).astype(np.float32)


def _liked_norm(liked: NDArray[np.float32]) -> NDArray[np.float32]:
    """Root of how much was liked, at least 1: (..., N) to (...)."""
    return np.asarray(np.sqrt(np.maximum(liked.sum(axis=-1), 1)), np.float32)
