"""What measuring one recommender gives, and how two of them are compared."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics import bootstrap_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One recommender over all test people of all folds.

    Attributes:
        name: Of the recommender.
        users: Of each row, (B,).
        values: Metric to one value a person, NaN where the person has no target of that kind, (B,).
        top: First 20 items of each person, (B, 20).
        fit_seconds: Over all folds.
        score_seconds: Over all folds.
    """

    name: str
    users: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]
    top: NDArray[np.int64]
    fit_seconds: float
    score_seconds: float

    def mean(self, metric: str) -> float | None:
        """Mean over people with a value, None without any."""
        found = self.values[metric][~np.isnan(self.values[metric])]
        return float(found.mean()) if len(found) else None

    def interval(self, metric: str, *, seed: int = 0) -> tuple[float, float] | None:
        """95 % bootstrap interval over people, None without any."""
        found = self.values[metric][~np.isnan(self.values[metric])]
        return bootstrap_interval(found, seed=seed) if len(found) else None


def paired_interval(
    one: Measured, other: Measured, metric: str = "ndcg@10", *, seed: int = 0
) -> tuple[float, float, float] | None:
    """Mean of one - other over the same people, and its 95 % interval; None where nobody has a value."""
    difference = one.values[metric] - other.values[metric]
    known = difference[~np.isnan(difference)]
    return (float(known.mean()), *bootstrap_interval(known, seed=seed)) if len(known) else None
