"""Runs that once went wrong: every case beside this checkout is run as its README says.

A case of the folder that has no check here fails.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import CancelledError
from core.home import Home
from core.jobs.job import Job
from core.jobs.job_table import JobStore
from core.jobs.worker import run_worker
from core.work.train_catalog import TrainSpec
from tests.conftest import SHARED_DATA
from tests.shop import Shop, list_cases

pytestmark = pytest.mark.long
CASES = SHARED_DATA / "run_cases"
ROOT = Path(__file__).parents[1]
_PATIENCE_SECONDS = 120
#: What the scripts of the cases import, and how it is called now; they keep the names that modules had.
_MOVED = {
    "core.config": "core.home",
    "core.explain.sentence": "core.explain.report.sentence",
    "core.jobs.import_catalog": "core.work.import_catalog",
    "core.jobs.table": "core.jobs.job_table",
    "tests.core.jobs.test_import_catalog": "tests.core.work.test_import_catalog",
}
_QUICK = {"epochs": 1, "width": 16, "layers": 1, "items": 16, "alone": 8, "bank": 32, "people": 8, "history": 16}


def bad_config_tracebacks(shop: Shop, _patch: pytest.MonkeyPatch) -> None:
    _open(shop)
    named = {
        "zero": "rating",
        "neg": "rating",
        "unknown": "ranking",
        "list": "tasks",
        "bank": "bank",
        "float": "epochs",
        "wd": "weight_decay",
    }
    for name, key in named.items():
        _is_refused(shop.run("train", "--catalog", "S", "--config", f"{name}.json"), key)
    _is_refused(shop.run("train", "--catalog", "S", "--no-log", "--config", "ranknolog.json"), "rank")


def config_tuning_ignored(shop: Shop, _patch: pytest.MonkeyPatch) -> None:
    _open(shop)
    version = shop.read("train", "--catalog", "S", "--config", "lora7.json", "--device", "cpu")["version"]
    card = json.loads((shop.workspace.home.versions / version / "card.json").read_text())
    assert card["config"]["tuning"] == "lora" and card["config"]["seed"] == 7


def delete_during_training(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    _open(shop)
    home = shop.workspace.home
    spec = TrainSpec(catalog="S", config=json.loads((shop.case / "six.json").read_text()), device="cpu")

    def delete(job: Job) -> None:
        _wait(lambda: _epochs(home, job.id) >= 1)
        shop.workspace.delete_catalog(shop.workspace.catalogs.find("S"))

    job = _work(shop, patch, "train", spec.to_json(), meanwhile=delete)
    assert job.state in ("cancelled", "failed") and "deleted" in job.message and "inside" not in job.message
    assert not list(home.versions.iterdir()) and not list(home.runs.iterdir()) and not shop.workspace.versions.list()


def disk_full_checkpoint(shop: Shop, _patch: pytest.MonkeyPatch) -> None:
    """A folder of 16 MB that fills up; only whoever may mount can try it."""
    _open(shop, log=False)
    place = shop.workspace.home.runs
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", place], check=False, capture_output=True
    ).returncode:
        pytest.skip("mounting a small disk needs rights")
    try:
        (shop.workspace.home.root / "small.json").write_text(json.dumps(_QUICK))
        _is_refused(_train(shop, "--no-log"), "space")
    finally:
        subprocess.run(["umount", place], check=True)
    assert _train(shop, "--no-log")[0] == 0, "after room was made"


def few_titles_said_few_items(shop: Shop, _patch: pytest.MonkeyPatch) -> None:
    shop.read("import", "ten_titles.csv", "--name", "S", "--images", "pics", "--backbone", str(shop.tiny))
    (shop.workspace.home.root / "small.json").write_text(json.dumps(_QUICK))
    code, printed = _train(shop)
    assert "Traceback" not in printed and (code == 0 or "titles" in printed), printed


def idle_worker_race(shop: Shop, _patch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [sys.executable, _copy_case(shop) / "race.py"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert "left lying: 0 of 5" in done.stdout, done.stdout + done.stderr


def rebuild_job_locks_itself(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    _open(shop, log=False)
    job = _work(shop, patch, "rebuild", {})
    assert job.state == "done", job.message


def resume_changed_log(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    _open(shop)
    home = shop.workspace.home

    def stop(*_: object) -> None:
        if any(_epochs(home, run.name) >= 2 for run in home.runs.iterdir()):
            raise CancelledError("Stopped.")

    with patch.context() as stopping:
        stopping.setattr("core.cli.training.show_progress", lambda _json: stop)
        shop.run("train", "--catalog", "S", "--config", "six.json", "--device", "cpu")
    run = next(home.runs.iterdir()).name
    shop.read("log", "log_b.csv", "--catalog", "S")
    _is_refused(shop.run("train", "--catalog", "S", "--resume", run), "log")
    shop.read("log", "log.csv", "--catalog", "S")
    shop.read("train", "--catalog", "S", "--resume", run)


def stale_explanation_after_reimport(shop: Shop, _patch: pytest.MonkeyPatch) -> None:
    plugins = ["-p", "no:cacheprovider", "-p", "tests.conftest", "-p", "tests.pages.conftest"]
    place = ["--rootdir", ".", "-c", "pyproject.toml", _copy_case(shop) / "test_stale.py"]
    command = [sys.executable, "-m", "pytest", *plugins, *place]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def verdict_from_three_people(shop: Shop, _patch: pytest.MonkeyPatch) -> None:
    shop.read("import", "items.csv", "--name", "S", "--images", "pics", "--backbone", str(shop.tiny))
    words = ("--interactions", "few15.csv", "--config", "six.json", "--device", "cpu")
    found = shop.read("train", "--catalog", "S", *words)
    assert found["tested"] == 3
    assert found["verdict"] not in ("helps", "unclear", "hurts") and "3" in found["recommendation"]


def _copy_case(shop: Shop) -> Path:
    """A folder of the case's files that import what they need by its name of today."""
    folder = shop.workspace.home.root / "case"
    folder.mkdir()
    for file in shop.case.iterdir():
        text = file.read_text("utf-8")
        for old, new in _MOVED.items():
            text = text.replace(old, new)
        (folder / file.name).write_text(text, "utf-8")
    return folder


