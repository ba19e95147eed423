"""What the memory is told and how it is drawn, chosen on people of the fit whom it has not met.

All of it is closed form, so people are dealt into groups and each group is ranked by a memory of the others. Few people
say little: another value than the one before must be better by more than its standard error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.interactions.log import NO_TIME, Histories, History
from core.metrics import ndcg_at, rank_top
from core.model.events import EventWeights, is_rated, weigh_matrix, weigh_rows
from core.model.memory import Memory, fit_memory
from core.train.blocks import split_rows
from core.train.data import VALIDATION_SHARE, build_validation

if TYPE_CHECKING:
    from scipy import sparse  # type: ignore[import-untyped]

#: Deeper than what is reported: less noise in the choice.
DEPTHS = (10, 50)
#: People who are dealt at most.
MOST_PEOPLE = 2_000
#: So many ranked are enough: no further group is.
_ENOUGH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryChoice:
    """How a memory is fitted; the defaults are those of `benchmarks.people_defaults`.

    Attributes:
        events: How much each event says.
        shrinkage: In units of the mean square of those weights, above 0.
        content: Of the prior from content, at least 0.
    """

    events: EventWeights = field(default_factory=EventWeights)
    shrinkage: float = 200.0
    content: float = 0.025

    def fit(self, likes: "sparse.csr_array", vectors: NDArray[np.float32]) -> Memory:
        """The memory of these likes, (U, N), and item vectors, (N, E)."""
        unit = float(np.square(likes.data).mean()) if likes.nnz else 1.0
        return fit_memory(likes, vectors, shrinkage=self.shrinkage * unit, content=self.content)


#: Field by field what is tried, in this order.
GRID: Mapping[str, tuple[float, ...]] = {
    "shrinkage": (12.5, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0),
    "content": (0.0, 0.006, 0.0125, 0.025, 0.05, 0.1),
    "half_life": (0.0, 30.0, 120.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One group of people against the others.

    Attributes:
        others: Whole histories of those whom a memory is fitted on.
        asked: Beginnings of the group's histories, B of them.
        targets: Items each liked later, (T,) each.
    """

    others: tuple[History, ...]
    asked: tuple[History, ...]
    targets: tuple[NDArray[np.int64], ...]

    @property
    def masked(self) -> tuple[NDArray[np.int64], ...]:
        """Items that must not be suggested again."""
        return tuple(history.items for history in self.asked)


class MemoryChooser:
    """Tries ways to fit a memory.

    Args:
        histories: Of people of the fit.
        vectors: Of the items, (N, E).
    """

    def __init__(self, histories: Histories, vectors: NDArray[np.float32]) -> None:
        order = np.random.default_rng(12).permutation(len(histories))[:MOST_PEOPLE]
        self._people = [histories[person] for person in order.tolist()]
        self.vectors = vectors
        self._known: dict[MemoryChoice, NDArray[np.float64]] = {}

    @cached_property
    def deals(self) -> tuple[Deal, ...]:
        """Groups until enough people are ranked; none where nobody can be."""
        return tuple(self._deal())

    def choose(self) -> MemoryChoice:
        """Field by field the value that ranks best; the default where nobody can be ranked."""
        best = MemoryChoice()
        if not self.deals:
            return best
        for name, values in GRID.items():
            if name != "half_life" or any(_ages(one) for one in self._people):
                best = self._choose_field(best, name, values)
        return best

    def _choose_field(self, best: MemoryChoice, name: str, values: Sequence[float]) -> MemoryChoice:
        tried = max((set_field(best, name, value) for value in values), key=lambda one: self.gains(one).mean())
        return tried if is_better(self.gains(tried), self.gains(best)) else best

    def gains(self, choice: MemoryChoice) -> NDArray[np.float64]:
        """ndcg of each ranked person, (P,)."""
        if choice not in self._known:
            self._known[choice] = np.concatenate([self._rank(choice, deal) for deal in self.deals])
        return self._known[choice]

    def _rank(self, choice: MemoryChoice, deal: Deal) -> NDArray[np.float64]:
        count = len(self.vectors)
        memory = choice.fit(weigh_matrix(deal.others, count, choice.events), self.vectors)
        gains = [np.empty(0)]
        for block in split_rows(len(deal.asked), count):
            together = memory.score_seen(weigh_rows(deal.asked[block], count, choice.events))
            gains.append(mean_gains(np.where(memory.seen, together, -np.inf), deal.targets[block], deal.masked[block]))
        return np.concatenate(gains)

    def _deal(self) -> Iterator[Deal]:
        ranked = 0
        for group in range(VALIDATION_SHARE):
            tested = build_validation(self._people[group::VALIDATION_SHARE])
            others = [one for place, one in enumerate(self._people) if place % VALIDATION_SHARE != group]
            if len(tested) and others:
                yield Deal(others=tuple(others), asked=tested.histories, targets=tested.targets)
            ranked += len(tested)
            if ranked >= _ENOUGH:
                return


def _ages(history: History) -> bool:
    """Whether the age of its events could tell them apart."""
    times = history.times[~is_rated(history)]
    return bool((history.times != NO_TIME).all() and len(np.unique(times)) > 1)


def set_field(choice: MemoryChoice, name: str, value: float) -> MemoryChoice:
    """The same with another value of a field of its own or of its events."""
    one: Mapping[str, Any] = {name: value}
    if name in ("shrinkage", "content"):
        return replace(choice, **one)
    return replace(choice, events=replace(choice.events, **one))


def is_better(gains: NDArray[np.float64], before: NDArray[np.float64]) -> bool:
    """Whether the mean gain over the same people is more than its standard error, which one person does not have."""
    differences = gains - before
    return len(differences) > 1 and bool(differences.mean() > differences.std() / len(differences) ** 0.5 + 1e-9)


def mean_gains(
    scores: NDArray[np.float32], targets: Sequence[NDArray[np.int64]], masked: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """ndcg of each person, the mean over two depths, (B,); NaN without a target.

    Args:
        scores: (B, N).
        targets: Items each liked later.
        masked: Items that are not ranked.
    """
    top = rank_top(scores.astype(np.float32), max(DEPTHS), masked=masked)
    return np.asarray(np.mean([ndcg_at(top, targets, depth) for depth in DEPTHS], axis=0))
