"""Sampled Shapley values of cells, by hand and against the exact ones."""

import numpy as np
import pytest

from core.explain.game import shapley_values
from core.explain.pictures.sampling import sample_shapley


def jump(masks: np.ndarray) -> np.ndarray:
    """A score that jumps: 1 where both cells of the first row are shown, and a bit for each cell."""
    flat = masks.reshape(len(masks), -1)
    return (flat[:, :2].sum(1) == 2) + flat @ np.array([0.0, 0.1, 0.2, 0.3])


def test_an_order_and_its_reverse_by_hand() -> None:
    # Whichever of the first row goes first takes the jump along, in the order and in its reverse another one.
    found = sample_shapley(jump, 2, orders=1)
    np.testing.assert_allclose(found, [[0.5, 0.6], [0.2, 0.3]], atol=1e-6)


def test_parts_sum_to_the_score_and_many_orders_reach_the_exact_values() -> None:
    values = np.random.default_rng(0).standard_normal(16)

    def score(masks: np.ndarray) -> np.ndarray:
        return values[masks.reshape(len(masks), -1).astype(int) @ (1 << np.arange(4))]

    few, many = (sample_shapley(score, 2, orders=orders) for orders in (1, 2000))
    assert few.sum() == pytest.approx(values[15] - values[0], abs=1e-5)
    np.testing.assert_allclose(many.ravel(), shapley_values(values), atol=0.06)


def test_the_score_is_asked_once_and_a_cell_that_does_nothing_gets_nothing() -> None:
    asked = []

    def score(masks: np.ndarray) -> np.ndarray:
        asked.append(masks.shape)
        return masks[:, 0, 0] * masks[:, 1, 1]

    found = sample_shapley(score, 3, orders=4)
    assert asked == [(2 * 4 * 10, 3, 3)]
    np.testing.assert_allclose(found, np.diag([0.5, 0.5, 0.0]), atol=1e-6)


def test_no_order_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        sample_shapley(jump, 2, orders=0)
