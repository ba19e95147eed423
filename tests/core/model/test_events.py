"""How much an event says: hand-worked weights."""

import numpy as np
import pytest

from core.interactions.event_names import event_code
from core.interactions.log import NO_TIME, History
from core.model.events import LIKED_ALONE, EventWeights, weigh_matrix, weigh_rows

DAY = 86_400


def make_history(
    items: list[int], values: list[float], liked: list[bool], *, name: str = "rating", days: list[int] | None = None
) -> History:
    return History(
        items=np.array(items, np.int64),
        events=np.full(len(items), event_code(name), np.int8),  # type: ignore[arg-type]
        values=np.array(values, np.float32),
        liked=np.array(liked, bool),
        times=np.array([NO_TIME] * len(items) if days is None else days, np.int64) * (1 if days is None else DAY),
    )


def weigh(history: History, **numbers: float) -> dict[int, float]:
    items, weights = EventWeights(**numbers).weigh(history)
    return dict(zip(items.tolist(), np.round(weights.astype(float), 4).tolist(), strict=True))


def test_a_rating_speaks_by_the_square_of_its_share_of_the_mean_of_what_was_liked() -> None:
    history = make_history([4, 2, 7], [5, 3, 2], [True, True, False], days=[0, 100, 900])
    assert weigh(history) == {4: 1.5625, 2: 0.5625, 7: 0.25}  # (5 / 4)^2, (3 / 4)^2, (2 / 4)^2, whenever it was
    assert weigh(history, rating_power=0) == {4: 1.0, 2: 1.0}


def test_the_last_rating_counts_and_a_scale_without_likes_falls_back() -> None:
    assert weigh(make_history([1, 1], [2, 4], [False, True])) == {1: 1.0}
    assert weigh(make_history([1, 2], [-3, 0], [False, False])) == {}
    assert weigh(make_history([1, 2], [-3, -1], [True, False])) == {1: 1.0}, "no power of a negative share"


def test_the_largest_ratings_that_are_kept_are_weighed_like_others() -> None:
    assert weigh(make_history([1, 2], [3e38, 3e38], [True, True])) == {1: 1.0, 2: 1.0}


def test_an_item_that_was_rated_counts_by_its_rating_whatever_else_was_done_with_it() -> None:
    history = make_history([4, 2, 2, 4, 7, 8], [5, 3, 5, 1, 6, 2], [True] * 6)
    history.events[3:] = event_code("purchase")
    assert weigh(history, count_power=1) == {2: 1.0, 4: 1.0, 7: 1.5, 8: 0.5}, "no rating is a count"


def test_counts_add_up_and_what_was_not_liked_says_nothing() -> None:
    history = make_history([3, 3, 5, 6], [10, 6, np.nan, 1], [True, True, True, False], name="purchase")
    mean = (16 + 1) / 2
    assert weigh(history, count_power=0.5) == {3: round((16 / mean) ** 0.5, 4), 5: round((1 / mean) ** 0.5, 4)}
    assert weigh(history, count_power=0) == {3: 1.0, 5: 1.0}
    seen = make_history([3, 3, 5], [4, 9, 1], [False, True, True], name="purchase")
    assert weigh(seen, count_power=1) == {3: 1.8, 5: 0.2}, "9 of a mean of 5: what was not liked is not counted"
    unsaid = make_history([3, 5, 5], [np.nan] * 3, [True] * 3)
    assert weigh(unsaid, count_power=1) == {3: 0.6667, 5: 1.3333}, "a review without stars is an event"
    odd = make_history([3, 5], [np.inf, -4], [True, True], name="purchase")
    assert weigh(odd) == {3: 1.0, 5: 1.0}, "no count is one"


def test_the_age_of_the_last_event_halves_three_quarters() -> None:
    history = make_history([3, 5, 5, 6], [1] * 4, [True] * 4, name="play", days=[0, 0, 60, 120])
    assert weigh(history, half_life=60, count_power=0) == {3: 0.4375, 5: 0.625, 6: 1.0}
    without = make_history([3, 6], [1, 1], [True, True], name="play")
    assert weigh(without, half_life=60) == {3: 1.0, 6: 1.0}
    without.times[1] = 300 * DAY
    assert weigh(without, half_life=60) == {3: 1.0, 6: 1.0}, "when the other was is not known"


def test_an_earlier_release_counted_likes_alone() -> None:
    history = make_history([3, 5, 5, 6], [9, 1, 1, 1], [True, True, True, False], name="click", days=[0, 9, 9, 900])
    items, weights = LIKED_ALONE.weigh(history)
    assert items.tolist() == [3, 5] and weights.tolist() == [1, 1]
    items, weights = LIKED_ALONE.weigh(make_history([3, 5, 6], [5, 4, 3], [True, True, False]))
    assert items.tolist() == [3, 5] and weights.tolist() == [1, 1]


def test_rows_and_matrix_agree_and_nothing_is_allowed() -> None:
    histories = [make_history([4, 2], [5, 3], [True, True]), make_history([], [], [])]
    rows = weigh_rows(histories, 6, EventWeights())
    np.testing.assert_array_equal(weigh_matrix(histories, 6, EventWeights()).toarray(), rows)
    assert rows.shape == (2, 6) and not rows[1].any()


def test_a_power_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        EventWeights(count_power=-0.1)
