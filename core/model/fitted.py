"""A trained model that suggests to people: parts of scores that add up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.interactions.log import History
from core.model.memory import Memory

if TYPE_CHECKING:
    from scipy import sparse  # type: ignore[import-untyped]

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


def head_parts(
    taste: NDArray[np.float32], prior: NDArray[np.float32], memory: Memory, liked: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The four heads side by side, without weights, (B, N, 4).

    The memory's scores grow with the number of things liked; divided by its root they mean the same for everyone. Its
    prior's strength is taken out of the scores of new items: the weight of their head holds it.

    Args:
        taste: Person-item cosines, (B, N).
        prior: (N,).
        memory: Fitted.
        liked: 0 or 1, (B, N).
    """
    together, content = memory.score(liked)
    norm = _liked_norm(liked)[:, None]
    rows = np.tile(prior, (len(liked), 1))
    likeness = content / (norm * max(memory.content, 1e-12))
    return np.stack([taste, rows, together / norm, likeness], axis=-1).astype(np.float32)


def item_parts(
    taste: NDArray[np.float32], prior: float, memory: Memory, liked: NDArray[np.float32], places: ItemPlaces
) -> NDArray[np.float32]:
    """The four heads for one item and one person as if the item lay elsewhere, without weights, (V, 4).

    Args:
        taste: Cosines of the person and the item's variants, (V,).
        prior: The item's.
        memory: Fitted.
        liked: 0 or 1, (N,).
        places: Where the item is taken to lie.
    """
    scores = memory.score_variants(liked, places.item, places.memory) / _liked_norm(liked)
    none = np.zeros_like(scores)
    seen = memory.seen[places.item]
    together, likeness = (scores, none) if seen else (none, scores / max(memory.content, 1e-12))
    return np.stack([taste, np.full_like(scores, prior), together, likeness], axis=-1).astype(np.float32)


def _liked_norm(liked: NDArray[np.float32]) -> NDArray[np.float32]:
    """Root of how much was liked, at least 1: (..., N) to (...)."""
    return np.asarray(np.sqrt(np.maximum(liked.sum(axis=-1), 1)), np.float32)


def liked_rows(histories: Sequence[History], items: int) -> NDArray[np.float32]:
    """0 or 1 for what each person liked, (B, N)."""
    rows = np.zeros((len(histories), items), np.float32)
    for row, history in enumerate(histories):
        rows[row, history.items[history.liked]] = 1
    return rows


def liked_matrix(histories: Sequence[History], items: int) -> "sparse.csr_array":
    """The same of many people, (B, N), sparse: as large as their likes."""
    from scipy import sparse

    liked = [np.unique(history.items[history.liked]) for history in histories]
    columns = np.concatenate([np.empty(0, np.int64), *liked])
    ends = np.cumsum([0, *(len(one) for one in liked)])
    return sparse.csr_array((np.ones(len(columns), np.float32), columns, ends), shape=(len(liked), items))
