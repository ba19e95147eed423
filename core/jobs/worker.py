"""The workers, one a lane: processes of their own session that run queued jobs one after another, and then end.

Each holds a file lock while it lives. The lock goes with the process however it dies, so whoever gets it next knows
that no other worker lives and takes over what the dead one left.
"""

import argparse
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.errors import CancelledError, JobError, WishlightError
from core.failures import plain_failures
from core.home import Home, open_home
from core.jobs.job import LANES, Job, Lane, State
from core.jobs.job_table import HEARTBEAT_SECONDS, JobStore
from core.jobs.kinds import KINDS, Runner
from core.progress import Meter
from core.store.catalogs import DELETED
from core.store.database import Database
from core.workspace import Workspace

_log = logging.getLogger(__name__)
IDLE_SECONDS = 20.0
_POLL_SECONDS = 0.3
#: Before the next try where the database cannot be written.
_TROUBLE_SECONDS = 3.0
_looking = threading.Lock()
_START_SECONDS = 10.0
#: Longer than `has_worker` holds the lock, shorter than a person would wait.
_LOCK_SECONDS = 2.0
_FINISH_ATTEMPTS = 6


def has_worker(home: Home, lane: Lane = "long") -> bool:
    """Whether a worker of this lane of the data folder lives."""
    lock = FileLock(_lock_path(home, lane))
    # Two threads that look at once must not take each other for the worker.
    with _looking:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
    return False


def ensure_worker(home: Home) -> None:
    """Start a worker for each lane with work that waits, unless one lives; they go on when this process ends."""
    live = JobStore(Database(home.database)).live()
    for lane in LANES:
        if any(job.lane == lane for job in live) and not has_worker(home, lane):
            _start_worker(home, lane)


def _start_worker(home: Home, lane: Lane) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
        # Threads that wait must not spin: the page and other work want the same processors.
        "OMP_WAIT_POLICY": "passive",
    }
    with (home.logs / "worker.log").open("ab") as log:
        subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "core.jobs.worker", "--home", str(home.root), "--lane", lane],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=root,
            env=environment,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not has_worker(home, lane) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS / 3)


def run_worker(home: Home, *, lane: Lane = "long", idle_seconds: float = IDLE_SECONDS) -> None:
    """Run a lane's jobs until there have been none for a while; returns at once when another worker of it lives.

    Whoever queues a job and sees the lock held relies on this worker. So it looks once more after it has let go: what
    was queued before that is seen here, and what is queued later sees no worker and starts one.
    """
    jobs = JobStore(Database(home.database), lane=lane)
    while True:
        try:
            lock = FileLock(_lock_path(home, lane)).acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            return
        with lock:
            workspace = Workspace(home)
            if lane == "long":
                workspace.sweep.finish()
            _run_lane(workspace, jobs, idle_seconds)
        if not jobs.has_waiting():
            return


def _run_lane(workspace: Workspace, jobs: JobStore, idle_seconds: float) -> None:
    """Run jobs while the lock is held."""
    jobs.release_orphans()
    idle_since = time.monotonic()
    while time.monotonic() - idle_since < idle_seconds:
        worker = uuid.uuid4().hex
        try:
            job = jobs.claim(worker)
        except (WishlightError, sqlite3.Error):
            _log.exception("No job can be taken now")
            time.sleep(_TROUBLE_SECONDS)
            job = None
        if job is None:
            time.sleep(_POLL_SECONDS)
            continue
        run_job(workspace, jobs, job, worker)
        idle_since = time.monotonic()


