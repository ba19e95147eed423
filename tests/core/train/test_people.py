"""Head weights and the popularity that words foretell."""

import numpy as np
import pytest

from core.model.heads import HEADS, HeadWeights
from core.train.combine import Panel, choose_known

PEOPLE, ITEMS = 30, 40
NEW = np.arange(ITEMS) >= 30


def make_panel(**heads: np.ndarray) -> Panel:
    """Everyone will like item 3 and the new item 35; all heads are 0 but those that are given."""
    parts = np.zeros((PEOPLE, ITEMS, len(HEADS)), np.float32)
    for name, values in heads.items():
        parts[:, :, HEADS.index(name)] = values
    return Panel(
        parts=lambda rows: parts[rows],
        targets=[np.array([3, 35])] * PEOPLE,
        masked=[np.array([0])] * PEOPLE,
        new=NEW,
        shown=~NEW,
    )


def peak(item: int, height: float = 1.0) -> np.ndarray:
    values = np.random.default_rng(item).random(ITEMS).astype(np.float32) * 0.1
    values[item] = height
    return values


def test_known_and_new_items_take_their_own_weights() -> None:
    weights = HeadWeights(taste=1, prior=2, together=3, carried=7, content=4, new_taste=5, new_prior=6)
    np.testing.assert_array_equal(weights.to_array(np.array([False, True])), [[1, 2, 3, 0, 0], [5, 6, 0, 7, 4]])


def test_popularity_speaks_alike_of_all_items_to_somebody_who_liked_nothing() -> None:
    weights = HeadWeights(prior=2, new_prior=6, newcomer_prior=2)
    assert weights.to_array(np.array([False, True]), newcomer=True)[:, HEADS.index("prior")].tolist() == [2, 2]
    older = HeadWeights(prior=2, new_prior=6)
    assert older.to_array(np.array([False, True]), newcomer=True)[:, HEADS.index("prior")].tolist() == [2, 6]


def test_the_head_that_knows_is_chosen_for_known_items() -> None:
    weights, value = choose_known(make_panel(taste=peak(3), prior=peak(7, 5.0)))
    assert value == pytest.approx(1.0)
    assert weights.taste > 0 and weights.prior < 1e-5


def test_equal_weights_choose_the_smallest() -> None:
    weights, _ = choose_known(make_panel(together=peak(3)))
    assert weights.taste == 0 and weights.prior < 1e-5
    assert weights.newcomer_prior == weights.prior > 0, "somebody who liked nothing gets what is popular"
