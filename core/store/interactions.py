"""Interaction logs, one a catalogue."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import StoreError
from core.interactions.event_names import LogKind
from core.interactions.log import NO_TIME, InteractionLog
from core.interactions.simulate import SIMULATED
from core.store.database import Database

_BATCH = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSummary:
    """What is stored, told without reading it.

    Attributes:
        kind: What the file held.
        users: Different users.
        items: Different items with an event.
        events: Events.
        first_time: Seconds since the epoch of the oldest event, None without times.
        last_time: Of the newest.
        unknown_events: Events of the file that were left out since the catalogue had no such item.
        saved_at: When the log was stored, ISO 8601 in UTC.
    """

    kind: LogKind
    users: int
    items: int
    events: int
    first_time: int | None
    last_time: int | None
    unknown_events: int
    saved_at: str


class Interactions:
    """The repository of interaction logs.

    Users and items are kept as the file wrote them, so a log outlives a new import of its catalogue. Types of events
    are kept as their position in `core.interactions.log.EVENT_TYPES`, which therefore only ever grows at its end.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, catalog_id: int, log: InteractionLog, *, kind: LogKind, unknown_events: int = 0) -> None:
        """Store a log in place of the one that the catalogue had, all or nothing.

        Args:
            catalog_id: The catalogue.
            log: Its events.
            kind: What the file held.
            unknown_events: Events that are not in `log` since the catalogue has no such item.

        Raises:
            StoreError: The log is empty, the catalogue is gone, or the database cannot be written; the old log stays.
        """
        if not len(log):
            raise StoreError(
                "No event of the log can be used, so nothing was stored; what was stored before stays. Check that the "
                "item column holds the same ids as the catalogue."
            )
        try:
            with self._database.transaction() as connection:
                _delete(connection, catalog_id)
                connection.execute(
                    "INSERT INTO interaction_logs"
                    "(catalog_id, kind, unknown_events, users, items, events, first_time, last_time) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (catalog_id, kind, unknown_events, *_count(log)),
                )
                connection.executemany(
                    "INSERT INTO interactions(catalog_id, position, user, item, event, value, liked, time) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    _rows(catalog_id, log),
                )
        except sqlite3.IntegrityError as exc:
            raise StoreError("The catalogue was deleted meanwhile. Import it again, then its log.") from exc

    def load(self, catalog_id: int, item_ids: Sequence[str], *, user: str | None = None) -> InteractionLog:
        """The catalogue's log, empty when it has none.

        Args:
            catalog_id: The catalogue.
            item_ids: Its items in the order that numbers them. Events with other items are left out, and so are users
                that have no event left.
            user: Reads the events of this person alone.
        """
        cursor = self._database.connection.cursor()
        cursor.row_factory = None  # plain tuples, for speed
        cursor.execute(
            "SELECT user, item, event, value, liked, time FROM interactions "
            "WHERE catalog_id = ? AND (? IS NULL OR user = ?) ORDER BY position",
            (catalog_id, user, user),
        )
        positions = {item_id: position for position, item_id in enumerate(item_ids)}
        users: dict[str, int] = {}
        parts = [_empty()]
        while batch := cursor.fetchmany(_BATCH):
            parts.append(_read_batch([row for row in batch if row[1] in positions], positions, users))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return InteractionLog(
            users=columns[0],
            items=columns[1],
            events=columns[2],
            values=columns[3],
            liked=columns[4],
            times=columns[5],
            user_ids=tuple(users),
            item_ids=tuple(item_ids),
        )

    def first_users(self, catalog_id: int, count: int) -> tuple[str, ...]:
        """The people with whom the log begins, at most `count`; a log may hold more than a page can list."""
        rows = self._database.connection.execute(
            "SELECT DISTINCT user FROM interactions WHERE catalog_id = ? LIMIT ?", (catalog_id, count)
        )
        return tuple(row["user"] for row in rows)

    def count(self, catalog_id: int) -> int:
        """Number of stored events."""
        found = self.summary(catalog_id)
        return found.events if found else 0

    def is_simulated(self, catalog_id: int) -> bool:
        """Whether the stored people are made up."""
        first = "SELECT user FROM interactions WHERE catalog_id = ? LIMIT 1"
        row = self._database.connection.execute(first, (catalog_id,)).fetchone()
        return row is not None and str(row["user"]).startswith(SIMULATED)

    def summary(self, catalog_id: int) -> LogSummary | None:
        """What is stored for the catalogue, None when there is no log."""
        row = self._database.connection.execute(
            "SELECT kind, users, items, events, first_time, last_time, unknown_events, saved_at "
            "FROM interaction_logs WHERE catalog_id = ?",
            (catalog_id,),
        ).fetchone()
        return LogSummary(**dict(row)) if row else None

    def delete(self, catalog_id: int) -> None:
        """Forget the catalogue's log; nothing happens when there is none."""
        with self._database.transaction() as connection:
            _delete(connection, catalog_id)


def _delete(connection: sqlite3.Connection, catalog_id: int) -> None:
    connection.execute("DELETE FROM interactions WHERE catalog_id = ?", (catalog_id,))
    connection.execute("DELETE FROM interaction_logs WHERE catalog_id = ?", (catalog_id,))


def _count(log: InteractionLog) -> tuple[int, int, int, int | None, int | None]:
    """Users, items, events, first and last time."""
    known = log.times[log.times != NO_TIME]
    first, last = (int(known.min()), int(known.max())) if len(known) else (None, None)
    return len(np.unique(log.users)), len(np.unique(log.items)), len(log), first, last


def _rows(catalog_id: int, log: InteractionLog) -> Iterator[tuple[object, ...]]:
    for start in range(0, len(log), _BATCH):
        part = slice(start, start + _BATCH)
        columns = zip(
            log.users[part].tolist(),
            log.items[part].tolist(),
            log.events[part].tolist(),
            log.values[part].tolist(),
            log.liked[part].tolist(),
            log.times[part].tolist(),
            strict=True,
        )
        for position, (user, item, event, value, liked, time) in enumerate(columns, start=start):
            moment = None if time == NO_TIME else time
            # SQLite stores NaN as NULL by itself.
            yield catalog_id, position, log.user_ids[user], log.item_ids[item], event, value, liked, moment


def _empty() -> tuple[NDArray[np.generic], ...]:
    kinds = (np.int64, np.int64, np.int8, np.float32, np.bool_, np.int64)
    return tuple(np.empty(0, kind) for kind in kinds)


def _read_batch(
    rows: list[tuple[str, str, int, float | None, int, int | None]], positions: dict[str, int], users: dict[str, int]
) -> tuple[NDArray[np.generic], ...]:
    """Columns of some rows; `users` numbers people by first appearance and grows."""
    if not rows:
        return _empty()
    names, items, events, values, liked, times = zip(*rows, strict=True)
    return (
        np.array([users.setdefault(name, len(users)) for name in names], np.int64),
        np.array([positions[item] for item in items], np.int64),
        np.array(events, np.int8),
        np.array(values, np.float32),  # None becomes NaN
        np.array(liked, np.bool_),
        np.array([NO_TIME if time is None else time for time in times], np.int64),
    )
