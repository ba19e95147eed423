"""Ranking metrics: by hand, against loops, and bad input."""

import math

import numpy as np
import pytest

from core.metrics import bootstrap_interval, coverage, gini, ndcg_at, rank_top, recall_at, reciprocal_rank_at

TOP = np.array([[3, 1, 0], [2, 0, 1]])
TARGETS = [np.array([1, 0]), np.array([5])]


def test_ranking_by_hand() -> None:
    scores = np.array([[0.1, 0.9, 0.5, 0.9], [1.0, -np.inf, 2.0, 3.0]], np.float32)
    assert rank_top(scores.copy(), 3).tolist() == [[1, 3, 2], [3, 2, 0]]
    assert rank_top(scores.copy(), 9, masked=[np.array([1]), np.array([3, 2])]).tolist() == [
        [3, 2, 0, -1],
        [0, 1, -1, -1],
    ]


def test_ranking_equals_a_stable_sort_with_many_ties() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, (30, 50)).astype(np.float32)
    assert np.array_equal(rank_top(scores.copy(), 7), np.argsort(-scores, axis=1, kind="stable")[:, :7])


def test_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        rank_top(np.array([[np.nan, 1.0]], np.float32), 1)


def test_recall_by_hand() -> None:
    assert recall_at(TOP, TARGETS, 2).tolist() == [0.5, 0.0]
    assert recall_at(TOP, TARGETS, 3).tolist() == [1.0, 0.0]
    assert np.isnan(recall_at(TOP[:1], [np.array([], int)], 2)).all()


def test_ndcg_by_hand() -> None:
    """Targets at ranks 2 and 3 of 3; the ideal has them at 1 and 2."""
    wanted = (1 / math.log2(3) + 1 / math.log2(4)) / (1 + 1 / math.log2(3))
    assert ndcg_at(TOP, TARGETS, 3)[0] == pytest.approx(wanted)
    assert ndcg_at(TOP, TARGETS, 3)[1] == 0
    assert np.isnan(ndcg_at(TOP[:1], [np.array([], int)], 3)).all()


def test_ndcg_of_a_perfect_ranking_is_one_however_many_targets() -> None:
    top = np.arange(10)[None]
    for count in (1, 3, 10, 25):
        assert ndcg_at(top, [np.arange(count)], 10)[0] == pytest.approx(1.0)


def test_reciprocal_rank_by_hand() -> None:
    assert reciprocal_rank_at(TOP, TARGETS, 3).tolist() == [0.5, 0.0]


def test_coverage_and_gini() -> None:
    assert coverage(np.array([[0, 1], [0, -1]]), 4) == 0.5
    assert gini(np.array([[0], [1], [2], [3]]), 4) == pytest.approx(0)
    assert gini(np.array([[0], [0], [0], [0]]), 4) == pytest.approx(0.75)


def test_interval_holds_the_mean_and_narrows() -> None:
    rng = np.random.default_rng(1)
    few, many = rng.normal(2, 1, 30), rng.normal(2, 1, 3000)
    low, high = bootstrap_interval(few, seed=0)
    assert low < few.mean() < high
    narrow = bootstrap_interval(many, seed=0)
    assert (narrow[1] - narrow[0]) < (high - low) / 3
    assert narrow[1] - narrow[0] == pytest.approx(2 * 1.96 / math.sqrt(3000), rel=0.15)
    with pytest.raises(ValueError, match="no values"):
        bootstrap_interval(np.array([]), seed=0)
