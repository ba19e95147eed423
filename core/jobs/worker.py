"""The worker: a process of its own session that runs queued jobs one after another, and ends when there are none.

It holds a file lock while it lives. The lock goes with the process however it dies, so whoever gets it next knows that
no other worker lives and takes over what the dead one left.
"""

import argparse
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

from core.config import Home, open_home
from core.errors import CancelledError, JobError, WishlightError
from core.jobs.kinds import KINDS
from core.jobs.progress import Meter
from core.jobs.table import HEARTBEAT_SECONDS, Job, JobStore
from core.store.database import Database
from core.workspace import Workspace

_log = logging.getLogger(__name__)
IDLE_SECONDS = 20.0
_POLL_SECONDS = 0.3
_looking = threading.Lock()
_START_SECONDS = 10.0
#: Longer than `has_worker` holds the lock, shorter than a person would wait.
_LOCK_SECONDS = 2.0


def has_worker(home: Home) -> bool:
    """Whether a worker of this data folder lives."""
    lock = FileLock(_lock_path(home))
    # Two threads that look at once must not take each other for the worker.
    with _looking:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
    return False


def ensure_worker(home: Home) -> None:
    """Start a worker unless one lives; it goes on when this process ends."""
    if has_worker(home):
        return
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
        # Threads that wait must not spin: the page and other work want the same processors.
        "OMP_WAIT_POLICY": "passive",
    }
    with (home.logs / "worker.log").open("ab") as log:
        subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "core.jobs.worker", "--home", str(home.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=root,
            env=environment,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not has_worker(home) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS / 3)


def run_worker(home: Home, *, idle_seconds: float = IDLE_SECONDS) -> None:
    """Run jobs until there have been none for a while; returns at once when another worker lives."""
    try:
        with FileLock(_lock_path(home), timeout=_LOCK_SECONDS):
            jobs = JobStore(Database(home.database))
            jobs.release_orphans()
            workspace = Workspace(home)
            idle_since = time.monotonic()
            while time.monotonic() - idle_since < idle_seconds:
                job = jobs.claim(worker := uuid.uuid4().hex)
                if job is None:
                    time.sleep(_POLL_SECONDS)
                    continue
                run_job(workspace, jobs, job, worker)
                idle_since = time.monotonic()
    except Timeout:
        return


def run_job(workspace: Workspace, jobs: JobStore, job: Job, worker: str) -> None:
    """Run one claimed job to its end, whatever that is."""
    handler = logging.FileHandler(log_path(workspace.home, job.id), encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    heart = _Heart(workspace.home, job.id, worker)

    def report(stage: str, done: int, total: int, rate: float | None) -> None:
        if jobs.report(job.id, worker, stage=stage, done=done, total=total, rate=rate):
            raise CancelledError("Stopped as you asked; what was done so far stays.")

    try:
        with heart:
            _log.info("Start %s (%s), attempt %d", job.title, job.kind, job.attempts)
            result = KINDS[job.kind](workspace, job.payload, job.id, Meter(report))
        jobs.finish(job.id, worker, "done", result=result)
        _log.info("Done")
    except CancelledError as exc:
        _log.info("Cancelled")
        jobs.finish(job.id, worker, "cancelled", message=str(exc))
    except WishlightError as exc:
        _log.warning("Failed: %s", exc, exc_info=True)
        jobs.finish(job.id, worker, "failed", message=str(exc))
    except Exception:
        _log.exception("Failed")
        jobs.finish(job.id, worker, "failed", message="Something went wrong inside. The job's log says what.")
    finally:
        logging.getLogger().removeHandler(handler)
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
        self._home, self._job_id, self._worker = home, job_id, worker
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        database = Database(self._home.database)
        jobs = JobStore(database)
        while not self._stop.wait(HEARTBEAT_SECONDS):
            if not jobs.beat(self._job_id, self._worker):
                break
        database.close()


def _lock_path(home: Home) -> Path:
    return home.root / "worker.lock"


def main() -> None:
    """Entry point of the detached process."""
    parser = argparse.ArgumentParser(description="Run queued jobs.")
    parser.add_argument("--home", required=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    run_worker(open_home(parser.parse_args().home))


if __name__ == "__main__":
    main()
