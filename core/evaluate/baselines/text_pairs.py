"""Pairs of a person's text and an item's text, for the pair classifier."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluate.recommender import ItemTable
from core.interactions.log import InteractionLog


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSample:
    """What a person liked before, an item, and whether they liked it."""

    person: str
    item: str
    liked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSplit:
    """Pairs to train on, and pairs of other people to measure with."""

    training: tuple[PairSample, ...]
    held_out: tuple[PairSample, ...]


def person_text(liked: NDArray[np.int64], items: ItemTable, *, recent: int) -> str:
    """Titles of the last liked items, latest first, so that a cut takes the oldest."""
    return ". ".join(items.titles[item] for item in liked[::-1][:recent].tolist())


def draw_pairs(
    log: InteractionLog, items: ItemTable, *, recent: int, pairs: int, held_out: float, rng: np.random.Generator
) -> PairSplit:
    """One liked and one other item for as many liked events as `pairs` allows.

    A person's text at an event holds what they liked before it, so the item is never in it. The other item is drawn
    evenly among those the person did not meet.

    Args:
        log: Events of the fit.
        items: Its items.
        recent: Titles in a person's text.
        pairs: Most pairs to train on; a tenth as many again are held out at most.
        held_out: Share of the people to hold out, (0, 1).
        rng: Of all draws.
    """
    people = rng.permutation(np.unique(log.users))
    cut = max(1, round(held_out * len(people))) if len(people) > 1 else 0
    return PairSplit(
        training=tuple(_pairs_of(log, items, people[cut:], recent=recent, pairs=pairs, rng=rng)),
        held_out=tuple(_pairs_of(log, items, people[:cut], recent=recent, pairs=max(2, pairs // 10), rng=rng)),
    )


def _pairs_of(
    log: InteractionLog,
    items: ItemTable,
    people: NDArray[np.int64],
    *,
    recent: int,
    pairs: int,
    rng: np.random.Generator,
) -> Iterator[PairSample]:
    histories = log.histories(people)
    # The first like of a person has nothing before it.
    events = [
        (number, place) for number, history in enumerate(histories) for place in range(1, int(history.liked.sum()))
    ]
    for row in rng.permutation(len(events))[: max(1, pairs // 2)].tolist():
        number, place = events[row]
        history = histories[number]
        liked = history.items[history.liked]
        person = person_text(liked[:place], items, recent=recent)
        yield PairSample(person=person, item=items.texts[liked[place]], liked=True)
        unmet = np.setdiff1d(np.arange(len(items)), history.items)
        if len(unmet):
            yield PairSample(person=person, item=items.texts[rng.choice(unmet)], liked=False)
