"""What measuring one recommender gives, and how two of them are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.baselines.tuning import Choice
from core.evaluate.verdict import Difference, measure_difference
from core.metrics import mean_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One recommender over all test people of all folds.

    Attributes:
        name: Of the recommender.
        users: Of each row, (B,).
        values: Metric to one value a person, NaN where the person has no target of that kind, (B,).
        top: First 20 items of each person, (B, 20).
        fit_seconds: Over all folds, without the choice of settings.
        score_seconds: Over all folds.
        tuning_seconds: Of the choice of settings, over all folds.
        peak: Most memory that the process held during a fit, bytes; None where the system does not count it.
        choices: What the fit of each fold chose; none where nothing is tuned.
        transductive: Whether the histories of the tested people, never their targets, were in its fit.
    """

    name: str
    users: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]
    top: NDArray[np.int64]
    fit_seconds: float
    score_seconds: float
    tuning_seconds: float = 0.0
    peak: int | None = None
    choices: tuple[Choice, ...] = ()
    transductive: bool = False

    def mean(self, metric: str) -> float | None:
        """Mean over people with a value, None without any."""
        found = self.values[metric][~np.isnan(self.values[metric])]
        return float(found.mean()) if len(found) else None

    def count(self, metric: str) -> int:
        """People with a value."""
        return int((~np.isnan(self.values[metric])).sum())

    def interval(self, metric: str) -> tuple[float, float] | None:
        """95 % interval over people, None without any."""
        found = self.values[metric][~np.isnan(self.values[metric])]
        return mean_interval(found) if len(found) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """A recommender that failed; it costs its line of the table and nothing else.

    Attributes:
        name: Of the recommender.
        reason: A sentence.
    """

    name: str
    reason: str


def average_runs(runs: Sequence[Measured]) -> Measured:
    """Runs of one recommender with several seeds as one: each person's values are means over the runs.

    So the interval over people holds what the choice of people does, and the runs have smoothed what the seed does. The
    first items are those of a person's first run; seconds are means over runs.
    """
    users, first, place = np.unique(np.concatenate([run.users for run in runs]), return_index=True, return_inverse=True)
    return Measured(
        name=runs[0].name,
        users=users,
        values={
            key: _mean_by(np.concatenate([run.values[key] for run in runs]), place, len(users))
            for key in runs[0].values
        },
        top=np.concatenate([run.top for run in runs])[first],
        fit_seconds=float(np.mean([run.fit_seconds for run in runs])),
        score_seconds=float(np.mean([run.score_seconds for run in runs])),
        tuning_seconds=float(np.mean([run.tuning_seconds for run in runs])),
        peak=max((run.peak for run in runs if run.peak is not None), default=None),
        choices=tuple(choice for run in runs for choice in run.choices),
        transductive=runs[0].transductive,
    )


def _mean_by(values: NDArray[np.float64], place: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Mean of the values (R,) that fall on each place, without NaN; NaN where nothing falls, (count,)."""
    known = ~np.isnan(values)
    sums = np.bincount(place[known], values[known], minlength=count)
    numbers = np.bincount(place[known], minlength=count)
    return np.asarray(np.divide(sums, numbers, out=np.full(count, np.nan), where=numbers > 0))


def compare_people(one: Measured, other: Measured, *, metric: str = "ndcg@10", level: float = 0.95) -> Difference:
    """Mean of one - other over the same people who have a value, with its interval."""
    return measure_difference(one.values[metric], other.values[metric], level=level)
