import numpy as np
import pytest

from core.interactions.event_names import (
    EVENT_ALIASES,
    event_code,
    find_liked,
    find_scale_top,
    name_counted_event,
    parse_event,
)
from core.interactions.log import EVENT_TYPES, EventType

NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("add_to_cart", "cart"),
        ("addtocart", "cart"),
        ("AddToCart", "cart"),
        ("Add to cart", "cart"),
        ("transaction", "purchase"),
        ("buy", "purchase"),
        ("pageview", "view"),
        ("page_view", "view"),
        ("Impression", "view"),
        ("pv", "view"),
        ("remove_from_cart", "dislike"),
        ("收藏", "like"),
        ("加购", "cart"),
        ("listen", "play"),
        ("review", "rating"),
        ("xyzzy", None),
        ("", None),
    ],
)
def test_names_of_events(name: str, expected: EventType | None) -> None:
    assert parse_event(name) == expected


def test_every_type_has_its_own_names() -> None:
    assert set(EVENT_ALIASES) == set(EVENT_TYPES)
    names = [alias for aliases in EVENT_ALIASES.values() for alias in aliases]
    assert len(names) == len(set(names))
    assert all(parse_event(kind) == kind for kind in EVENT_TYPES)


def test_what_a_column_of_counts_counts() -> None:
    assert [name_counted_event(name) for name in ("plays", "playCount", "quantity", "weight", "播放次数")] == [
        "play",
        "play",
        "purchase",
        "other",
        "play",
    ]


@pytest.mark.parametrize(
    ("values", "top"),
    [([0, 1], 1), ([1.5], 5), ([0.5, 5], 5), ([5.5], 10), ([10], 10), ([11], 100), ([250], 250), ([NAN, 4], 5)],
)
def test_the_top_of_a_scale(values: list[float], top: float) -> None:
    assert find_scale_top(np.array(values)) == top
    assert find_scale_top(np.array([NAN])) == 1


def codes(*names: EventType) -> np.ndarray:
    return np.array([event_code(name) for name in names], np.int8)


@pytest.mark.parametrize(
    ("values", "liked"),
    [
        ([3.5, 4, 5, 1], [0, 1, 1, 0]),  # of 5
        ([7.9, 8, 6], [0, 1, 0]),  # of 10
        ([80, 79, 11], [1, 0, 0]),  # of 100
        ([0, 1, 0.8], [0, 1, 1]),  # of 1
        ([400, 500, 399], [1, 1, 0]),
    ],
)
def test_ratings_are_liked_from_four_fifths_of_the_scale(values: list[float], liked: list[int]) -> None:
    found = find_liked("ratings", codes(*["rating"] * len(values)), np.array(values))
    assert found.dtype == bool and found.tolist() == [bool(one) for one in liked]


def test_counts_are_liked_from_one() -> None:
    assert find_liked("counts", codes("play", "play", "play"), np.array([0, 1, 12.0])).tolist() == [False, True, True]


def test_events_are_liked_but_for_dislikes_and_weak_views() -> None:
    none = np.full(3, NAN)
    assert find_liked("events", codes("view", "dislike", "other"), none).tolist() == [True, False, True]
    assert find_liked("events", codes("view", "dislike", "click"), none).tolist() == [False, False, True]
    rated = find_liked("events", codes("rating", "rating", "rating", "cart"), np.array([2, 5, NAN, NAN]))
    assert rated.tolist() == [False, True, True, True]
    quantities = find_liked("events", codes("rating", "purchase"), np.array([4, 90.0]))
    assert quantities.tolist() == [True, True], "the scale is that of the ratings alone"
