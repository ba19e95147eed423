"""Work ends with its catalogue, waits for no lock of its own, and little work does not wait for long work."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import JobError, StoreError
from core.home import Home
from core.jobs import kinds
from core.jobs.job import LANES, Job, choose_lane
from core.jobs.job_table import JobStore
from core.jobs.worker import log_path, run_job, run_worker
from core.progress import Meter
from core.store import database as database_module
from core.store.catalogs import DELETED
from core.store.database import Database
from core.work.encode_catalog import encode_missing
from core.work.import_catalog import run_import
from core.work.train_catalog import TrainSpec
from core.workspace import Workspace
from tests.core.work.test_import_catalog import write_spec

pytestmark = pytest.mark.slow


@pytest.fixture
def spec(tmp_path: Path, save_picture: Callable[..., Path]) -> Any:
    save_picture(tmp_path / "red.png", "red")
    table = tmp_path / "items.csv"
    table.write_text("id,title,image\n1,Red shoe,red.png\n2,Blue hat,\n")
    return write_spec(table, folder=tmp_path)


@pytest.fixture
def jobs(workspace: Workspace) -> JobStore:
    return JobStore(workspace.database)


def work(workspace: Workspace, kind: str, payload: dict[str, Any]) -> Job:
    """The job, after a worker with a connection of its own has run it."""
    jobs = JobStore(Database(workspace.home.database), lane=choose_lane(kind))
    job = jobs.submit(kind, kind, payload, key=kind)
    claimed = jobs.claim("w")
    assert claimed is not None and claimed.id == job.id
    run_job(workspace, jobs, claimed, "w")
    return jobs.get(job.id)


def test_progress_is_refused_within_a_transaction(workspace: Workspace) -> None:
    with workspace.database.transaction(), pytest.raises(ValueError, match="between transactions"):
        Meter(lambda *_: None)("Stage", 0, 1)


def test_a_job_belongs_to_its_catalogue(workspace: Workspace, spec: Any, jobs: JobStore) -> None:
    run_import(workspace, spec)
    catalog = workspace.catalogs.find("Shop")
    job = jobs.submit("train", "Train", TrainSpec(catalog="Shop").to_json(), key="t")
    search = jobs.submit("search", "Search", {"train": {"catalog": "Shop"}}, key="s")
    assert (job.catalog_id, search.catalog_id) == (catalog.id, catalog.id)
    workspace.delete_catalog(catalog)
    assert (jobs.get(job.id).state, jobs.get(job.id).message) == ("cancelled", DELETED)
    run_import(workspace, spec)
    other = workspace.catalogs.find("Shop")
    assert other.id != catalog.id and not jobs.of_catalog(other.id, "train")
    assert jobs.of_catalog(catalog.id, "train") == (jobs.get(job.id),)
    with pytest.raises(JobError, match="deleted"):
        jobs.resume(job.id)


def test_deleting_ends_what_is_at_work_and_leaves_nothing(
    workspace: Workspace, spec: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_import(workspace, spec)
    home = workspace.home
    job_ids: list[str] = []

    def load(at_work: Workspace, _spec: object, progress: Any, **_: object) -> Any:
        job_ids.append(JobStore(at_work.database).live()[0].id)
        at_work.delete_catalog(at_work.catalogs.find("Shop"))
        (home.runs / job_ids[-1]).mkdir()  # what was being written just then
        progress("Reading", 0, 1)
        raise AssertionError("it went on")

    monkeypatch.setattr("core.work.train_catalog.load_plan", load)
    job = work(workspace, "train", TrainSpec(catalog="Shop").to_json())
    assert (job.state, job.message) == ("cancelled", DELETED)
    assert not (home.runs / job.id).exists()


def test_a_version_of_a_deleted_catalogue_is_refused(workspace: Workspace, spec: Any) -> None:
    run_import(workspace, spec)
    catalog = workspace.catalogs.find("Shop")
    workspace.delete_catalog(catalog)
    with pytest.raises(StoreError, match="deleted"):
        workspace.versions.add("v", catalog.id, title="", backbone="fake", has_log=False, metrics={})


def test_a_job_that_comes_while_the_worker_leaves_is_taken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = JobStore(Database(home.database))
    leaving = threading.Event()
    claim = JobStore.claim

    def look(self: JobStore, worker: str) -> Job | None:
        found = claim(self, worker)
        if found is None and not leaving.is_set():
            jobs.submit("test", "Test", {}, key="k")  # just after its last look
            leaving.set()
        return found

    monkeypatch.setitem(kinds.KINDS, "test", lambda *_: {"ran": True})  # type: ignore[arg-type]
    monkeypatch.setattr(JobStore, "claim", look)
    run_worker(home, idle_seconds=0.05)
    assert [(job.state, job.result) for job in jobs.list()] == [("done", {"ran": True})]


def test_an_import_ends_where_its_catalogue_is_switched(
    workspace: Workspace, spec: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would write has no vectors of the new model, so nobody would find it."""
    run_import(workspace, spec)

    def encode(*args: Any) -> Any:
        assert workspace.catalogs.switch_backbone(workspace.catalogs.find("Shop"), "other")
        return encode_missing(*args)

    monkeypatch.setattr("core.work.import_catalog.encode_missing", encode)
    with pytest.raises(StoreError, match="was switched to another model meanwhile"):
        run_import(workspace, spec)


