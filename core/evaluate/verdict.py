"""What differences between two things measured on the same people or titles may be called."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.metrics import mean_interval

Verdict = Literal["helps", "unclear", "hurts", "too few"]
#: People or titles without which nothing is called a gain or a loss. The interval holds below it as well, and says
#: nothing there: a gain that all have alike has to be 0.89 to be told from 6, 0.47 from 10, 0.22 from 20 and 0.10
#: from 40 (`python -m benchmarks.verdict_noise`); what training gains is mostly less than 0.2.
LEAST_TESTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Mean of paired differences.

    Attributes:
        mean: 0 without any.
        low: Lower end of its interval; -1 without any.
        high: Upper end; 1 without any.
        count: People or titles that it was taken over.
    """

    mean: float
    low: float
    high: float
    count: int

    @property
    def verdict(self) -> Verdict:
        """What the interval says, where enough were asked."""
        if self.count < LEAST_TESTED:
            return "too few"
        if self.low > 0:
            return "helps"
        return "hurts" if self.high < 0 else "unclear"

    def __str__(self) -> str:
        return f"{self.mean:+.3f}, between {self.low:+.3f} and {self.high:+.3f}"


def measure_difference(one: NDArray[np.float64], other: NDArray[np.float64], *, level: float = 0.95) -> Difference:
    """Mean of one - other, with its interval.

    Args:
        one: Values in [0, 1] by person or title, NaN where there is none, (B,).
        other: The same for the other, (B,).
        level: Of the interval, (0, 1); 1 - 0.05 / k for k comparisons that are looked at together.

    Examples:
        >>> better = measure_difference(np.full(200, 0.6), np.full(200, 0.4))
        >>> round(better.mean, 3), better.verdict
        (0.2, 'helps')
    """
    differences = one - other
    known = differences[~np.isnan(differences)]
    if not len(known):
        return Difference(mean=0.0, low=-1.0, high=1.0, count=0)
    low, high = mean_interval(known, least=-1.0, most=1.0, level=level)
    return Difference(mean=float(known.mean()), low=low, high=high, count=len(known))
