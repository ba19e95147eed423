"""Lanes, real training in a worker and on the command line, and what must not cost a worker."""

import errno
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from core.encode.loading import load_encoder
from core.errors import CancelledError, JobError
from core.jobs import kinds, worker
from core.jobs.job import choose_lane
from core.jobs.job_table import LEASE_SECONDS, JobStore
from core.progress import Meter, silent
from core.store import database
from core.store.catalogs import DELETED
from core.store.database import Database
from core.suggest.need import Need
from core.work.audit_catalog import AuditSpec
from core.work.import_catalog import run_import
from core.work.runs import open_run
from core.work.search_catalog import SearchSpec
from core.work.train_catalog import TrainSpec, run_train
from core.workspace import Workspace
from tests.core.work.test_import_catalog import write_spec

pytestmark = pytest.mark.slow

SMALL = {"epochs": 1, "width": 16, "layers": 1, "items": 12, "alone": 8, "bank": 24, "people": 8, "history": 16}
SHOP = "People's shop"


@pytest.fixture
def jobs(workspace: Workspace) -> JobStore:
    return JobStore(workspace.database)


@pytest.fixture
def shop(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A catalogue “Shop” of two items."""
    run_import(workspace, write_spec(_table(tmp_path), folder=tmp_path, catalog="Shop"))
    return workspace


def _table(folder: Path) -> Path:
    (folder / "shop.csv").write_text("id,title\n1,red shoe\n2,blue hat\n")
    return folder / "shop.csv"


def test_no_kind_waits_for_its_own_lock(
    people_shop: Workspace, tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind as a worker runs it, its progress told each time through a second database that soon gives up.

    A page that was open all the while answers as the worker does after each of them, without a restart.
    """
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 300)
    monkeypatch.setattr(worker, "Meter", lambda report: Meter(report, every_seconds=0.0))
    home = people_shop.home
    shop = Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models, runtime="torch"))
    jobs = JobStore(Database(home.database))
    train = TrainSpec(catalog=SHOP, config=SMALL, device="cpu", use_log=False)
    spec = replace(write_spec(_table(tmp_path), folder=tmp_path, catalog=SHOP), backbone=str(tiny_folder))
    version = shop.versions.list()[0].id
    payloads = {
        "import": spec.to_json(),
        "encode": {"catalog": SHOP, "backbone": str(tiny_folder)},
        "rebuild": {},
        "train": train.to_json(),
        "search": SearchSpec(train=train, trials=1).to_json(),
        "activate": {"catalog": SHOP, "version": version},
        "audit": AuditSpec(catalog=SHOP, cases=1, maps=0).to_json(),
    }
    assert payloads.keys() == kinds.KINDS.keys(), "a new kind is tried here too"
    more = (("rebuild", {}), ("activate", {"catalog": SHOP, "version": ""}))
    answers = []
    for number, (kind, payload) in enumerate((*payloads.items(), *more)):
        job = jobs.submit(kind, kind, payload, key=f"{kind} {number}")
        claimed = JobStore(shop.database, lane=job.lane).claim("w")
        assert claimed is not None
        worker.run_job(shop, jobs, claimed, "w")
        assert (jobs.get(job.id).state, jobs.get(job.id).message) == ("done", ""), kind
        answers.append(_answer(people_shop))
        assert answers[-1] == _answer(shop), kind
    before, serving, rebuilt, without = answers[4], answers[5], answers[7], answers[8]
    assert serving != before and rebuilt == pytest.approx(serving) and without == pytest.approx(before)


def _answer(workspace: Workspace) -> dict[str, float]:
    page = workspace.suggester.suggest(Need(text="a red hat"), limit=480).page
    return {one.stored.item.item_id: one.score for one in page}


