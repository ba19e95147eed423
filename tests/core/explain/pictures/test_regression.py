"""A linear model under random masks, on scores whose parts are known."""

import numpy as np
import pytest

from core.explain.pictures.regression import fit_cells

TRUTH = np.random.default_rng(0).standard_normal((4, 4))


def weigh(masks):
    return 3 + (masks * TRUTH).sum((1, 2))


def test_the_parts_of_a_linear_score_are_found() -> None:
    np.testing.assert_allclose(fit_cells(weigh, 4, masks=4000), TRUTH, atol=5e-3)


def test_a_product_of_two_cells_is_shared_between_them() -> None:
    found = fit_cells(lambda masks: masks[:, 0, 0] * masks[:, 3, 3], 4, masks=4000)
    assert found[0, 0] == pytest.approx(0.5, abs=0.02) and found[3, 3] == pytest.approx(0.5, abs=0.02)
    found[0, 0] = found[3, 3] = 0
    assert np.abs(found).max() < 0.02


def test_masks_come_in_one_call_with_their_opposites() -> None:
    calls = []

    def score(masks):
        calls.append(masks)
        return weigh(masks)

    one, other = fit_cells(score, 4, masks=8, seed=5), fit_cells(score, 4, masks=8, seed=5)
    np.testing.assert_array_equal(one, other)
    assert len(calls) == 2
    np.testing.assert_array_equal(calls[0][:4], 1 - calls[0][4:])


@pytest.mark.parametrize("masks", [0, 7])
def test_an_odd_number_of_masks_is_refused(masks) -> None:
    with pytest.raises(ValueError, match="even"):
        fit_cells(weigh, 4, masks=masks)
