"""Deletion and insertion, worked by hand and on scores whose best order is known."""

import math

import numpy as np
import pytest

from core.explain.pictures.faithfulness import (
    Curves,
    aid,
    build_deletion_masks,
    deletion_insertion,
    measure_area,
    order_cells,
    quick_deletion_test,
)

WEIGHTS = np.array([[4.0, 0.0], [3.0, 1.0]])


def weigh(masks):
    return (masks * WEIGHTS).sum((1, 2))


def test_curves_by_hand() -> None:
    curves = deletion_insertion(weigh, order_cells(WEIGHTS), 4)
    assert curves.deletion.tolist() == [8, 4, 1, 0, 0]
    assert curves.insertion.tolist() == [0, 4, 7, 8, 8]
    assert measure_area(curves.deletion) == pytest.approx((8 / 2 + 4 + 1 + 0 + 0) / 4)
    assert aid(curves) == pytest.approx(((0 + 4 + 7 + 8 + 4) - (4 + 4 + 1)) / 4 / 8)


def test_the_worst_order_has_the_opposite_aid_and_random_orders_none() -> None:
    best = deletion_insertion(weigh, order_cells(WEIGHTS), 4)
    worst = deletion_insertion(weigh, order_cells(-WEIGHTS), 4)
    assert aid(worst) == pytest.approx(-aid(best))
    rng = np.random.default_rng(0)
    found = [aid(deletion_insertion(weigh, rng.permutation(4), 4)) for _ in range(400)]
    assert abs(np.mean(found)) < 0.05


def test_aid_does_not_depend_on_the_units_or_the_sign_of_the_effect() -> None:
    order = order_cells(WEIGHTS)
    plain = aid(deletion_insertion(weigh, order, 4))
    assert aid(deletion_insertion(lambda masks: 5 + 3 * weigh(masks), order, 4)) == pytest.approx(plain)
    assert aid(deletion_insertion(lambda masks: -weigh(masks), order_cells(-WEIGHTS), 4)) == pytest.approx(plain)
    flat = np.ones(3)
    assert math.isnan(aid(Curves(deletion=flat, insertion=flat)))


def test_masks_lack_the_first_cells_of_an_order() -> None:
    masks = build_deletion_masks(np.array([3, 0, 2, 1]), np.array([0, 1, 3]))
    assert masks.reshape(3, -1).tolist() == [[1, 1, 1, 1], [1, 1, 1, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize(("order", "steps"), [([0, 1, 2], 1), ([0, 0, 1, 2], 1), ([0, 1, 2, 3], 5), ([0, 1, 2, 3], 0)])
def test_what_is_no_order_is_refused(order, steps) -> None:
    with pytest.raises(ValueError, match=r"order|steps"):
        deletion_insertion(weigh, np.array(order), steps)


def test_the_true_map_is_faithful_and_random_or_opposite_ones_are_not() -> None:
    rng = np.random.default_rng(3)
    truth = rng.standard_normal((7, 7)) ** 3
    calls = []

    def score(masks):
        calls.append(len(masks))
        return (masks * truth).sum((1, 2))

    gain, faithful = quick_deletion_test(score, truth)
    assert faithful and gain > 0.1
    assert len(calls) == 1 and calls[0] <= 1 + 21 * 5  # one call; the empty picture once
    assert not quick_deletion_test(score, -truth)[1]
    assert not quick_deletion_test(score, rng.standard_normal((7, 7)))[1]
    passed = [quick_deletion_test(score, rng.standard_normal((7, 7)), seed=seed)[1] for seed in range(100)]
    assert np.mean(passed) < 0.2


def test_a_map_of_one_cell_is_faithful_to_a_score_of_one_cell() -> None:
    truth = np.zeros((7, 7))
    truth[2, 5] = 1
    assert quick_deletion_test(lambda masks: (masks * truth).sum((1, 2)), truth)[1]


def test_a_score_that_reads_no_picture_has_no_faithful_map() -> None:
    grid = np.arange(49.0).reshape(7, 7)
    noise = np.random.default_rng(0)
    assert quick_deletion_test(lambda masks: np.full(len(masks), 0.3), grid) == (0.0, False)
    assert not quick_deletion_test(lambda masks: 0.3 + noise.normal(0, 1e-8, len(masks)), grid)[1]


def test_equal_seeds_give_equal_results() -> None:
    grid = np.random.default_rng(1).standard_normal((3, 3))

    def score(masks):
        return (masks * grid).sum((1, 2))

    assert quick_deletion_test(score, grid, seed=4) == quick_deletion_test(score, grid, seed=4)
