"""The job table. A small interface, so that another queue can take its place."""

import json
import sqlite3
import time
import uuid
from collections.abc import Mapping
from typing import Any

from core.errors import JobError
from core.jobs.job import Job, Lane, State, choose_lane, read_job
from core.kept import find_catalog_name
from core.store.catalogs import DELETED, Catalogs
from core.store.database import Database

MAX_ATTEMPTS = 3
#: A worker that has not been heard of for so long counts as gone.
HEARTBEAT_SECONDS = 5.0
LEASE_SECONDS = 20.0
#: A lease that ends later was given by a clock that has been set back since.
_LONGEST_LEASE = 3 * LEASE_SECONDS


class JobStore:
    """The repository of jobs.

    Args:
        database: Holds them.
        lane: What `claim` takes from; None takes from all.
    """

    def __init__(self, database: Database, *, lane: Lane | None = None) -> None:
        self._database, self._lane = database, lane

    def submit(self, kind: str, title: str, payload: Mapping[str, Any], *, key: str, lane: Lane | None = None) -> Job:
        """Queue a job; while one with the same key is unfinished, that one is returned instead.

        Args:
            kind: What runs it.
            title: For the page.
            payload: JSON values.
            key: Idempotency key: a double click makes one job.
            lane: Which worker takes it; None for what its kind says.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO jobs(id, kind, title, payload, idempotency_key, created_at, lane, catalog_id) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT id FROM catalogs WHERE name = ?)) ON CONFLICT DO NOTHING",
                (
                    uuid.uuid4().hex,
                    kind,
                    title,
                    json.dumps(payload),
                    key,
                    time.time(),
                    lane or choose_lane(kind),
                    find_catalog_name(payload),
                ),
            )
            row = connection.execute(
                "SELECT * FROM jobs WHERE idempotency_key = ? AND state IN ('queued', 'running')", (key,)
            ).fetchone()
        return read_job(row)

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            JobError: There is none of that id.
        """
        row = self._database.connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise JobError("This job is not known any more. Start it again.")
        return read_job(row)

    def list(self, limit: int = 50) -> tuple[Job, ...]:
        """The newest jobs, newest first."""
        rows = self._database.connection.execute(
            "SELECT * FROM jobs ORDER BY created_at DESC LIMIT ?", (limit,)
        ).fetchall()
        return tuple(read_job(row) for row in rows)

    def live(self) -> tuple[Job, ...]:
        """Unfinished jobs, oldest first."""
        rows = self._database.connection.execute(
            "SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY created_at"
        ).fetchall()
        return tuple(read_job(row) for row in rows)

    def of_catalog(self, catalog_id: int, kind: str, limit: int = 10) -> tuple[Job, ...]:
        """The newest jobs of a kind about a catalogue, newest first."""
        rows = self._database.connection.execute(
            "SELECT * FROM jobs WHERE catalog_id = ? AND kind = ? ORDER BY created_at DESC LIMIT ?",
            (catalog_id, kind, limit),
        ).fetchall()
        return tuple(read_job(row) for row in rows)

    def at_work_on(self, catalog_id: int) -> tuple[Job, ...]:
        """Unfinished jobs about a catalogue."""
        return tuple(job for job in self.live() if job.catalog_id == catalog_id)

    def find_blocker(self, job: Job) -> Job | None:
        """What a waiting job waits for: one that may not stand beside it, or the one before it in its lane."""
        others = [one for one in self.live() if one.id != job.id]
        running = [one for one in others if one.state == "running"]
        before = [one for one in others if one.state == "queued" and one.created_at < job.created_at]
        excluding = [one for one in running if one.excludes(job)]
        own = [one for one in (*running, *before) if one.lane == job.lane]
        return next(iter((*excluding, *own)), None)

    def claim(self, worker: str) -> Job | None:
        """Take the oldest unfinished job of the lane whose worker is gone and that nothing at work excludes.

        Jobs of the lane that killed `MAX_ATTEMPTS` workers fail. Of another lane nobody here can know: after a machine
        has slept no lease is fresh, and its worker lives.
        """
        with self._database.transaction() as connection:
            now = time.time()
            alive = (now, now + _LONGEST_LEASE)
            connection.execute(
                "UPDATE jobs SET state = 'failed', finished_at = ?, message = ? "
                "WHERE state = 'running' AND lease_until NOT BETWEEN ? AND ? AND attempts >= ? "
                "AND lane = coalesce(?, lane)",
                (
                    now,
                    f"The worker died {MAX_ATTEMPTS} times at this job. Look at its log, then start it again.",
                    *alive,
                    MAX_ATTEMPTS,
                    self._lane,
                ),
            )
            live = [
                read_job(row)
                for row in connection.execute(
                    "SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY created_at, rowid"
                )
            ]
            running = [one for one in live if one.state == "running" and alive[0] <= one.lease_until <= alive[1]]
            free = [one for one in live if self._lane in (None, one.lane) and one not in running]
            chosen = next((one for one in free if not any(one.excludes(other) for other in running)), None)
            if chosen is None:
                return None
            row = connection.execute(
                "UPDATE jobs SET state = 'running', worker = ?, attempts = attempts + 1, lease_until = ?, "
                "started_at = coalesce(started_at, ?) WHERE id = ? RETURNING *",
                (worker, now + LEASE_SECONDS, now, chosen.id),
            ).fetchone()
        return read_job(row)

    def has_waiting(self) -> bool:
        """Whether there is work in the lane that nobody does; a waiting job that is excluded for now counts too."""
        return any(self._lane in (None, job.lane) and job.state == "queued" for job in self.live())

    def release_orphans(self) -> None:
        """Let go of every running job of the lane; only for a worker that knows that no other one of it lives."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET lease_until = 0 WHERE state = 'running' AND lane = coalesce(?, lane)", (self._lane,)
            )

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
            JobError: It is not known, its catalogue was deleted, or the same work is under way already.
        """
        if self.is_bereft(self.get(job_id)):
            raise JobError(f"{DELETED} There is nothing left to go on with; start it anew.")
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

    def is_bereft(self, job: Job) -> bool:
        """Whether the catalogue that a job is about is gone, whatever has its name now."""
        return job.catalog_id is not None and not Catalogs(self._database).exists(job.catalog_id)
