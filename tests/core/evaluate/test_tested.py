"""Whom a log leaves for the test."""

from collections.abc import Sequence

import numpy as np
import pytest

from core.errors import TrainError
from core.evaluate.tested import hold_people_out
from core.interactions.log import NO_TIME, InteractionLog

ITEMS = 20


def make_log(events: Sequence[int]) -> InteractionLog:
    """People who like so many of the items each, in an order of their own."""
    rng, count = np.random.default_rng(0), sum(events)
    return InteractionLog(
        users=np.repeat(np.arange(len(events)), events),
        items=np.concatenate([rng.permutation(ITEMS)[:number] for number in events]),
        events=np.full(count, 7, np.int8),
        values=np.full(count, np.nan, np.float32),
        liked=np.ones(count, bool),
        times=np.full(count, NO_TIME, np.int64),
        user_ids=tuple(f"u{person}" for person in range(len(events))),
        item_ids=tuple(f"p{item}" for item in range(ITEMS)),
    )


def test_one_purchase_a_person_is_refused_with_what_to_do() -> None:
    with pytest.raises(TrainError, match=r"Of 90 people in it 0 have a history.* train on the catalogue alone\."):
        hold_people_out(make_log([1] * 90), seed=0)


def test_people_who_like_all_that_is_left_tell_nothing() -> None:
    """Every order of what is left is right for them, so that no model is better than another."""
    with pytest.raises(TrainError, match=r"Nobody is left to test on: .*no order of them is better"):
        hold_people_out(make_log([ITEMS] * 150), seed=0)
    plan = hold_people_out(make_log([ITEMS] * 75 + [ITEMS // 2] * 75), seed=0)
    assert len(plan.split.users) and plan.split.users.min() >= 75 and "of the 20 people needed" in plan.warning
