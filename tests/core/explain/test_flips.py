"""The fewest removals that bring an item across a rank."""

from collections.abc import Collection

import pytest

from core.explain.flips import Positions, find_fewest


def rank_by(weights: list[int], start: int = 1, *, forbidden: Collection[Positions] = ()):
    """The rank is `start` and falls by the weights of what is taken away."""

    def rank(sets: Collection[Positions]) -> dict[Positions, int | None]:
        return {
            positions: start + sum(weights[position] for position in positions)
            for positions in sets
            if positions not in forbidden
        }

    return rank


def test_one_is_enough_where_one_is() -> None:
    assert find_fewest(4, rank_by([1, 2, 30, 3])) == (2,)


def test_no_member_of_a_flip_could_be_put_back() -> None:
    rank = rank_by([4, 3, 3, 1, 0])
    found = find_fewest(5, rank)
    assert found is not None and len(found) == 3 and rank([found])[found] > 10
    for position in found:
        fewer = tuple(one for one in found if one != position)
        assert rank([fewer])[fewer] <= 10


def test_an_item_outside_comes_in() -> None:
    assert find_fewest(3, rank_by([-1, -4, -3], start=16)) == (1, 2)


@pytest.mark.parametrize("weights", [[0, 0, 0], [], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]], ids=["still", "none", "too many"])
def test_none_is_found_where_there_is_none(weights: list[int]) -> None:
    assert find_fewest(len(weights), rank_by(weights)) is None


def test_sets_that_cannot_be_taken_away_are_left_out() -> None:
    assert find_fewest(2, rank_by([20, 0], forbidden=[(0,)])) is None
    assert find_fewest(2, rank_by([20, 12], forbidden=[(0,)])) == (1,)


def test_an_item_that_is_no_longer_ranked_has_fallen() -> None:
    assert find_fewest(2, lambda sets: {positions: None if positions == (1,) else 1 for positions in sets}) == (1,)
