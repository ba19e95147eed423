"""One piece of long work as the table keeps it, which lane it waits in, and what it may not stand beside.

There are two lanes, each with a worker of its own: long work (training, searching, auditing, large imports) never keeps
quick work waiting. Training, searching and auditing read a catalogue once and then work on what they have read, so
whatever writes may go on beside them. Two that write to one catalogue take turns, whichever lanes they are in.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.kept import find_catalog_name
from core.store.database import read_value

State = Literal["queued", "running", "done", "failed", "cancelled"]
Lane = Literal["long", "quick"]
LANES: tuple[Lane, ...] = get_args(Lane)
#: So many items are encoded in seconds, on two cores as well.
QUICK_UNITS = 500
#: Kinds that change what serves a catalogue.
WRITERS = frozenset({"import", "encode", "activate", "rebuild"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of long work.

    Attributes:
        id: Unique.
        kind: What runs it, a key of `core.jobs.kinds.KINDS`.
        title: For the page.
        payload: The kind's own JSON values.
        lane: Which worker takes it, one of `LANES`.
        catalog_id: Of the catalogue that it is about; None for one about all, or about one that is yet to be made.
        state: Where it stands.
        stage: What is being done just now, for the page.
        done: Units finished in this stage.
        total: Units of this stage, 0 when unknown.
        rate: Units a second, None before it can be told.
        attempts: How often a worker took it.
        lease_until: When its worker counts as gone, seconds since the epoch.
        cancel_requested: Whether a person wants it to stop.
        message: Why it failed, fit for the page.
        result: The kind's own JSON values.
        created_at: Seconds since the epoch.
        started_at: Seconds since the epoch, None before the first start.
        finished_at: Seconds since the epoch, None before the end.
    """

    id: str
    kind: str
    title: str
    payload: Mapping[str, Any]
    lane: Lane
    catalog_id: int | None
    state: State
    stage: str
    done: int
    total: int
    rate: float | None
    attempts: int
    lease_until: float
    cancel_requested: bool
    message: str
    result: Mapping[str, Any]
    created_at: float
    started_at: float | None
    finished_at: float | None

    @property
    def is_live(self) -> bool:
        """Whether it is still to be finished."""
        return self.state in ("queued", "running")

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the rate of this stage, None before it can be told."""
        if not self.rate or not self.total:
            return None
        return max(self.total - self.done, 0) / self.rate

    @property
    def catalog(self) -> str:
        """Name of the catalogue that it is about when it was asked for, "" for one that is about all."""
        return find_catalog_name(self.payload)

    def excludes(self, other: "Job") -> bool:
        """Whether the two may not be at work at once: both write to one catalogue."""
        if not {self.kind, other.kind} <= WRITERS:
            return False
        names = {self.catalog.casefold(), other.catalog.casefold()}
        same = self.catalog_id is not None and self.catalog_id == other.catalog_id
        return same or len(names) == 1 or "" in names


def choose_lane(kind: str, units: int | None = None) -> Lane:
    """Which worker takes a piece of work.

    Args:
        kind: What runs it.
        units: Items that it encodes; None where that is not known, or where files come from the web.
    """
    if kind == "activate" or (kind in ("import", "encode") and units is not None and units <= QUICK_UNITS):
        return "quick"
    return "long"


def read_job(row: sqlite3.Row) -> Job:
    """A row of the table as a job."""
    values = {key: row[key] for key in row.keys() if key not in ("idempotency_key", "worker")}  # noqa: SIM118
    values["payload"] = read_value(values["payload"])
    values["result"] = read_value(values["result"])
    values["cancel_requested"] = bool(values["cancel_requested"])
    return Job(**values)
