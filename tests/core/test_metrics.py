"""Ranking metrics: by hand, against loops, and bad input."""

import math

import numpy as np
import pytest

from core.metrics import coverage, gini, mean_interval, ndcg_at, rank_top, recall_at, reciprocal_rank_at

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
    few, many = rng.beta(2, 2, 30), rng.beta(2, 2, 3000)
    low, high = mean_interval(few)
    assert low < few.mean() < high
    narrow = mean_interval(many)
    assert narrow[1] - narrow[0] == pytest.approx(2 * 1.96 * many.std() / math.sqrt(3000), rel=0.1)
    assert (narrow[1] - narrow[0]) < (high - low) / 3
    assert mean_interval(few) == (low, high), "the weights are seeded"


@pytest.mark.parametrize(("right", "count"), [(0, 1), (1, 1), (3, 3), (4, 10), (0, 20), (290, 300)])
def test_interval_of_zeros_and_ones_is_that_of_clopper_and_pearson(right: int, count: int) -> None:
    from scipy.stats import beta

    values = np.r_[np.ones(right), np.zeros(count - right)]
    low = beta.ppf(0.025, right, count - right + 1) if right else 0.0
    high = beta.ppf(0.975, right + 1, count - right) if right < count else 1.0
    assert mean_interval(values) == pytest.approx((low, high), abs=0.012)


def test_equal_values_of_few_are_no_certainty() -> None:
    """Issue 12: the bootstrap of three equal values had no width at all."""
    for count in (1, 2, 3, 5):
        assert mean_interval(np.full(count, 0.9), least=-1)[0] < 0
    low, high = mean_interval(np.full(60, 0.5), least=-1)
    assert 0 < low < 0.5 < high


@pytest.mark.parametrize("values", [[], [0.5, np.nan], [1.5], [-0.5]])
def test_interval_of_what_is_no_value_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="value"):
        mean_interval(np.array(values))
