"""Outer people, whom no choice may see, and inner people, on whom everything is chosen.

Two fifths of the people of a log are outer, by the hash of their id, so that they are the same in every run and on
every machine. Weights, blends, priors, defaults and the settings of what a model is compared with are chosen on the
others alone; a figure that is reported is of outer people. What nobody can check is whether somebody looked.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.errors import EvaluationError
from core.evaluate.protocol import Split, SplitName, build_splits, leave_people_out
from core.evaluate.sampled import take_people
from core.interactions.log import InteractionLog
from core.train.held_out import hash_bucket

#: Fifths of the people who are outer; each is the test of one fold.
OUTER_FOLDS, _SHARE = 2, 5


def inner_log(log: InteractionLog) -> InteractionLog:
    """The events of inner people; users and items keep their numbers."""
    return log.take(_buckets(log)[log.users] >= OUTER_FOLDS)


def outer_splits(log: InteractionLog, name: SplitName = "users") -> Iterator[Split]:
    """The folds that a reported figure is taken from.

    Args:
        log: Everyone's events.
        name: "users": two folds, each fitted on everybody else, the other outer fold and all inner people. Another one
            of `SPLITS`: fitted on what it leaves of everybody, and tested on its outer people.

    Raises:
        EvaluationError: The log has no times and the split needs them, or no outer person is left to test on.
    """
    buckets = _buckets(log)
    tested = 0
    if name == "users":
        folds = (leave_people_out(log, np.flatnonzero(buckets == fold)) for fold in range(OUTER_FOLDS))
    else:
        folds = (take_people(one, np.flatnonzero(buckets[one.users] < OUTER_FOLDS)) for one in build_splits(log, name))
    for split in folds:
        tested += len(split.users)
        if len(split.users):
            yield split
    if not tested:
        raise EvaluationError(
            "No outer person is left to test on: they need a history and something they liked after it."
        )


def _buckets(log: InteractionLog) -> NDArray[np.int64]:
    """The fifth that each person of `user_ids` falls into, (U,)."""
    return np.array([hash_bucket(user, _SHARE, salt="outer") for user in log.user_ids], np.int64)
