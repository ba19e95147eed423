"""Ranking metrics over full rankings, one value a query."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Drawings of the weights of an interval: at least, at most, and numbers that they may take between the two.
_LEAST_DRAWS, _MOST_DRAWS, _NUMBERS = 4_000, 50_000, 500_000
_NUMBERS_AT_ONCE = 4_000_000
#: Standard errors of a share of drawings by which an end lies further out, so that drawing makes no interval too short.
_ERRORS = 3.0
_ROUNDING = 1e-6


def rank_top(scores: NDArray[np.float32], k: int, *, masked: Sequence[NDArray[np.int64]] = ()) -> NDArray[np.int64]:
    """The best k columns of each row, best first; ties go to the lower column.

    Args:
        scores: (B, N); -inf is allowed, NaN is not.
        k: At least 1.
        masked: For each row the columns that must not be returned (they are put last).

    Returns:
        Columns, (B, min(k, N)); -1 in place of masked ones.

    Raises:
        ValueError: A score is NaN.

    Examples:
        >>> rank_top(np.array([[0.1, 0.9, 0.9]], np.float32), 2)
        array([[1, 2]])
    """
    if np.isnan(scores).any():
        raise ValueError("a score is NaN")
    scores = np.maximum(scores, np.finfo(np.float32).min).astype(np.float32)
    for row, columns in enumerate(masked):
        scores[row, columns] = -np.inf
    k = min(k, scores.shape[1])
    # The k-th value with all its ties, then a stable sort of those: exact also where a model gives equal scores.
    bounds = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
    top = np.empty((len(scores), k), np.int64)
    for row, (values, bound) in enumerate(zip(scores, bounds, strict=True)):
        near = np.flatnonzero(values >= bound)
        best = near[np.argsort(-values[near], kind="stable")[:k]]
        top[row] = np.where(np.isneginf(values[best]), -1, best)
    return top


def recall_at(top: NDArray[np.int64], targets: Sequence[NDArray[np.int64]], k: int) -> NDArray[np.float64]:
    """Share of the targets that are among the first k, (B,); NaN without targets.

    Examples:
        >>> recall_at(np.array([[4, 7, 2]]), [np.array([7, 9])], k=3)
        array([0.5])
    """
    hits = _hits(top[:, :k], targets)
    counts = np.array([len(found) for found in targets], float)
    return np.where(counts > 0, hits.sum(axis=1) / np.maximum(counts, 1), np.nan)


def ndcg_at(top: NDArray[np.int64], targets: Sequence[NDArray[np.int64]], k: int) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of binary relevance, (B,); NaN without targets.

    Source: Järvelin and Kekäläinen 2002, with the logarithmic discount 1 / log2(rank + 1).

    Examples:
        >>> ndcg_at(np.array([[4, 7, 2]]), [np.array([7])], k=3).round(4)  # 1 / log2(2 + 1)
        array([0.6309])
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    gains = _hits(top[:, :k], targets) @ discount[: min(k, top.shape[1])]
    counts = np.array([len(found) for found in targets])
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(counts, k)]
    return np.where(counts > 0, gains / np.maximum(ideal, 1e-12), np.nan)


def reciprocal_rank_at(top: NDArray[np.int64], targets: Sequence[NDArray[np.int64]], k: int) -> NDArray[np.float64]:
    """1 / rank of the first target among the first k, else 0, (B,); NaN without targets.

    Examples:
        >>> reciprocal_rank_at(np.array([[4, 7, 2]]), [np.array([7, 9])], k=3)
        array([0.5])
    """
    hits = _hits(top[:, :k], targets)
    first = np.where(hits.any(axis=1), 1.0 / (hits.argmax(axis=1) + 1), 0.0)
    return np.where(np.array([len(found) for found in targets]) > 0, first, np.nan)


def coverage(top: NDArray[np.int64], items: int) -> float:
    """Share of all items that are in somebody's list, [0, 1]."""
    return len(np.unique(top[top >= 0])) / max(items, 1)


def gini(top: NDArray[np.int64], items: int) -> float:
    """How unevenly the lists expose the items: 0 all alike, near 1 a few only."""
    counts = np.sort(np.bincount(top[top >= 0].ravel(), minlength=items)).astype(float)
    if not counts.sum():
        return 0.0
    ranks = np.arange(1, items + 1)
    return float((2 * ranks - items - 1) @ counts / (items * counts.sum()))


def mean_interval(
    values: NDArray[np.float64], *, least: float = 0.0, most: float = 1.0, level: float = 0.95
) -> tuple[float, float]:
    """Interval of a mean that holds for few values and for any shape, of values that lie between two bounds.

    Each end takes one more value for what was not met, at the bound of its side, and weighs all by a Dirichlet
    distribution. So few values, or equal ones, are never certainty, and a rare loss that happened not to be drawn is
    reckoned with; for zeros and ones it is the interval of Clopper and Pearson, a hair wider. It is wider than
    Student's, which does not hold where values are few and skewed (`python -m benchmarks.verdict_noise`).

    Args:
        values: One a user or need, (B,); differences of pairs for a paired comparison, which lie in [-1, 1].
        least: No value can be below.
        most: No value can be above.
        level: Coverage, (0, 1).

    Raises:
        ValueError: There are no values, or one is no number or out of bounds.

    Source: Gaffke 2005, "Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative
    variable"; Learned-Miller and Thomas 2019, "A new confidence interval for the mean of a bounded random variable".

    Examples:
        >>> low, high = mean_interval(np.array([1.0] * 9 + [0.0]))
        >>> f"{low:.2f} to {high:.2f}"
        '0.55 to 1.00'
    """
    if not len(values):
        raise ValueError("no values to take an interval of")
    if not (values.min() >= least - _ROUNDING and values.max() <= most + _ROUNDING):
        raise ValueError(f"a value is not between {least} and {most}")
    # Equal values share one weight, the sum of theirs: many zeros cost nothing.
    found, counts = np.unique(values, return_counts=True)
    rng, shapes = np.random.default_rng(0), np.append(counts, 1).astype(float)
    rows = max(_NUMBERS_AT_ONCE // len(shapes), 1)
    draws = min(max(_NUMBERS // len(shapes), _LEAST_DRAWS), _MOST_DRAWS)
    sums, extra = [], []
    for start in range(0, draws, rows):
        weights = rng.standard_gamma(shapes, (min(rows, draws - start), len(shapes)))
        weights /= weights.sum(axis=1, keepdims=True)
        sums.append(weights[:, :-1] @ found)
        extra.append(weights[:, -1])
    known, unmet, tail = np.concatenate(sums), np.concatenate(extra), (1 - level) / 2
    tail = max(tail - _ERRORS * (tail * (1 - tail) / draws) ** 0.5, 0.0)
    return float(np.quantile(known + unmet * least, tail)), float(np.quantile(known + unmet * most, 1 - tail))


def _hits(top: NDArray[np.int64], targets: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """1 where a ranked item is a target, (B, k)."""
    return np.stack([np.isin(row, found) for row, found in zip(top, targets, strict=True)]).astype(float)
