"""Pairs of a person's text and an item, for the pair classifier."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import like_counts
from core.baselines.recommender import ItemTable
from core.interactions.log import InteractionLog


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSample:
    """What a person liked before, an item's number, and whether they liked it."""

    person: str
    item: int
    liked: bool


def person_text(liked: NDArray[np.int64], items: ItemTable, *, recent: int) -> str:
    """Titles of the last liked items, latest first, so that a cut takes the oldest."""
    return ". ".join(items.titles[item] for item in liked[::-1][:recent].tolist())


def draw_pairs(
    log: InteractionLog, items: ItemTable, *, recent: int, pairs: int, rng: np.random.Generator
) -> Iterator[PairSample]:
    """One liked and one other item for as many liked events as `pairs` allows.

    A person's text at an event holds what they liked before it, so the item is never in it. The other item is one that
    the person did not meet, drawn in turn evenly and by popularity: even draws teach what is liked at all, popular ones
    what is liked by whom. Items without any event are never drawn, else being new would count as being disliked.

    Args:
        log: Events of people to draw from.
        items: Its items.
        recent: Titles in a person's text.
        pairs: Most pairs, at least 2.
        rng: Of all draws.
    """
    histories = log.histories(np.unique(log.users))
    counts = like_counts(log)
    met = (np.bincount(log.items, minlength=len(items)) > 0).astype(float)
    # The first like of a person has nothing before it.
    events = [
        (number, place) for number, history in enumerate(histories) for place in range(1, int(history.liked.sum()))
    ]
    for turn, row in enumerate(rng.permutation(len(events))[: max(1, pairs // 2)].tolist()):
        number, place = events[row]
        history = histories[number]
        liked = history.items[history.liked]
        person = person_text(liked[:place], items, recent=recent)
        yield PairSample(person=person, item=int(liked[place]), liked=True)
        chances = (counts if turn % 2 else met).astype(float)
        chances[history.items] = 0
        if chances.any():
            yield PairSample(person=person, item=int(rng.choice(len(items), p=chances / chances.sum())), liked=False)