@pytest.mark.parametrize("kind", ["activate", "encode"])
def test_what_is_written_while_vectors_are_made_gets_its_own(
    workspace: Workspace, spec: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    run_import(workspace, spec)
    catalog, passes = workspace.catalogs.find("Shop"), []
    workspace.versions.add("v", catalog.id, title="", backbone=catalog.backbone, has_log=False, metrics={})
    (workspace.home.versions / "v").mkdir()
    (workspace.home.versions / "v" / "card.json").write_text("{}")

    def embed(*_: object) -> int:
        passes.append(workspace.catalogs.find("Shop").state)
        if len(passes) == 1:
            workspace.catalogs.bump(catalog.id)
        return 0

    monkeypatch.setattr("core.work.activate.embed_items", embed)
    monkeypatch.setattr("core.work.encode_catalog._encode_pass", embed)
    kinds.KINDS[kind](workspace, {"catalog": "Shop", "version": "v", "backbone": "other"}, "", lambda *_: None)
    assert len(passes) == 2 and passes[0] != passes[1]
    now = workspace.catalogs.find("Shop")
    assert (now.version, now.backbone) == (("v", catalog.backbone) if kind == "activate" else ("", "other"))


def test_a_full_disk_ends_the_job_and_not_the_worker(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> dict[str, Any]:
        raise OSError(28, "No space left on device", "spec.json")

    monkeypatch.setitem(kinds.KINDS, "test", full)  # type: ignore[arg-type]
    job = work(workspace, "test", {})
    assert job.state == "failed" and "Free some space" in job.message


def test_a_log_takes_any_text(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: object) -> dict[str, Any]:
        logging.getLogger("core").warning("item \udce9")
        return {}

    monkeypatch.setitem(kinds.KINDS, "test", odd)  # type: ignore[arg-type]
    assert r"item \udce9" in log_path(workspace.home, work(workspace, "test", {}).id).read_text()


def test_quick_work_passes_long_work_but_not_on_one_catalogue(workspace: Workspace, spec: Any) -> None:
    run_import(workspace, spec)
    jobs, quick = (JobStore(workspace.database, lane=lane) for lane in LANES)
    train = jobs.submit("train", "Train", {"catalog": "Shop"}, key="t")
    switch = jobs.submit("activate", "Switch", {"catalog": "Shop", "version": ""}, key="a")
    assert jobs.claim("w") is not None
    assert jobs.find_blocker(switch) is None, "a training reads, so the switch may go on beside it"
    jobs.finish(train.id, "w", "done")
    encode = jobs.submit("encode", "Encode", {"catalog": "shop", "backbone": "other"}, key="e")
    assert jobs.claim("w") is not None
    blocker = jobs.find_blocker(switch)
    assert blocker is not None and blocker.id == encode.id and quick.claim("q") is None
    assert quick.has_waiting(), "so its worker stays"
    jobs.finish(encode.id, "w", "done")
    assert quick.claim("q") is not None


def test_little_work_is_quick() -> None:
    assert (choose_lane("import", 20), choose_lane("import", 20_000), choose_lane("import")) == (
        "quick",
        "long",
        "long",
    )
    assert (choose_lane("encode", 20), choose_lane("activate"), choose_lane("train")) == ("quick", "quick", "long")


def test_old_jobs_find_their_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.store import migrations

    monkeypatch.setattr(database_module, "MIGRATIONS", migrations.MIGRATIONS[:-1])
    Database(tmp_path / "w.db").close()
    with sqlite3.connect(tmp_path / "w.db") as old:
        old.execute("INSERT INTO catalogs(id, name, domain, backbone) VALUES (7, 'Shop', 'goods', 'fake')")
        old.execute(
            "INSERT INTO jobs(id, kind, title, payload, idempotency_key, created_at) "
            "VALUES ('a', 'train', 'Train', '{\"catalog\": \"Shop\"}', 'k', unixepoch() + 5)"
        )
    old.close()
    monkeypatch.setattr(database_module, "MIGRATIONS", migrations.MIGRATIONS)
    assert JobStore(Database(tmp_path / "w.db")).get("a").catalog_id == 7
