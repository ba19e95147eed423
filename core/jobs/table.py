"""The job table. A small interface, so that another queue can take its place."""

import json
import sqlite3
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import JobError
from core.store.database import Database

State = Literal["queued", "running", "done", "failed", "cancelled"]
MAX_ATTEMPTS = 3
#: A worker that has not been heard of for so long counts as gone.
HEARTBEAT_SECONDS = 5.0
LEASE_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of long work.

    Attributes:
        id: Unique.
        kind: What runs it, a key of `core.jobs.kinds.KINDS`.
        title: For the page.
        payload: The kind's own JSON values.
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


class JobStore:
    """The repository of jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, kind: str, title: str, payload: Mapping[str, Any], *, key: str) -> Job:
        """Queue a job; while one with the same key is unfinished, that one is returned instead.

        Args:
            kind: What runs it.
            title: For the page.
            payload: JSON values.
            key: Idempotency key: a double click makes one job.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO jobs(id, kind, title, payload, idempotency_key, created_at) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                (uuid.uuid4().hex, kind, title, json.dumps(payload), key, time.time()),
            )
            row = connection.execute(
                "SELECT * FROM jobs WHERE idempotency_key = ? AND state IN ('queued', 'running')", (key,)
            ).fetchone()
        return _read_job(row)

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            JobError: There is none of that id.
        """
        row = self._database.connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise JobError("This job is not known any more. Start it again.")
        return _read_job(row)

    def list(self, limit: int = 50) -> tuple[Job, ...]:
        """The newest jobs, newest first."""
        rows = self._database.connection.execute(
            "SELECT * FROM jobs ORDER BY created_at DESC LIMIT ?", (limit,)
        ).fetchall()
        return tuple(_read_job(row) for row in rows)

    def live(self) -> tuple[Job, ...]:
        """Unfinished jobs, oldest first."""
        rows = self._database.connection.execute(
            "SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY created_at"
        ).fetchall()
        return tuple(_read_job(row) for row in rows)

    def claim(self, worker: str) -> Job | None:
        """Take the oldest unfinished job whose worker is gone; jobs that killed `MAX_ATTEMPTS` workers fail."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'failed', finished_at = ?, message = ? "
                "WHERE state = 'running' AND lease_until < ? AND attempts >= ?",
                (
                    time.time(),
                    f"The worker died {MAX_ATTEMPTS} times at this job. Look at its log, then start it again.",
                    time.time(),
                    MAX_ATTEMPTS,
                ),
            )
            row = connection.execute(
                "UPDATE jobs SET state = 'running', worker = ?, attempts = attempts + 1, lease_until = ?, "
                "started_at = coalesce(started_at, ?) WHERE id = (SELECT id FROM jobs WHERE state = 'queued' "
                "OR (state = 'running' AND lease_until < ?) ORDER BY created_at LIMIT 1) RETURNING *",
                (worker, time.time() + LEASE_SECONDS, time.time(), time.time()),
            ).fetchone()
        return _read_job(row) if row else None

    def release_orphans(self) -> None:
        """Let go of every running job; only for a worker that knows that no other one lives."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE jobs SET lease_until = 0 WHERE state = 'running'")

    def beat(self, job_id: str, worker: str) -> bool:
        """Renew the lease; False when the job now belongs to another worker or has ended."""
        cursor = self._database.connection.execute(
            "UPDATE jobs SET lease_until = ? WHERE id = ? AND worker = ? AND state = 'running'",
            (time.time() + LEASE_SECONDS, job_id, worker),
        )
        return cursor.rowcount == 1

    def report(self, job_id: str, worker: str, *, stage: str, done: int, total: int, rate: float | None) -> bool:
        """Write progress down.

        Returns:
            Whether a person wants the job to stop.

        Raises:
            JobError: The job now belongs to another worker.
        """
        row = self._database.connection.execute(
            "UPDATE jobs SET stage = ?, done = ?, total = ?, rate = ? WHERE id = ? AND worker = ? "
            "AND state = 'running' RETURNING cancel_requested",
            (stage, done, total, rate, job_id, worker),
        ).fetchone()
        if row is None:
            raise JobError("Another worker has taken this job over.")
        return bool(row["cancel_requested"])

    def finish(
        self, job_id: str, worker: str, state: State, *, message: str = "", result: Mapping[str, Any] | None = None
    ) -> None:
        """End a job, unless it belongs to another worker by now."""
        self._database.connection.execute(
            "UPDATE jobs SET state = ?, message = ?, result = ?, finished_at = ? "
            "WHERE id = ? AND worker = ? AND state = 'running'",
            (state, message, json.dumps(result or {}), time.time(), job_id, worker),
        )

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; one that has not begun stops at once."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE jobs SET cancel_requested = 1 WHERE id = ?", (job_id,))
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', finished_at = ? WHERE id = ? AND state = 'queued'",
                (time.time(), job_id),
            )

    def resume(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again; it goes on where it stopped.

        Raises:
            JobError: It is not known, or the same work is under way already.
        """
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "UPDATE jobs SET state = 'queued', cancel_requested = 0, attempts = 0, message = '', "
                    "finished_at = NULL, worker = NULL WHERE id = ? AND state IN ('failed', 'cancelled')",
                    (job_id,),
                )
        except sqlite3.IntegrityError as exc:
            raise JobError("The same work is under way already. Wait for it to end.") from exc
        return self.get(job_id)

    def remove(self, job_id: str) -> None:
        """Take an ended job off the list; nothing that it made goes with it, but its report.

        Raises:
            JobError: It has not ended.
        """
        cursor = self._database.connection.execute(
            "DELETE FROM jobs WHERE id = ? AND state NOT IN ('queued', 'running')", (job_id,)
        )
        if not cursor.rowcount and self.get(job_id).is_live:
            raise JobError("This work has not ended. Cancel it first, then remove it.")


def _read_job(row: sqlite3.Row) -> Job:
    values = {key: row[key] for key in row.keys() if key not in ("idempotency_key", "worker")}  # noqa: SIM118
    values["payload"] = json.loads(values["payload"])
    values["result"] = json.loads(values["result"])
    values["cancel_requested"] = bool(values["cancel_requested"])
    return Job(**values)
