"""The percentile bootstrap, for figures of measures that have no bounds of their own."""

import numpy as np
from numpy.typing import NDArray


def bootstrap_interval(values: NDArray[np.float64], *, seed: int, resamples: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean; give differences of pairs for a paired comparison.

    Args:
        values: One a user or need, (B,), no NaN.
        seed: Of the resampling.
        resamples: How many.

    Raises:
        ValueError: There are no values.
    """
    if not len(values):
        raise ValueError("no values to take an interval of")
    rng = np.random.default_rng(seed)
    means = np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
