import logging
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from core.errors import CancelledError, JobError, PictureError
from core.home import Home
from core.jobs import kinds
from core.jobs.job_table import MAX_ATTEMPTS, JobStore
from core.jobs.worker import has_worker, log_path, run_job, run_worker
from core.progress import Meter
from core.store.database import Database
from core.workspace import Workspace
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def jobs(workspace: Workspace) -> JobStore:
    return JobStore(workspace.database)


def test_a_double_click_makes_one_job(jobs: JobStore) -> None:
    first = jobs.submit("import", "Import", {"a": 1}, key="k")
    assert jobs.submit("import", "Import", {"a": 1}, key="k").id == first.id
    assert jobs.submit("import", "Other", {}, key="other").id != first.id
    claimed = jobs.claim("w")
    assert claimed is not None
    jobs.finish(claimed.id, "w", "done", result={"n": 1})
    assert jobs.submit("import", "Import", {"a": 1}, key="k").id != first.id, "a finished one does not block"
    assert jobs.get(first.id).result == {"n": 1} and not jobs.get(first.id).is_live


def test_an_ended_job_is_removed_and_one_at_work_is_not(workspace: Workspace, jobs: JobStore) -> None:
    find, job = workspace.sweep.find, jobs.submit("import", "Import", {}, key="k")
    with pytest.raises(JobError, match="Cancel it first"):
        find.of_run(job.id)
    assert jobs.claim("w") is not None
    with pytest.raises(JobError, match="Cancel it first"):
        find.of_run(job.id)
    jobs.finish(job.id, "w", "done")
    other = jobs.submit("import", "Other", {}, key="other")
    workspace.sweep.delete(find.of_run(job.id))
    assert [one.id for one in jobs.list()] == [other.id]
    with pytest.raises(JobError, match="not known"):
        find.of_run(job.id)


def test_only_one_worker_gets_a_job(jobs: JobStore) -> None:
    job = jobs.submit("import", "Import", {}, key="k")
    assert jobs.claim("one") is not None
    assert jobs.claim("two") is None
    with pytest.raises(JobError):
        jobs.report(job.id, "two", stage="s", done=1, total=2, rate=None)
    jobs.finish(job.id, "two", "done")
    assert jobs.get(job.id).state == "running"
    assert jobs.beat(job.id, "one") and not jobs.beat(job.id, "two")


def test_a_dead_worker_is_taken_over_a_few_times(jobs: JobStore) -> None:
    job = jobs.submit("import", "Import", {}, key="k")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        claimed = jobs.claim(f"w{attempt}")
        assert claimed is not None and claimed.attempts == attempt
        jobs.release_orphans()
    assert jobs.claim("last") is None
    assert jobs.get(job.id).state == "failed" and "log" in jobs.get(job.id).message
    assert jobs.resume(job.id).state == "queued"


def test_work_of_another_lane_is_not_given_up(jobs: JobStore, workspace: Workspace) -> None:
    """After a machine has slept no lease is fresh, and the other lane's worker goes on."""
    job = jobs.submit("train", "Train", {}, key="k", lane="long")
    for attempt in range(MAX_ATTEMPTS):
        assert jobs.claim(f"w{attempt}") is not None
        jobs.release_orphans()
    assert JobStore(workspace.database, lane="quick").claim("other") is None
    assert jobs.get(job.id).state == "running"


def test_cancel_and_resume(jobs: JobStore) -> None:
    waiting = jobs.submit("import", "A", {}, key="a")
    jobs.cancel(waiting.id)
    assert jobs.get(waiting.id).state == "cancelled"
    running = jobs.submit("import", "B", {}, key="b")
    jobs.claim("w")
    jobs.cancel(running.id)
    assert jobs.report(running.id, "w", stage="s", done=1, total=4, rate=2.0)
    assert jobs.get(running.id).seconds_left == 1.5
    jobs.submit("import", "A again", {}, key="a")
    with pytest.raises(JobError, match="under way"):
        jobs.resume(waiting.id)
    with pytest.raises(JobError):
        jobs.get("unknown")