def test_quick_work_passes_long_work_and_writers_take_turns(shop: Workspace, jobs: JobStore) -> None:
    quick = JobStore(shop.database, lane="quick")
    train = jobs.submit("train", "Train Shop", {"catalog": "Shop"}, key="t")
    assert (train.lane, train.catalog_id) == ("long", 1)
    assert jobs.claim("long") is not None
    back = jobs.submit("activate", "Back", {"catalog": "Shop", "version": ""}, key="a")
    rows = jobs.submit("import", "Rows", {"catalog": "shop"}, key="i", lane=choose_lane("import", 40))
    many = jobs.submit("import", "Many", {"catalog": "Shop"}, key="m", lane=choose_lane("import", 40_000))
    assert jobs.find_blocker(many) == jobs.get(train.id)
    first = quick.claim("quick")
    assert first is not None and first.id == back.id, "it does not wait for the training"
    assert quick.claim("another") is None, "two that write to one catalogue take turns"
    assert jobs.find_blocker(rows) == first
    jobs.finish(train.id, "long", "done")
    assert jobs.claim("long") is None, "in whichever lanes they are"
    jobs.finish(back.id, "quick", "done")
    second = quick.claim("quick")
    assert second is not None and second.id == rows.id


def test_a_clock_set_back_holds_nothing_up(jobs: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    now = time.time()
    jobs.submit("train", "Train", {}, key="t")
    monkeypatch.setattr("core.jobs.job_table.time.time", lambda: now)
    assert jobs.claim("w") is not None
    monkeypatch.setattr("core.jobs.job_table.time.time", lambda: now - 100 * LEASE_SECONDS)
    assert jobs.claim("other") is not None


def test_work_ends_with_its_catalogue(people_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, home = JobStore(people_shop.database), people_shop.home
    catalog = people_shop.catalogs.find(SHOP)
    monkeypatch.setattr(worker, "Meter", lambda report: Meter(report, every_seconds=0.0))
    payload = TrainSpec(catalog=SHOP, config=SMALL, device="cpu", use_log=False).to_json()
    running = jobs.submit("train", "Train", payload, key="t")
    claimed = jobs.claim("w")
    waiting = jobs.submit("audit", "Audit", AuditSpec(catalog=SHOP).to_json(), key="a")
    report = JobStore.report

    def delete_at_once(self: JobStore, job_id: str, owner: str, **said: object) -> bool:
        if said["stage"] == "Training" and people_shop.catalogs.exists(catalog.id):
            people_shop.delete_catalog(catalog)
        return report(self, job_id, owner, **said)  # type: ignore[arg-type]

    monkeypatch.setattr(JobStore, "report", delete_at_once)
    assert claimed is not None
    worker.run_job(people_shop, jobs, claimed, "w")
    for job in (running, waiting):
        assert (jobs.get(job.id).state, jobs.get(job.id).message) == ("cancelled", DELETED)
        with pytest.raises(JobError, match="deleted"):
            jobs.resume(job.id)
    for folder in (home.versions, home.tokens, home.indexes):
        assert list(folder.iterdir()) == []
    assert not (home.runs / running.id).exists()


def test_a_catalogue_that_goes_while_its_version_is_written_leaves_nothing(
    people_shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the command line too, where no job's row says anything."""
    catalog, add = people_shop.catalogs.find(SHOP), people_shop.versions.add

    def delete_first(*arguments: object, **more: object) -> None:
        people_shop.delete_catalog(catalog)
        add(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(people_shop.versions, "add", delete_first)
    spec = TrainSpec(catalog=SHOP, config=SMALL, device="cpu", use_log=False)
    with pytest.raises(CancelledError, match="deleted"):
        run_train(people_shop, spec, "f" * 32, silent)
    assert list(people_shop.home.versions.iterdir()) == [] and not (people_shop.home.runs / ("f" * 32)).exists()


def test_a_job_goes_by_its_catalogue_not_by_the_name(shop: Workspace, jobs: JobStore, tmp_path: Path) -> None:
    old = jobs.submit("train", "Train", {"catalog": "Shop"}, key="t")
    unmade = jobs.submit("import", "Import", {"catalog": "Other"}, key="i")
    shop.delete_catalog(shop.catalogs.find("Shop"))
    run_import(shop, write_spec(_table(tmp_path), folder=tmp_path, catalog="Shop"))
    assert jobs.get(old.id).state == "cancelled" and jobs.get(unmade.id).state == "queued"
    assert jobs.of_catalog(shop.catalogs.find("Shop").id, "train") == ()


def test_an_import_ends_with_the_catalogue_that_it_makes(
    workspace: Workspace, jobs: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.submit("import", "Import", write_spec(_table(tmp_path), folder=tmp_path).to_json(), key="i")
    upsert = workspace.items.upsert

    def then_delete(*arguments: object) -> frozenset[str]:
        workspace.items.upsert = upsert  # type: ignore[method-assign]
        deleting.append(True)
        return upsert(*arguments)  # type: ignore[arg-type]

    deleting: list[bool] = []
    monkeypatch.setattr(workspace.items, "upsert", then_delete)
    report = JobStore.report

    def delete_at_once(self: JobStore, job_id: str, owner: str, **said: object) -> bool:
        if deleting and workspace.catalogs.list():
            workspace.delete_catalog(workspace.catalogs.list()[0])
        return report(self, job_id, owner, **said)  # type: ignore[arg-type]

    monkeypatch.setattr(JobStore, "report", delete_at_once)
    claimed = jobs.claim("w")
    assert claimed is not None
    worker.run_job(workspace, jobs, claimed, "w")
    assert (jobs.get(job.id).state, jobs.get(job.id).message) == ("cancelled", DELETED)


def test_what_was_asked_for_before_its_catalogue_was_there_is_about_it(workspace: Workspace, jobs: JobStore) -> None:
    job = jobs.submit("import", "Import", {"catalog": "new  SHOP "}, key="i")
    elsewhere = jobs.submit("import", "Import", {"catalog": "Other"}, key="o")
    catalog = workspace.catalogs.ensure("new  SHOP ", domain="goods", backbone="fake")
    assert [one.id for one in jobs.at_work_on(catalog.id)] == [job.id]
    workspace.delete_catalog(catalog)
    assert (jobs.get(job.id).state, jobs.get(elsewhere.id).state) == ("cancelled", "queued")


def test_a_kind_of_another_version_is_said(workspace: Workspace, jobs: JobStore) -> None:
    job = jobs.submit("dance", "Dance", {}, key="d")
    claimed = jobs.claim("w")
    assert claimed is not None
    worker.run_job(workspace, jobs, claimed, "w")
    assert jobs.get(job.id).state == "failed" and "does not know this kind" in jobs.get(job.id).message


def test_old_folders_that_no_row_names_go(workspace: Workspace) -> None:
    for name, age in (("old", 2 * 86_400), ("young", 0)):
        folder = workspace.home.versions / name
        folder.mkdir()
        os.utime(folder, (folder.stat().st_mtime - age,) * 2)
    (workspace.home.versions / "file").touch()
    os.utime(workspace.home.versions / "file", (1, 1))
    assert workspace.sweep.finish() == ("old",)
    assert (workspace.home.versions / "young").exists()


def test_runs_of_the_command_line_go_after_their_catalogue(shop: Workspace) -> None:
    train = TrainSpec(catalog="shop").to_json()
    for name, asked in (("here", train), ("gone", {"train": train | {"catalog": "Gone"}, "trials": 1})):
        with open_run(shop.home, name, asked, {}):
            pass
    (shop.home.runs / "unread").mkdir()
    for folder in shop.home.runs.iterdir():
        os.utime(folder, (folder.stat().st_mtime - 2 * 86_400,) * 2)
    assert shop.sweep.finish() == ("gone",)


def _full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device", "spec.json")


def test_a_log_and_an_end_that_cannot_be_written_do_not_cost_the_worker(
    workspace: Workspace, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kinds.KINDS, "test", lambda *_: {})
    monkeypatch.setattr(worker, "_POLL_SECONDS", 0.0)
    job = jobs.submit("test", "Test", {}, key="k")
    claimed, finish, refused = jobs.claim("w"), jobs.finish, iter([True, True, False])

    def full(*arguments: object, **more: object) -> None:
        if next(refused):
            raise sqlite3.OperationalError("database or disk is full")
        finish(*arguments, **more)  # type: ignore[arg-type]

    def no_log(*_: object, **__: object) -> None:
        raise _full()

    monkeypatch.setattr(jobs, "finish", full)
    monkeypatch.setattr("core.jobs.worker.logging.FileHandler", no_log)
    assert claimed is not None
    worker.run_job(workspace, jobs, claimed, "w")
    assert jobs.get(job.id).state == "done"
