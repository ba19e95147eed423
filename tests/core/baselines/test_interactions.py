"""Baselines that look at events alone: popularity, item-kNN and EASE against hand-worked values."""

import numpy as np
import pytest

from core.baselines import ease
from core.baselines.ease import DualPrecision, Ease, EaseConfig, PrimalPrecision
from core.baselines.item_knn import ItemKnn, ItemKnnConfig, nearest_items
from core.baselines.matrices import history_matrix, log_matrix
from core.baselines.popularity import Popularity, RecentPopularity
from core.baselines.random_order import RandomOrder
from core.interactions.log import NO_TIME
from tests.core.baselines.test_baselines import DAY, make_history, make_items, make_log

ITEMS = make_items(["a", "b", "c"])
#: Person 0 likes a and b, person 1 likes a, b and c, person 2 likes a and met c.
LOG = make_log(
    [
        *((0, 0, True, 0), (0, 1, True, 10 * DAY)),
        *((1, 0, True, 0), (1, 1, True, 10 * DAY), (1, 2, True, 20 * DAY)),
        *((2, 0, True, 20 * DAY), (2, 2, False, 20 * DAY)),
    ],
    people=3,
    items=3,
)


def random_log(people: int, items: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    rows = [(p, int(i), bool(rng.random() < 0.7), 0) for p in range(people) for i in rng.permutation(items)[:5]]
    return make_log(rows, people=people, items=items)


def test_ease_keeps_the_items_that_are_liked_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more than fit into memory those liked least score 0; the others are as if there were no more."""
    monkeypatch.setattr(ease, "MOST_ITEMS", 2)
    cut, whole = Ease(), Ease()
    cut.fit(LOG, ITEMS)
    rows = [(int(user), int(item), True, 0) for user, item in zip(LOG.users, LOG.items, strict=True) if item < 2]
    whole.fit(make_log(rows, people=3, items=2), make_items(["a", "b"]))
    scores = cut.score([make_history([0])])
    np.testing.assert_allclose(scores[:, :2], whole.score([make_history([0])]), atol=1e-6)
    assert scores[0, 2] == 0 and scores[0, 1] > 0


def test_matrices_weigh_a_repeated_event_once_and_by_its_best() -> None:
    log = make_log([(0, 0, False, 0), (0, 0, True, 1), (0, 1, False, 2), (2, 1, False, 0)], people=3, items=2)
    np.testing.assert_array_equal(log_matrix(log, other_weight=0.5).toarray(), [[1, 0.5], [0, 0.5]])
    np.testing.assert_array_equal(log_matrix(log).toarray(), [[1, 0], [0, 0]])
    history = make_history([1, 1, 0], liked=[True, False, False])
    np.testing.assert_allclose(history_matrix([history], 2, other_weight=0.3).toarray(), [[0.3, 1]])


def test_random_orders_differ_between_people_and_seeds() -> None:
    baseline, other = RandomOrder(seed=1), RandomOrder(seed=2)
    for model in (baseline, other):
        model.fit(LOG, make_items(["x"] * 50))
    first, second = baseline.score([make_history([0]), make_history([1])])
    assert (first != second).any()
    assert (first != other.score([make_history([0])])[0]).any()


def test_popularity_counts_likes() -> None:
    baseline = Popularity()
    baseline.fit(LOG, ITEMS)
    np.testing.assert_array_equal(baseline.score([make_history([]), make_history([0])]), [[3, 2, 1]] * 2)


def test_recent_popularity_halves_for_each_half_life_and_does_not_look_ahead() -> None:
    baseline = RecentPopularity(half_life=10)
    baseline.fit(LOG, ITEMS)
    at_20, at_10, at_end = baseline.score(
        [make_history([0], times=[20 * DAY]), make_history([0], times=[10 * DAY]), make_history([])]
    )
    np.testing.assert_allclose(at_20, [1 / 4 + 1 / 4 + 1, 1 / 2 + 1 / 2, 1])
    np.testing.assert_allclose(at_10, [1 / 2 + 1 / 2, 1 + 1, 0])
    np.testing.assert_array_equal(at_end, at_20)


def test_recent_popularity_without_times_or_past_is_popularity() -> None:
    baseline = RecentPopularity()
    baseline.fit(make_log([(0, 0, True, NO_TIME), (0, 1, False, NO_TIME)], people=1, items=3), ITEMS)
    np.testing.assert_array_equal(baseline.score([make_history([0], times=[5])]), [[1, 0, 0]])
    baseline.fit(make_log([(0, 0, True, DAY), (1, 0, True, DAY), (1, 1, True, DAY)], people=2, items=3), ITEMS)
    np.testing.assert_array_equal(baseline.score([make_history([0], times=[5])]), [[2, 1, 0]])
    with pytest.raises(ValueError, match="half life"):
        RecentPopularity(half_life=0)


def test_item_knn_cosines_by_hand() -> None:
    # Likes: a by 3, b by 2, c by 1; a and b meet twice, a and c once, b and c once.
    likeness = nearest_items(log_matrix(LOG), neighbours=3, shrinkage=0.5).toarray()
    ab, ac, bc = 2 / (6**0.5 + 0.5), 1 / (3**0.5 + 0.5), 1 / (2**0.5 + 0.5)
    np.testing.assert_allclose(likeness, [[0, ab, ac], [ab, 0, bc], [ac, bc, 0]], rtol=1e-6)


def test_item_knn_keeps_the_nearest_and_sums_over_the_history() -> None:
    baseline = ItemKnn(ItemKnnConfig(neighbours=1, shrinkage=0.5, other_weight=0.0))
    baseline.fit(LOG, ITEMS)
    ab, bc = 2 / (6**0.5 + 0.5), 1 / (2**0.5 + 0.5)
    np.testing.assert_allclose(baseline.score([make_history([0, 2])]), [[0, ab + bc, 0]], rtol=1e-6)
    with pytest.raises(ValueError, match="neighbours"):
        ItemKnnConfig(neighbours=0)


@pytest.mark.parametrize("people", [6, 30])
def test_ease_has_one_answer_in_both_forms(people: int) -> None:
    matrix = log_matrix(random_log(people, 12), other_weight=0.4)
    primal, dual = PrimalPrecision(matrix, 3.0), DualPrecision(matrix, 3.0)
    np.testing.assert_allclose(dual.diagonal, primal.diagonal, rtol=1e-6)
    np.testing.assert_allclose(dual.multiply(matrix), primal.multiply(matrix), atol=1e-6)


@pytest.mark.parametrize("people", [6, 30])
def test_ease_scores_are_those_of_the_paper(people: int) -> None:
    log = random_log(people, 12)
    baseline = Ease(EaseConfig(penalty=3.0, other_weight=0.4))
    baseline.fit(log, make_items([""] * 12))
    x = log_matrix(log, other_weight=0.4).toarray().astype(float)
    precision = np.linalg.inv(x.T @ x + 3.0 * np.eye(12))
    weights = -precision / np.diag(precision)
    np.fill_diagonal(weights, 0)
    one_hot = [make_history([item]) for item in range(12)]
    np.testing.assert_allclose(baseline.score(one_hot), weights, atol=1e-5)
    # Each column is a ridge regression of its item on all others.
    rest = np.delete(x, 4, axis=1)
    ridge = np.linalg.solve(rest.T @ rest + 3.0 * np.eye(11), rest.T @ x[:, 4])
    np.testing.assert_allclose(np.delete(baseline.score(one_hot)[:, 4], 4), ridge, atol=1e-5)


def test_ease_refuses_a_penalty_of_zero() -> None:
    with pytest.raises(ValueError, match="penalty"):
        EaseConfig(penalty=0)
