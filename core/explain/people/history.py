"""Where one item stands for a person whose history lacks some of its items."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.explain.flips import Positions
from core.interactions.log import History
from core.versions.bundle import Bundle

#: Different items of a history that are left out one by one: the newest.
MOST_ITEMS = 40
#: Scores that are held in memory at once.
_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonStanding:
    """Where an item stands for one history.

    Attributes:
        score: As `recommend` gives it.
        rank: As `recommend` gives it, None where the person has had the item.
    """

    score: float
    rank: int | None


class HistoryRanks:
    """Ranks of one item for a history without some of its items; each set of them is ranked once.

    Args:
        bundle: The version; it must know people.
        history: Of the person.
        row: Number of the item in the version.
    """

    def __init__(self, bundle: Bundle, history: History, row: int) -> None:
        self._bundle, self._history, self._row = bundle, history, row
        newest = history.items[::-1]
        _, first = np.unique(newest, return_index=True)
        self.distinct = len(first)
        #: Numbers of the items that may be left out, newest first.
        self.items: tuple[int, ...] = tuple(newest[np.sort(first)][:MOST_ITEMS].tolist())
        self._known: dict[Positions, PersonStanding] = {}

    def stand(self, sets: Collection[Positions]) -> dict[Positions, PersonStanding]:
        """Where the item stands without each set of positions in `items`.

        Raises:
            TrainError: The version was trained without a log.
        """
        new = [positions for positions in sets if positions not in self._known]
        size = max(_AT_ONCE // max(len(self._bundle.item_ids), 1), 1)
        for start in range(0, len(new), size):
            batch = new[start : start + size]
            histories = [self._without(positions) for positions in batch]
            scores = self._bundle.score_people(histories).total
            for positions, history, row in zip(batch, histories, scores, strict=True):
                self._known[positions] = _stand(row, history, self._row)
        return {positions: self._known[positions] for positions in sets}

    def rank(self, sets: Collection[Positions]) -> dict[Positions, int | None]:
        """The ranks alone, as `core.explain.flips.RankSets`."""
        return {positions: one.rank for positions, one in self.stand(sets).items()}

    def _without(self, positions: Positions) -> History:
        removed = [self.items[position] for position in positions]
        return self._history.take(~np.isin(self._history.items, removed))


def _stand(scores: NDArray[np.float32], history: History, row: int) -> PersonStanding:
    """As `core.metrics.rank_top` orders scores (N,): items of the history last, ties to the lower number."""
    above = scores > scores[row]
    above[:row] |= scores[:row] == scores[row]
    above[history.items] = False
    had = bool((history.items == row).any())
    return PersonStanding(score=float(scores[row]), rank=None if had else int(above.sum()) + 1)