def _run(workspace: Workspace, jobs: JobStore, run: object, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(kinds.KINDS, "test", run)  # type: ignore[arg-type]
    jobs.submit("test", "Test", {"x": 1}, key=str(id(run)))
    job = jobs.claim("w")
    assert job is not None
    run_job(workspace, jobs, job, "w")
    return job.id


def test_what_becomes_of_a_job(workspace: Workspace, jobs: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def works(_workspace: object, payload: dict[str, int], _id: str, progress: Meter) -> dict[str, int]:
        logging.getLogger("core").warning("half way")
        progress("Stage", 1, 2)
        return {"y": payload["x"] + 1}

    def expected(*_: object) -> dict[str, int]:
        raise PictureError("code", "The file is broken. Send another.")

    def unexpected(*_: object) -> dict[str, int]:
        raise ZeroDivisionError("secret detail")

    def stopped(*_: object) -> dict[str, int]:
        raise CancelledError("Stopped.")

    outcomes = {}
    for name, run in {"works": works, "expected": expected, "unexpected": unexpected, "stopped": stopped}.items():
        outcomes[name] = jobs.get(_run(workspace, jobs, run, monkeypatch))
    assert (outcomes["works"].state, outcomes["works"].result) == ("done", {"y": 2})
    assert "half way" in log_path(workspace.home, outcomes["works"].id).read_text()
    assert (outcomes["expected"].state, outcomes["expected"].message) == (
        "failed",
        "The file is broken. Send another.",
    )
    assert outcomes["unexpected"].state == "failed" and "secret" not in outcomes["unexpected"].message
    assert "secret detail" in log_path(workspace.home, outcomes["unexpected"].id).read_text()
    assert outcomes["stopped"].state == "cancelled"


def test_a_cancel_reaches_the_work(workspace: Workspace, jobs: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(_workspace: object, _payload: object, job_id: str, progress: Meter) -> dict[str, int]:
        jobs.cancel(job_id)
        for done in range(1_000):
            progress(f"Stage {done}", done, 0)
        raise AssertionError("the cancel was not noticed")

    assert jobs.get(_run(workspace, jobs, endless, monkeypatch)).state == "cancelled"


def test_the_worker_ends_when_there_is_nothing_to_do(home: Home) -> None:
    assert not has_worker(home)
    run_worker(home, idle_seconds=0.0)
    assert not has_worker(home)


def test_a_job_outlives_its_killed_worker(home: Home, tmp_path: Path) -> None:
    script = """
    import os, sys
    from core.home import open_home
    from core.jobs import kinds
    from core.jobs.worker import run_worker

    def run(workspace, payload, job_id, progress):
        marker = workspace.home.root / "first-attempt"
        if not marker.exists():
            marker.touch()
            print("started", flush=True)
            sys.stdin.read()
        return {"attempt": 2}

    kinds.KINDS["test"] = run
    run_worker(open_home(sys.argv[1]), idle_seconds=1.0)
    """
    jobs = JobStore(Database(home.database))
    job = jobs.submit("test", "Test", {}, key="k")
    command = [sys.executable, "-c", textwrap.dedent(script), str(home.root)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=ROOT)
    assert first.stdout is not None and first.stdout.readline() == b"started\n"
    assert has_worker(home) and jobs.get(job.id).state == "running"
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not has_worker(home)
    subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, cwd=ROOT, check=True, timeout=60)
    assert (jobs.get(job.id).state, jobs.get(job.id).attempts) == ("done", 2)
    assert jobs.get(job.id).result == {"attempt": 2}


def test_meter_tells_the_rate_of_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 2.0, 10.0])
    monkeypatch.setattr("core.progress.time.monotonic", lambda: next(clock))
    seen: list[tuple[str, int, int, float | None]] = []
    meter = Meter(lambda *report: seen.append(report), every_seconds=0.5)
    for stage, done in (("a", 0), ("a", 10), ("a", 30), ("b", 5)):
        meter(stage, done, 100)
    assert seen == [("a", 0, 100, None), ("a", 10, 100, 10.0), ("a", 30, 100, 15.0), ("b", 5, 100, None)]


def test_a_log_is_named_by_a_job_only(home: Home) -> None:
    with pytest.raises(JobError):
        log_path(home, "../../etc/passwd")
