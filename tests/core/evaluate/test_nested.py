"""Outer people teach nobody who is tuned, and are tested once each."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from core.errors import EvaluationError
from core.evaluate.nested import inner_log, outer_splits
from core.evaluate.protocol import build_splits, cold_items
from core.train.held_out import hash_bucket
from tests.core.evaluate.test_protocol import make_log


def outer_people(log) -> np.ndarray:
    return np.array([hash_bucket(user, 5, salt="outer") < 2 for user in log.user_ids])


def test_nobody_is_both_outer_and_inner() -> None:
    log = make_log()
    outer, inner = outer_people(log), inner_log(log)
    assert 40 < outer.sum() < 80
    np.testing.assert_array_equal(np.unique(inner.users), np.flatnonzero(~outer))
    assert len(inner) == (~outer).sum() * 20 and inner.item_ids == log.item_ids
    for split in build_splits(inner, "users"):
        assert not outer[split.fit.users].any() and not outer[split.users].any()


def test_an_outer_person_is_tested_once_by_what_everybody_else_taught() -> None:
    log = make_log()
    one, two = outer_splits(log)
    cold = cold_items(log.item_ids)
    for split, other in ((one, two), (two, one)):
        assert outer_people(log)[split.users].all()
        assert not np.isin(split.users, split.fit.users).any() and np.isin(other.users, split.fit.users).all()
        assert np.isin(np.flatnonzero(~outer_people(log)), split.fit.users).all()
        assert split.apart and not cold[split.fit.items].any()
    tested = np.concatenate([one.users, two.users])
    assert len(np.unique(tested)) == len(tested) > 0.9 * outer_people(log).sum()


def test_a_cut_in_time_is_tested_on_outer_people_and_learns_from_everyones_past() -> None:
    log = make_log(300)
    (whole,), (split,) = build_splits(log, "time"), outer_splits(log, "time")
    np.testing.assert_array_equal(split.users, whole.users[outer_people(log)[whole.users]])
    assert len(split.fit) == len(whole.fit)
    place = int(np.flatnonzero(whole.users == split.users[3])[0])
    np.testing.assert_array_equal(split.targets[3], whole.targets[place])


def test_without_an_outer_person_that_can_be_tested_it_is_said() -> None:
    log = make_log(people=20)
    others = (user for user in map(str, range(500)) if hash_bucket(user, 5, salt="outer") > 1)
    alone = replace(log, user_ids=tuple(islice(others, 20)))
    with pytest.raises(EvaluationError, match="No outer person"):
        list(outer_splits(alone))