def run_job(workspace: Workspace, jobs: JobStore, job: Job, worker: str) -> None:
    """Run one claimed job to its end, whatever that is."""

    def report(stage: str, done: int, total: int, rate: float | None) -> None:
        try:
            stop = jobs.report(job.id, worker, stage=stage, done=done, total=total, rate=rate)
            is_bereft = jobs.is_bereft(jobs.get(job.id))
        except sqlite3.OperationalError:  # only what the page shows; the work says itself when it cannot write
            _log.warning("Progress could not be written down", exc_info=True)
            return
        if is_bereft:
            raise CancelledError(DELETED)
        if stop:
            raise CancelledError("Stopped as you asked; what was done so far stays.")

    state: State = "failed"
    message, result = "", None
    with _logging_to(log_path(workspace.home, job.id)):
        try:
            with _Heart(workspace.home, job.id, worker), plain_failures():
                _log.info("Start %s (%s), attempt %d", job.title, job.kind, job.attempts)
                result = _find_runner(jobs, job)(workspace, job.payload, job.id, Meter(report))
            state = "done"
            _log.info("Done")
        except CancelledError as exc:
            _log.info("Cancelled: %s", exc)
            state, message = "cancelled", str(exc)
        except WishlightError as exc:
            _log.warning("Failed: %s", exc, exc_info=True)
            message = str(exc)
        except Exception:
            _log.exception("Failed")
            message = "Something went wrong inside. The job's log says what."
        if is_bereft := _is_bereft(jobs, job.id):
            state, message, result = "cancelled", DELETED, None
        _finish(jobs, job.id, worker, state, message, result)
    if is_bereft or workspace.sweep.is_pending():
        _sweep(workspace, jobs, job.id)


def _is_bereft(jobs: JobStore, job_id: str) -> bool:
    """Whether a job's catalogue went while it was at work, also one that it had made itself."""
    try:
        return jobs.is_bereft(jobs.get(job_id))
    except (WishlightError, sqlite3.Error):
        return False


def _sweep(workspace: Workspace, jobs: JobStore, job_id: str) -> None:
    """Finish a deletion that a job was in the way of; that it cannot be must not cost the worker."""
    try:
        job = jobs.get(job_id)
        if job.catalog_id is not None and jobs.is_bereft(job):
            workspace.sweep.clear(job.catalog_id, job_id)
        else:
            workspace.sweep.finish()
    except (WishlightError, sqlite3.Error, OSError):
        _log.exception("What was deleted cannot be swept now")


def _find_runner(jobs: JobStore, job: Job) -> Runner:
    """What runs a job.

    Raises:
        CancelledError: Its catalogue is gone, whatever has its name now.
        JobError: Another version of Wishlight has queued it.
    """
    if jobs.is_bereft(job):
        raise CancelledError(DELETED)
    if job.kind not in KINDS:
        raise JobError(f"This version of Wishlight does not know this kind of work ({job.kind}). Start it anew.")
    return KINDS[job.kind]


def _finish(
    jobs: JobStore, job_id: str, worker: str, state: State, message: str, result: Mapping[str, Any] | None
) -> None:
    """End a job in the table; a full disk may refuse it for a while, which must not cost the worker."""
    for attempt in range(_FINISH_ATTEMPTS):
        try:
            jobs.finish(job_id, worker, state, message=message, result=result)
        except (WishlightError, sqlite3.Error):
            _log.exception("The job's end cannot be written down")
            time.sleep(_POLL_SECONDS * attempt)
        else:
            return


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Keep a job's log; that it cannot be kept, as on a full disk, is no reason to fail."""
    try:
        handler: logging.Handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as exc:
        _log.warning("The log %s cannot be kept (%s)", path.name, exc.strerror)
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        with suppress(OSError):
            handler.close()


def log_path(home: Home, job_id: str) -> Path:
    """The log of one job.

    Raises:
        JobError: The id is not one that was made here.
    """
    if not job_id.isalnum():
        raise JobError("This is not a job's id.")
    return home.logs / f"{job_id}.log"


class _Heart:
    """Renews a job's lease from a thread of its own, so that a long step does not look like a dead worker."""

    def __init__(self, home: Home, job_id: str, worker: str) -> None:
        self._database, self._job_id, self._worker = Database(home.database), job_id, worker
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                if not JobStore(self._database).beat(self._job_id, self._worker):
                    break
            except sqlite3.Error:
                _log.warning("The heart beat could not be written down", exc_info=True)
        self._database.close()


def _lock_path(home: Home, lane: Lane) -> Path:
    return home.root / ("worker.lock" if lane == "long" else f"worker-{lane}.lock")


def build_parser() -> argparse.ArgumentParser:
    """What the detached process is told."""
    parser = argparse.ArgumentParser(description="Run queued jobs.")
    parser.add_argument("--home", required=True)
    parser.add_argument("--lane", choices=LANES, default="long")
    return parser


def main() -> None:
    """Entry point of the detached process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    options = build_parser().parse_args()
    run_worker(open_home(options.home), lane=options.lane)


if __name__ == "__main__":
    main()
