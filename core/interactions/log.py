"""The interaction log in memory: columns of equal length, items numbered as in a catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args, overload

import numpy as np
from numpy.typing import NDArray

EventType = Literal["view", "click", "like", "dislike", "cart", "purchase", "play", "rating", "other"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
#: Stands for "not known" in `times`.
NO_TIME = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionLog:
    """Events, sorted by user, then time, then the order of the file.

    Attributes:
        users: Position in `user_ids`, (N,).
        items: Position in `item_ids`, (N,).
        events: Position in `EVENT_TYPES`, (N,).
        values: Rating or count as the file wrote it, NaN where it has none, (N,).
        liked: Whether the event speaks for the item (see `core.interactions.read`), (N,).
        times: Seconds since the epoch, `NO_TIME` where not known, (N,).
        user_ids: As the file wrote them.
        item_ids: Ids of the catalogue's items in catalogue order; also those without any event.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    events: NDArray[np.int8]
    values: NDArray[np.float32]
    liked: NDArray[np.bool_]
    times: NDArray[np.int64]
    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.users)

    @property
    def has_times(self) -> bool:
        """Whether every event has its time."""
        return bool(len(self) and (self.times != NO_TIME).all())

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "InteractionLog":
        """The events of a mask or of ascending positions; users and items keep their numbers."""
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            events=self.events[rows],
            values=self.values[rows],
            liked=self.liked[rows],
            times=self.times[rows],
        )

    def histories(self, users: Sequence[int] | NDArray[np.int64]) -> "Histories":
        """All events of each of these users, oldest first; empty for a user without events."""
        return Histories(
            self,
            np.searchsorted(self.users, users, side="left"),
            np.searchsorted(self.users, users, side="right"),
        )


class Histories(Sequence["History"]):
    """Histories of many people as stretches of their log, each made when it is asked for.

    Args:
        log: Theirs.
        starts: First event of each, (U,).
        ends: One past the last event of each, (U,).
    """

    def __init__(self, log: InteractionLog, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        self._log, self._starts, self._ends = log, starts, ends

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Events of each, (U,)."""
        return self._ends - self._starts

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, place: int) -> "History": ...
    @overload
    def __getitem__(self, place: slice) -> "Histories": ...
    def __getitem__(self, place: int | slice) -> "History | Histories":
        if isinstance(place, slice):
            return Histories(self._log, self._starts[place], self._ends[place])
        log, rows = self._log, slice(self._starts[place], self._ends[place])
        return History(
            items=log.items[rows],
            events=log.events[rows],
            values=log.values[rows],
            liked=log.liked[rows],
            times=log.times[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One person's events, oldest first; columns as in `InteractionLog`, (L,) each."""

    items: NDArray[np.int64]
    events: NDArray[np.int8]
    values: NDArray[np.float32]
    liked: NDArray[np.bool_]
    times: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: NDArray[np.bool_] | slice) -> "History":
        """The events of a mask or of a stretch."""
        return History(
            items=self.items[rows],
            events=self.events[rows],
            values=self.values[rows],
            liked=self.liked[rows],
            times=self.times[rows],
        )
