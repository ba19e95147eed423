"""What a fit costs in seconds and memory. Only Linux lets the count of memory begin anew; elsewhere nobody knows it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.baselines.recommender import ItemTable, Recommender, announce
from core.baselines.tuning import Choice, Tuned
from core.children import peak_memory, reset_peak
from core.interactions.log import History, InteractionLog


@dataclass(frozen=True, slots=True, kw_only=True)
class FitCost:
    """What one fit took.

    Attributes:
        seconds: Its choice of settings among them.
        peak: Most memory of the process during it, bytes; None where nobody counts.
        choice: None for a recommender that is not tuned.
    """

    seconds: float
    peak: int | None
    choice: Choice | None


def sum_costs(costs: Sequence[FitCost]) -> dict[str, Any]:
    """Fields of `core.evaluate.measured.Measured` over all folds."""
    choices = tuple(one.choice for one in costs if one.choice is not None)
    tuning = sum(one.seconds for one in choices)
    return {
        "fit_seconds": sum(one.seconds for one in costs) - tuning,
        "tuning_seconds": tuning,
        "peak": max((one.peak for one in costs if one.peak is not None), default=None),
        "choices": choices,
    }


def fit_counted(recommender: Recommender, log: InteractionLog, items: ItemTable, tested: Sequence[History]) -> FitCost:
    """Fit it, and count; one that has to meet the tested people is told their histories."""
    announce(recommender, tested)
    counted, began = reset_peak(), time.monotonic()
    recommender.fit(log, items)
    seconds, choice = time.monotonic() - began, recommender.choice if isinstance(recommender, Tuned) else None
    return FitCost(seconds=seconds, peak=peak_memory() if counted else None, choice=choice)
