"""Progress of long work: how far, how fast, and whether to stop."""

import math
import time
from collections.abc import Callable
from typing import Protocol

from core.store.database import in_transaction


class Progress(Protocol):
    """What long work calls between two units."""

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Say how far a stage is.

        Raises:
            CancelledError: A person wants the work to stop.
        """


def silent(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


class Meter:
    """Turns progress into a rate and passes it on a few times a second.

    Args:
        report: Gets stage, done, total and units a second (None before it can be told).
        every_seconds: The least time between two calls of `report` in one stage.
    """

    def __init__(self, report: Callable[[str, int, int, float | None], None], *, every_seconds: float = 0.3) -> None:
        self._report = report
        self._every = every_seconds
        self._stage = ""
        self._started = (0.0, 0)
        self._last = -math.inf

    def __call__(self, stage: str, done: int, total: int) -> None:
        if in_transaction():
            # A worker writes it down through a connection of its own, which would wait for this thread's for ever.
            raise ValueError("progress is told between transactions, never within one")
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._last = stage, (now, done), -math.inf
        if now - self._last < self._every and done != total:
            return
        self._last = now
        seconds, units = now - self._started[0], done - self._started[1]
        self._report(stage, done, total, units / seconds if seconds > 0.5 and units > 0 else None)
