"""How much each thing that a person did says about its item: what the memory learns from and is asked with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.interactions.event_names import event_code
from core.interactions.log import NO_TIME, History

if TYPE_CHECKING:
    from scipy import sparse  # type: ignore[import-untyped]

_DAY = 86_400.0
_RATING = event_code("rating")
#: What is left of an event's weight however long ago it was.
_FLOOR = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWeights:
    """The weight of an item in a history: (amount / mean amount) ** power, less with its age unless it was rated.

    The amount is the last rating, whatever came after it, else the sum of the counts, each event without one counting
    1; the mean is over what the same person liked, so that everybody speaks on one scale. An item that was rated below
    the bar counts as well, as little as its rating is low; one without a rating counts only where it was liked.

    Attributes:
        rating_power: Of ratings; 0: a rating says only whether the item was liked.
        count_power: Of counts; 0: how often says nothing.
        half_life: Days before the person's newest event in which three quarters of the weight halve; 0: age does not
            count. A rating is as old as the day on which it was written down, so it has no age.

    Examples:
        >>> EventWeights().rating_power
        2.0
    """

    rating_power: float = 2.0
    count_power: float = 0.2
    half_life: float = 120.0

    def __post_init__(self) -> None:
        if min(self.rating_power, self.count_power, self.half_life) < 0:
            raise ValueError("powers and the half life are at least 0")

    def weigh(self, history: History) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The items of a history, each once and ascending, (K,), and their weights, above 0, (K,)."""
        items, place = np.unique(history.items, return_inverse=True)
        last = np.zeros(len(items), np.int64)
        ratings = is_rated(history)
        last[place] = np.arange(len(history))  # the last of equal places stays
        last[place[ratings]] = np.flatnonzero(ratings)
        liked = np.bincount(place, history.liked, len(items)) > 0
        rated = ratings[last]
        weights = np.where(rated, self._rate(history.values[last], liked & rated), liked * 1.0)
        done = self._count(history, place, liked & ~rated) * self._age(history.times, last)
        weights *= np.where(rated, 1.0, done)
        kept = weights > 0
        return items[kept], weights[kept].astype(np.float32)

    def _rate(self, values: NDArray[np.float32], liked: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Of rated items, (K,)."""
        mean = float(values[liked].mean(dtype=float)) if liked.any() else 0.0
        if self.rating_power == 0 or mean <= 0:
            return liked.astype(float)
        return np.asarray((np.nan_to_num(values).clip(min=0).astype(float) / mean) ** self.rating_power)

    def _count(self, history: History, place: NDArray[np.int64], liked: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Of items without a rating, (K,)."""
        known = np.isfinite(history.values) & (history.values > 0)
        counts = np.where(known, history.values, 1.0) * history.liked
        amounts = np.bincount(place, counts, len(liked))
        mean = float(amounts[liked].mean()) if liked.any() else 1.0
        return np.asarray((amounts / mean) ** self.count_power)

    def _age(self, times: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of each item by its last event, (K,)."""
        if self.half_life == 0 or not len(times) or (times == NO_TIME).any():
            return np.ones(len(last))
        days = (times.max() - times[last]) / _DAY
        return np.asarray(_FLOOR + (1 - _FLOOR) * np.exp2(-days / self.half_life))


def is_rated(history: History) -> NDArray[np.bool_]:
    """Events that hold a rating, (L,)."""
    return np.asarray((history.events == _RATING) & np.isfinite(history.values))


#: What versions count by that were trained before events were weighed.
LIKED_ALONE = EventWeights(rating_power=0, count_power=0, half_life=0)


def weigh_matrix(histories: Sequence[History], items: int, events: EventWeights) -> "sparse.csr_array":
    """Weights of many people, (B, N), sparse."""
    from scipy import sparse

    found = [events.weigh(history) for history in histories]
    columns = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in found)])
    weights = np.concatenate([np.empty(0, np.float32), *(values for _, values in found)])
    ends = np.cumsum([0, *(len(rows) for rows, _ in found)])
    return sparse.csr_array((weights, columns, ends), shape=(len(found), items))


def weigh_rows(histories: Sequence[History], items: int, events: EventWeights) -> NDArray[np.float32]:
    """The same of few, (B, N), 0 where nothing is known."""
    rows: NDArray[np.float32] = weigh_matrix(histories, items, events).toarray()
    return rows