def _open(shop: Shop, *, log: bool = True) -> None:
    shop.read("import", "items.csv", "--name", "S", "--images", "pics", "--backbone", str(shop.tiny))
    if log:
        shop.read("log", "log.csv", "--catalog", "S")


def _train(shop: Shop, *words: str) -> tuple[int, str]:
    config = str(shop.workspace.home.root / "small.json")
    return shop.run("train", "--catalog", "S", "--config", config, "--device", "cpu", *words)


def _is_refused(outcome: tuple[int, str], word: str) -> None:
    """One sentence that names what is wrong."""
    code, printed = outcome
    said = printed.strip().splitlines()[-1]
    assert code == 1 and word in said and "Traceback" not in printed, printed


def _epochs(home: Home, run: str) -> int:
    curve = home.runs / run / "curve.jsonl"
    return len(curve.read_text().splitlines()) if curve.exists() else 0


def _wait(come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not come():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def _work(
    shop: Shop,
    patch: pytest.MonkeyPatch,
    kind: str,
    payload: dict[str, object],
    *,
    meanwhile: Callable[[Job], None] = lambda _job: None,
) -> Job:
    """Hand a job to a worker of this process, and wait for its end."""
    patch.setattr("core.jobs.worker.Workspace", lambda _home: shop.workspace)
    jobs = JobStore(shop.workspace.database)
    job = jobs.submit(kind, kind, payload, key=kind)
    worker = threading.Thread(target=run_worker, args=(shop.workspace.home,), kwargs={"idle_seconds": 0.1})
    worker.start()
    meanwhile(job)
    worker.join(_PATIENCE_SECONDS)
    found = jobs.get(job.id)
    assert found
    return found


CHECKS: dict[str, Callable[[Shop, pytest.MonkeyPatch], None]] = {
    check.__name__.replace("_", "-"): check
    for check in (
        bad_config_tracebacks,
        config_tuning_ignored,
        delete_during_training,
        disk_full_checkpoint,
        few_titles_said_few_items,
        idle_worker_race,
        rebuild_job_locks_itself,
        resume_changed_log,
        stale_explanation_after_reimport,
        verdict_from_three_people,
    )
}


@pytest.mark.parametrize("name", list_cases(CASES, CHECKS))
def test_case(name: str, open_shop: Callable[[Path], Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    CHECKS[name](open_shop(CASES / name), monkeypatch)
