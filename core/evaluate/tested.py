"""Whom a log, and which titles a catalogue, leaves for the test and for training, before anything is computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import EvaluationError, TrainError
from core.evaluate.protocol import FOLDS, Split, SplitName, build_splits, choose_split
from core.evaluate.sampled import sample_people, take_people
from core.evaluate.verdict import LEAST_TESTED
from core.interactions.log import InteractionLog
from core.train.data import LEAST_VALIDATION, build_validation, split_people
from core.train.held_out import MOST_TEST_SHARE, group_items, hold_out, number_pictures, number_texts
from core.wording import count_noun

#: So many with a history are enough to choose by, after one in `FOLDS` and one in `VALIDATION_SHARE` of the rest.
LEAST_PEOPLE = 13
#: About so many leave `LEAST_TESTED` for the test.
LEAST_TOLD = FOLDS * LEAST_TESTED
#: People who are tested at most; more of them would tell little more, and each costs a ranking of all items.
MOST_TESTED = 5_000
#: Different titles with a picture from which a verdict can be told.
_LEAST_TITLES = MOST_TEST_SHARE * LEAST_TESTED
_HISTORY = "a history, and liked something in the fifth of it that is kept back"
_ADVICE = "Add more of the log, or train on the catalogue alone."


@dataclass(frozen=True, slots=True, kw_only=True)
class TestedPeople:
    """What is held out of a log.

    Attributes:
        name: Of the split.
        split: The people who are tested in the end, and what may be learned from.
        held_out: People with something to be tested on, of whom those are a sample, or all.
        warning: Why no verdict can be told from them, "" where one can.
    """

    __test__ = False  # its name is that of a class of tests

    name: SplitName
    split: Split
    held_out: int
    warning: str


def hold_people_out(log: InteractionLog, *, seed: int) -> TestedPeople:
    """Choose who is held out for the test.

    Raises:
        TrainError: The log is too small to learn from and to choose by; the message says how many people are needed.
    """
    try:
        name = choose_split(log)
        split = next(iter(build_splits(log, name, seed=seed)))
    except EvaluationError as exc:
        raise TrainError(f"{exc} {_count_people(log)} {_ADVICE}") from exc
    _, validation = split_people(split.fit, seed=seed)
    if len(validation) < LEAST_VALIDATION or not len(split.fit):
        raise TrainError(f"The log holds too few people to learn from. {_count_people(log)} {_ADVICE}")
    wanted, left = _count_answers(split)
    told = np.flatnonzero((wanted > 0) & (wanted < left))
    if (wanted > 0).any() and not len(told):
        raise TrainError(
            "Nobody is left to test on: whoever has a history likes every item that is left, so that no order of them "
            "is better than another. Add more items or people, or train on the catalogue alone."
        )
    if len(told):
        split = take_people(split, told)
    return TestedPeople(
        name=name,
        split=sample_people(split, MOST_TESTED, seed=seed),
        held_out=len(split.users),
        warning=_warn_of_few(log, len(told)) if len(told) < LEAST_TESTED else "",
    )


def _count_answers(split: Split) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items that the fit knows: how many of those that each test person has not had are liked, and are there at all."""
    known = ~split.cold
    had = [len(np.unique(history.items[known[history.items]])) for history in split.histories]
    wanted = [int(known[items].sum()) for items in split.targets]
    return np.array(wanted, np.int64), int(known.sum()) - np.array(had, np.int64)


def _warn_of_few(log: InteractionLog, tested: int) -> str:
    return (
        f"Whether training helped cannot be told from this log: {tested} of the {LEAST_TESTED} people needed can be "
        f"held out for the test. {_count_people(log, LEAST_TOLD)}"
    )


def _count_people(log: InteractionLog, needed: int = LEAST_PEOPLE) -> str:
    people = np.unique(log.users)
    usable = len(build_validation(log.histories(people)))
    least = f"about {needed}" if needed == LEAST_TOLD else f"at least {needed}"
    have = f"{usable:,} {'has' if usable == 1 else 'have'} {_HISTORY}"
    return f"Of {count_noun(len(people), 'person', 'people')} in it {have}; {least} are needed."


@dataclass(frozen=True, slots=True, kw_only=True)
class TestedTitles:
    """What is held out of a catalogue of N items.

    Attributes:
        tested: Items that are tested in the end, (N,); no other shows a title or a picture of theirs.
        warning: Why no verdict can be told from them, "" where one can.
    """

    __test__ = False  # its name is that of a class of tests

    tested: NDArray[np.bool_]
    warning: str


def hold_titles_out(titles: Sequence[str], pictures: Sequence[str], pairs: NDArray[np.bool_]) -> TestedTitles:
    """Choose what is held out for the test.

    Args:
        titles: (N,).
        pictures: What the main picture of each is called by its content, "" for none, (N,).
        pairs: Items with a picture and a text, (N,).
    """
    groups = group_items(number_texts(titles), number_pictures(pictures, len(titles)))
    # Where so many cannot be spared nothing will be told, and each title does more good in training.
    least = LEAST_TESTED if len(np.unique(groups[pairs])) >= _LEAST_TITLES else 1
    tested = hold_out(titles, groups, "test", among=pairs, least=least, share=MOST_TEST_SHARE)
    count = len(np.unique(groups[tested & pairs]))
    return TestedTitles(tested=tested, warning=_warn_of_few_titles(count) if count < LEAST_TESTED else "")


def _warn_of_few_titles(tested: int) -> str:
    return (
        f"Whether training helped cannot be told from this catalogue: {tested} of the {LEAST_TESTED} different titles "
        f"needed can be held out for the test. With {_LEAST_TITLES} different titles that have a picture of their own "
        "it can."
    )
