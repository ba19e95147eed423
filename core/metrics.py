"""Ranking metrics over full rankings, one value a query."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


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
    """Share of the targets that are among the first k, (B,); NaN without targets."""
    hits = _hits(top[:, :k], targets)
    counts = np.array([len(found) for found in targets], float)
    return np.where(counts > 0, hits.sum(axis=1) / np.maximum(counts, 1), np.nan)


def ndcg_at(top: NDArray[np.int64], targets: Sequence[NDArray[np.int64]], k: int) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of binary relevance, (B,); NaN without targets.

    Source: Järvelin and Kekäläinen 2002, with the logarithmic discount 1 / log2(rank + 1).
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    gains = _hits(top[:, :k], targets) @ discount[: min(k, top.shape[1])]
    counts = np.array([len(found) for found in targets])
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(counts, k)]
    return np.where(counts > 0, gains / np.maximum(ideal, 1e-12), np.nan)


def reciprocal_rank_at(top: NDArray[np.int64], targets: Sequence[NDArray[np.int64]], k: int) -> NDArray[np.float64]:
    """1 / rank of the first target among the first k, else 0, (B,); NaN without targets."""
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


def bootstrap_interval(
    values: NDArray[np.float64], *, seed: int, resamples: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean; give differences of pairs for a paired comparison.

    Args:
        values: One a user or need, (B,), no NaN.
        seed: Of the resampling.
        resamples: How many.
        level: Coverage, (0, 1).

    Raises:
        ValueError: There are no values.
    """
    if not len(values):
        raise ValueError("no values to take an interval of")
    rng = np.random.default_rng(seed)
    means = np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _hits(top: NDArray[np.int64], targets: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """1 where a ranked item is a target, (B, k)."""
    return np.stack([np.isin(row, found) for row, found in zip(top, targets, strict=True)]).astype(float)
