"""Head weights and the popularity that words foretell."""

import numpy as np
import pytest
from scipy import sparse

from core.model.heads import HEADS, HeadWeights
from core.train.combine import Panel, choose_known, choose_new
from core.train.people import popularity_from_words

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
        cold=NEW,
        allowed=np.ones(ITEMS, bool),
    )


def peak(item: int, height: float = 1.0) -> np.ndarray:
    values = np.random.default_rng(item).random(ITEMS).astype(np.float32) * 0.1
    values[item] = height
    return values


def test_known_and_new_items_take_their_own_weights() -> None:
    weights = HeadWeights(taste=1, prior=2, together=3, content=4, new_taste=5, new_prior=6)
    np.testing.assert_array_equal(weights.to_array(np.array([False, True])), [[1, 2, 3, 0], [5, 6, 0, 4]])


def test_the_head_that_knows_is_chosen_for_known_items() -> None:
    weights, value = choose_known(make_panel(taste=peak(3), prior=peak(7, 5.0)))
    assert value == pytest.approx(1.0)
    assert weights.taste > 0 == weights.prior


def test_equal_weights_choose_the_smallest() -> None:
    weights, _ = choose_known(make_panel(together=peak(3)))
    assert (weights.taste, weights.prior) == (0, 0)


def test_new_items_are_put_where_they_rank_best_among_all() -> None:
    panel = make_panel(together=peak(3, 10.0), content=peak(35))
    weights, _ = choose_known(panel)
    found = choose_new(panel, weights)
    top = np.argsort(-np.einsum("nh,nh->n", panel.parts(slice(1))[0], found.to_array(NEW)))
    assert set(top[:2].tolist()) == {3, 35}


def test_without_cold_items_the_weights_stay() -> None:
    panel = make_panel(together=peak(3))
    nobody = Panel(
        parts=panel.parts,
        targets=panel.targets,
        masked=panel.masked,
        new=NEW,
        cold=np.zeros(ITEMS, bool),
        allowed=panel.allowed,
    )
    assert choose_new(nobody, HeadWeights()) == HeadWeights()


def test_a_word_that_popular_items_share_foretells_popularity() -> None:
    words = sparse.csr_matrix(np.eye(2, dtype=np.float32)[[0, 0, 0, 1, 1, 1, 0, 1]])
    popularity = np.array([1, 1.2, 0.8, -1, -1.2, -0.8, np.nan, np.nan], np.float32)
    found = popularity_from_words(words, popularity)
    # Both columns are +-1/2 about their means, the target is +-1 in the mean; slopes are +-x'y / (2 x'x + 2) with
    # x'y = 3 and x'x = 1.5, so 3/5 each, and the prediction is their sum times +-1/2.
    np.testing.assert_allclose(found[6:], [0.6, -0.6], atol=1e-3)
    assert not popularity_from_words(sparse.csr_matrix((8, 0)), popularity).any()
