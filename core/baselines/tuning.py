"""Settings of recommenders, chosen on validation people of the fit within a budget of fits and seconds.

The search begins at the default and goes over the settings in turn: of each it tries all values, those nearest to the
present one first, and keeps the best, until a whole turn changes nothing or the budget is used up. Seconds are those of
the clock, so on a slower machine fewer values are tried; what was chosen, of how many, is in `Choice`.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable, Recommender, announce, is_transductive
from core.baselines.validation import validation_ndcg
from core.interactions.log import History, InteractionLog
from core.train.data import Validation, split_people

#: People who choose at most; each costs a ranking of all items for each value.
MOST_PEOPLE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a choice may cost, for each model and fold.

    Attributes:
        fits: At most, the default's among them, at least 1.
        seconds: None is begun that would end after them if it took as long as the longest so far, above 0. Where the
            fit on everybody takes longer than all of them, nothing is compared and the default stays.
    """

    fits: int = 24
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Setting:
    """One number to choose.

    Attributes:
        name: As its model's argument.
        default: Where the search begins, one of the values.
        values: To choose from, in ascending order.
        limits: The least and the largest number that there can be: a choice of them is at no edge.
    """

    name: str
    default: float
    values: tuple[float, ...]
    limits: tuple[float, ...] = ()

    def nearest(self, value: float) -> tuple[float, ...]:
        """The values, those beside this one first."""
        place = self.values.index(value)
        return tuple(sorted(self.values, key=lambda other: abs(self.values.index(other) - place)))

    def at_edge(self, value: float) -> bool:
        """Whether a better value may lie beyond the ones that were tried."""
        return value in (self.values[0], self.values[-1]) and value not in self.limits and len(self.values) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a fit chose.

    Attributes:
        settings: Name to value.
        at_edge: Names of those whose best value is the first or last that was tried.
        fits: So many were compared; 0 where the default was taken without a choice.
        seconds: That the choice took, beside the fit itself.
    """

    settings: Mapping[str, float]
    at_edge: tuple[str, ...] = ()
    fits: int = 0
    seconds: float = 0.0


class Tuned:
    """A recommender whose settings are chosen anew in each fit, which is then made once more on everybody.

    Attributes:
        choice: Of the last fit; the default before one.
    """

    def __init__(
        self,
        build: Callable[..., Recommender],
        space: Sequence[Setting],
        *,
        seed: int = 0,
        budget: Budget | None = None,
    ) -> None:
        """Set what is chosen.

        Args:
            build: Makes the recommender with settings, by their names.
            space: The settings.
            seed: Of the choice of validation people.
            budget: None for the default.
        """
        self._build, self._space = build, tuple(space)
        self._seed, self._budget = seed, budget or Budget()
        self._model = build(**self._default)
        self._expected: tuple[History, ...] = ()
        self.name, self.ranks_cold = self._model.name, self._model.ranks_cold
        self.transductive = is_transductive(self._model)
        self.choice = Choice(settings=self._default)

    def expect(self, histories: Sequence[History]) -> None:
        """Those who will be asked about, for a model that scores nobody else."""
        self._expected = tuple(histories)

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Fit with the default, choose, and fit with what was chosen."""
        began = time.monotonic()
        seconds = self._fit(self._default, log, items)
        self.choice = Choice(settings=self._default)
        if seconds <= self._budget.seconds:
            tried = self._compare(log, items)
            best = max(tried, key=lambda values: tried[values], default=tuple(self._default.values()))
            chosen = dict(zip(self._default, best, strict=True))
            if chosen != self._default:
                seconds = self._fit(chosen, log, items)
            self.choice = Choice(
                settings=chosen,
                at_edge=tuple(one.name for one in self._space if tried and one.at_edge(chosen[one.name])),
                fits=len(tried),
                seconds=time.monotonic() - began - seconds,
            )

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """As the chosen one, (B, N)."""
        return self._model.score(histories)

    @property
    def _default(self) -> dict[str, float]:
        return {one.name: one.default for one in self._space}

    def _fit(self, settings: Mapping[str, float], log: InteractionLog, items: ItemTable) -> float:
        """Make the recommender and fit it; the seconds that it took."""
        began = time.monotonic()
        self._model = self._build(**settings)
        announce(self._model, self._expected)
        self._model.fit(log, items)
        return time.monotonic() - began

    def _compare(self, log: InteractionLog, items: ItemTable) -> dict[tuple[float, ...], float]:
        """Settings tried, in turn, to their ndcg on validation people; nothing where there is nobody to choose by."""
        rest, validation = split_people(log, seed=self._seed)
        validation = Validation(histories=validation.histories[:MOST_PEOPLE], targets=validation.targets[:MOST_PEOPLE])
        found: dict[tuple[float, ...], float] = {}
        # The fit before is not counted: the first of a process waits for libraries.
        began, longest = time.monotonic(), 0.0
        for settings in self._walk(found) if len(validation) and len(rest) else ():
            start = time.monotonic()
            if len(found) >= self._budget.fits or start - began + longest > self._budget.seconds:
                break
            model = self._build(**dict(zip(self._default, settings, strict=True)))
            announce(model, validation.histories)
            model.fit(rest, items)
            found[settings] = validation_ndcg(model, validation)
            longest = max(longest, time.monotonic() - start)
        return found

    def _walk(self, found: Mapping[tuple[float, ...], float]) -> Iterator[tuple[float, ...]]:
        """What to try next, each once, given what was found of all before."""
        best = tuple(self._default.values())
        yield best
        before: tuple[float, ...] = ()
        while best != before:
            before = best
            for place, one in enumerate(self._space):
                for value in one.nearest(best[place]):
                    settings = (*best[:place], value, *best[place + 1 :])
                    if settings not in found:
                        yield settings
                best = max(found, key=lambda settings: found[settings])
