"""Popularity: the same list for everybody, or the list of the day."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import like_counts
from core.baselines.recommender import ItemTable
from core.interactions.log import NO_TIME, History, InteractionLog

_DAY = 86_400.0


class Popularity:
    """Number of liked events."""

    name = "popularity"
    ranks_cold = False

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Count."""
        self._counts = like_counts(log)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Counts, (B, N), the same in each row."""
        return np.tile(self._counts, (len(histories), 1))


class RecentPopularity:
    """Number of liked events, each worth half as much for every half life of its age.

    Age is taken at the history's last event, and what lies after it is left out: this baseline is asked at that
    moment. A history without times is asked at the end of the log. Where nothing is left to count, or the log lacks
    times, it is plain popularity.
    """

    name = "recent-popularity"
    ranks_cold = False

    def __init__(self, *, half_life: float = 1000.0) -> None:
        """Set the half life in days.

        Raises:
            ValueError: It is not above zero.
        """
        if not half_life > 0:
            raise ValueError("the half life must be above zero days")
        self.half_life = half_life

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Keep the liked events and their times."""
        self._counts = like_counts(log)
        self._has_times = log.has_times
        self._liked = log.items[log.liked]
        self._times = log.times[log.liked]
        self._end = int(log.times.max(initial=NO_TIME))

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Decayed counts, (B, N)."""
        scores = np.tile(self._counts, (len(histories), 1))
        for row, history in enumerate(histories if self._has_times else ()):
            latest = int(history.times.max(initial=NO_TIME))
            decayed = self._count_at(self._end if latest == NO_TIME else latest)
            if decayed.any():
                scores[row] = decayed
        return scores

    def _count_at(self, now: int) -> NDArray[np.float32]:
        """Decayed counts at a moment, seconds, (N,)."""
        age = (now - self._times) / _DAY
        weights = np.where(age >= 0, np.exp2(-np.maximum(age, 0) / self.half_life), 0.0)
        return np.bincount(self._liked, weights, minlength=len(self._counts)).astype(np.float32)
