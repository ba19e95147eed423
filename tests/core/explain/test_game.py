"""Shapley values by hand, by their axioms, and against a naive walk over all orders."""

import itertools

import numpy as np
import pytest

from core.explain.game import members, shapley_interactions, shapley_values, value_game


def random_game(players: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(2**players)


def naive_shapley(values: np.ndarray, players: int) -> np.ndarray:
    found = np.zeros(players)
    orders = list(itertools.permutations(range(players)))
    for order in orders:
        there = 0
        for player in order:
            found[player] += values[there | 1 << player] - values[there]
            there |= 1 << player
    return found / len(orders)


def test_gloves_by_hand() -> None:
    # Players 0 and 1 own a left glove each, player 2 a right one; a pair is worth 1.
    values = np.array([0, 0, 0, 0, 0, 1, 1, 1], float)
    np.testing.assert_allclose(shapley_values(values), [1 / 6, 1 / 6, 4 / 6])


@pytest.mark.parametrize("players", [0, 1, 2, 3, 5])
def test_values_are_means_over_all_orders_and_sum_to_the_whole(players: int) -> None:
    values = random_game(players)
    found = shapley_values(values)
    np.testing.assert_allclose(found, naive_shapley(values, players), atol=1e-12)
    assert found.sum() == pytest.approx(values[-1] - values[0])


def test_symmetry_dummy_and_additivity() -> None:
    sizes = np.array([number.bit_count() for number in range(16)], float)
    np.testing.assert_allclose(shapley_values(sizes**2), 4.0)
    dummy = np.array([number & 7 for number in range(16)], float)
    assert shapley_values(dummy)[3] == pytest.approx(0)
    one, other = random_game(4, 1), random_game(4, 2)
    np.testing.assert_allclose(shapley_values(one + other), shapley_values(one) + shapley_values(other))


def test_interactions_by_hand() -> None:
    # v = 3 a + 5 a b - 2 a b c
    values = np.zeros(8)
    for number in range(8):
        a, b, c = (number >> place & 1 for place in range(3))
        values[number] = 3 * a + 5 * a * b - 2 * a * b * c
    found = shapley_interactions(values)
    # The product of three shares its say among its pairs: half of it when the third may or may not be there.
    np.testing.assert_allclose(found, [[0, 4, -1], [4, 0, -1], [-1, -1, 0]], atol=1e-12)
    np.testing.assert_allclose(shapley_interactions(np.array([0.0, 1.0, 2.0, 3.0])), 0, atol=1e-12)


def test_interactions_are_means_over_the_orders_in_which_a_pair_comes_in_as_one() -> None:
    values, players = random_game(4), 4
    found = shapley_interactions(values)
    for one, other in itertools.combinations(range(players), 2):
        changes = []
        for order in itertools.permutations({*range(players), -1} - {one, other}):
            before = sum(1 << player for player in order[: order.index(-1)])
            first, second = 1 << one, 1 << other
            alone = values[before | first] + values[before | second]
            changes.append(values[before | first | second] - alone + values[before])
        assert found[one, other] == pytest.approx(np.mean(changes)) == found[other, one]


def test_coalitions_are_numbered_by_their_members() -> None:
    assert members(("a", "b", "c"), 5) == {"a", "c"}
    game = value_game(("a", "b"), lambda found: np.array([len(one) for one in found], float))
    np.testing.assert_array_equal(game, [0, 1, 1, 2])
    with pytest.raises(ValueError, match="at most 8"):
        value_game(tuple("abcdefghi"), lambda found: np.zeros(len(found)))
    with pytest.raises(ValueError, match="each of its"):
        shapley_values(np.zeros(3))


@pytest.mark.slow
def test_values_agree_with_shap() -> None:
    shap = pytest.importorskip("shap", reason="shap is not installed")
    values = random_game(4)

    def model(rows: np.ndarray) -> np.ndarray:
        return np.array([values[sum(1 << place for place in range(4) if row[place] > 0.5)] for row in rows])

    explained = shap.explainers.Exact(model, np.zeros((1, 4)))(np.ones((1, 4)))
    np.testing.assert_allclose(explained.values[0], shapley_values(values), atol=1e-5)
