"""Delete means delete: what occurred nowhere else is searched for in every byte of the data folder."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from core.catalog.importing.spec import ImportSpec
from core.catalog.schema import Item
from core.catalog.shape.validate import Validated
from core.cli.main import main
from core.deletion import sweep as sweep_module
from core.errors import JobError, StoreError, TrainError
from core.home import Home
from core.jobs.job_table import JobStore
from core.progress import silent
from core.store import database
from core.store.catalogs import DELETED, DELETED_WORK
from core.store.database import Database
from core.suggest.need import Need
from core.work import activate, import_catalog
from core.work.import_catalog import run_import
from core.workspace import Workspace
from tests.core.deletion.conftest import (
    COMMAND_RUN,
    ITEMS,
    NEED,
    OTHER,
    SHOP,
    find_planted,
    load_drafts,
    noise,
    open_at,
    work,
)
from tests.core.work.test_import_catalog import write_spec


def _answers(workspace: Workspace) -> list[tuple[str, float, str | None]]:
    page = workspace.suggester.suggest(Need(text="plain lamp", catalogs=(OTHER,))).page
    return [(one.stored.item.item_id, one.score, one.stored.main_picture) for one in page]


def _bytes_of_pictures(workspace: Workspace, catalog: str) -> dict[str, list[bytes]]:
    """Each picture's hash to its name and to bytes from the middle of its two files."""
    found = {}
    for one in workspace.items.iterate(workspace.catalogs.find(catalog).id):
        assert one.main_picture is not None
        paths = (workspace.pictures.path(one.main_picture), workspace.pictures.thumbnail_path(one.main_picture))
        middles = [data[len(data) // 2 :][:40] for data in (path.read_bytes() for path in paths)]
        found[one.main_picture] = [one.main_picture.encode(), *middles]
    return found


def test_nothing_of_a_deleted_catalogue_is_left_in_any_byte(planted: Workspace) -> None:
    home, before = planted.home, _answers(planted)
    own, shared = _bytes_of_pictures(planted, SHOP), _bytes_of_pictures(planted, OTHER)
    sources = [noise(at)[-60:] for at in range(2, ITEMS)]
    words = [b"zqv", *sources, noise(NEED)[-60:], *(one for key in own.keys() - shared.keys() for one in own[key])]
    assert len(find_planted(home, *words)) > 80, "it is there before"
    planted.delete_catalog(planted.catalogs.find(SHOP))
    assert find_planted(home, *words) == {}
    assert not home.unswept.exists() and not list(home.needs.rglob("*.*"))
    for folder in (home.versions, home.tokens, home.runs, home.drafts):
        assert list(folder.iterdir()) == []
    assert _answers(planted) == before == _answers(open_at(home.root))
    assert all(planted.pictures.has(picture) for picture in shared)


def test_what_goes_is_said_before_and_is_what_goes(planted: Workspace) -> None:
    catalog = planted.catalogs.find(SHOP)
    goes = planted.sweep.find.of_catalog(catalog).goes
    assert (goes.items, goes.pictures, goes.shared_pictures) == (ITEMS, ITEMS - 2, 2)
    assert (goes.events, goes.people, goes.needs, goes.need_pictures) == (320, 40, 1, 1)
    assert len(goes.versions) == 2 and goes.runs == 3 and goes.drafts == 2 and goes.entries == 5
    assert set(goes.uploads) == {"zqvfile.csv", "zqvlog.csv", f"{ITEMS} pictures"}
    said = "\n".join(goes.tell())
    assert f"{ITEMS} items" in said and "320 events of 40 people" in said and "zqvlog.csv" in said
    assert goes.tell_stays() == "2 pictures stay, since another catalogue shows them."


def test_a_deletion_that_was_stopped_is_finished_by_the_next_start(
    planted: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def kill(_self: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(sweep_module.Sweep, "_remove_pictures", kill)
        with pytest.raises(KilledError):
            planted.delete_catalog(planted.catalogs.find(SHOP))
    assert find_planted(planted.home), "it was stopped half-way"
    open_at(planted.home.root).sweep.finish()
    assert find_planted(planted.home) == {} and not planted.home.unswept.exists()


def _files(home: Home) -> set[Path]:
    return {path for path in home.root.rglob("*") if path.name not in ("sweep.lock", "unswept.json")}


def test_a_deletion_that_the_database_refuses_takes_nothing(
    planted: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path for path in _files(planted.home) if ".tmp" not in path.name}

    def refuse(_id: int) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(planted.sweep._catalogs, "delete", refuse)
    with pytest.raises(StoreError, match="full"):
        planted.delete_catalog(planted.catalogs.find(SHOP))
    open_at(planted.home.root).sweep.finish()
    assert before <= _files(planted.home) and not planted.home.unswept.exists()
    assert len(load_drafts(planted.home)) == 2


def test_people_go_with_the_log_and_a_version_keeps_what_it_learned(planted: Workspace) -> None:
    catalog = planted.catalogs.find(SHOP)
    version = planted.versions.find(catalog.version)
    assert find_planted(planted.home, b"zqvperson")
    planted.sweep.delete(planted.sweep.find.of_log(catalog))
    assert find_planted(planted.home, b"zqvperson", b"zqvlog") == {}
    assert version.has_log and planted.open_version(version).heads is not None
    assert (planted.home.runs / COMMAND_RUN).exists() and planted.catalogs.find(SHOP).items == ITEMS
    assert planted.interactions.summary(catalog.id) is None


def test_a_version_goes_with_its_run_unless_it_serves(planted: Workspace) -> None:
    catalog, home, find = planted.catalogs.find(SHOP), planted.home, planted.sweep.find
    with pytest.raises(TrainError, match="serves its catalogue"):
        find.of_version(planted.versions.find(catalog.version))
    planted.versions.activate(catalog.id, "")
    one = planted.versions.find(catalog.version)
    planted.sweep.delete(find.of_version(one))
    assert one.id not in [path.name[:12] for path in (*home.versions.iterdir(), *home.runs.iterdir())]
    (rest,) = planted.versions.list(catalog.id)
    assert planted.open_version(rest).item_ids, "the other one is whole"
    kept = planted.database.connection.execute("SELECT count(*) FROM embeddings WHERE kind = 'item'").fetchone()[0]
    assert kept == 0, "nobody activated the other one, so all vectors were of the first"


def test_a_version_that_goes_while_its_vectors_are_made_does_not_serve(
    planted: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue pointed at files that were gone, and answered nothing any more."""
    catalog, embed_items = planted.catalogs.find(SHOP), activate.embed_items
    version = planted.versions.find(COMMAND_RUN[:12])

    def embed_then_delete(*arguments: object) -> int:
        made = embed_items(*arguments)  # type: ignore[arg-type]
        planted.sweep.delete(planted.sweep.find.of_version(version))
        return made

    monkeypatch.setattr(activate, "embed_items", embed_then_delete)
    with pytest.raises(TrainError, match="There is no version"):
        activate.activate_version(planted, activate.ActivateSpec(version=version.id), silent)
    assert planted.catalogs.find(SHOP).version == catalog.version
    assert planted.suggester.suggest(Need(text="shoe", catalogs=(SHOP,))).page


def test_an_upload_goes_with_the_last_that_reads_it(planted: Workspace) -> None:
    jobs, uploads = JobStore(planted.database), planted.home.uploads
    done, failed = (one.id for one in jobs.list() if one.kind == "import")
    planted.sweep.delete(planted.sweep.find.of_run(failed))
    assert list(uploads.glob("*/zqvfile.csv")), "the other import and the drafts read it"
    for left in load_drafts(planted.home):
        if left.spec.catalog != SHOP:
            (planted.home.drafts / f"{left.id}.json").unlink()
    doomed = planted.sweep.find.of_run(done)
    assert set(doomed.goes.uploads) == {"zqvfile.csv", f"{ITEMS} pictures"} and doomed.goes.drafts == 1
    planted.sweep.delete(doomed)
    assert not list(uploads.glob("*/zqvfile.csv")) and not list(uploads.glob("pictures-*"))
    assert planted.catalogs.find(SHOP).items == ITEMS


def test_a_draft_that_is_being_filled_stays_with_its_upload(planted: Workspace) -> None:
    (left,) = (one for one in load_drafts(planted.home) if one.spec.catalog != SHOP)
    (planted.home.drafts / f"{left.id}.json").touch()
    assert planted.sweep.find.of_catalog(planted.catalogs.find(SHOP)).goes.drafts == 1
    planted.delete_catalog(planted.catalogs.find(SHOP))
    assert [one.id for one in load_drafts(planted.home)] == [left.id] and left.spec.table.exists()


def test_a_run_that_has_not_ended_is_not_removed(planted: Workspace) -> None:
    job = JobStore(planted.database).submit("audit", "Audit", {"catalog": SHOP}, key="x")
    with pytest.raises(JobError, match="has not ended"):
        planted.sweep.find.of_run(job.id)
    assert planted.sweep.find.of_catalog(planted.catalogs.find(SHOP)).goes.ends == ("Audit",)


def _calibration(workspace: Workspace) -> str:
    return json.dumps(asdict(workspace.serving.of(workspace.catalogs.find(SHOP)).calibration))


def test_a_name_that_is_used_again_shows_nothing_of_before(
    planted: Workspace, tmp_path: Path, tiny_folder: Path
) -> None:
    """Invariant 7: what is kept by name, by number or by address."""

    from core.work.import_catalog import run_import
    from tests.core.work.test_import_catalog import write_spec

    (tmp_path / "new.csv").write_text("id,title\nn1,red lamp\nn2,blue lamp\n")
    spec = replace(write_spec(tmp_path / "new.csv", catalog=SHOP), backbone=str(tiny_folder))
    old = planted.catalogs.find(SHOP)
    other_process = open_at(planted.home.root)
    other_process.suggester.suggest(Need(text="shoe", catalogs=(SHOP,)))
    planted.delete_catalog(old)
    run_import(planted, spec)
    fresh = open_at(tmp_path / "fresh")
    run_import(fresh, spec)
    for one in (planted, other_process, open_at(planted.home.root)):
        new = one.catalogs.find(SHOP)
        found = one.suggester.suggest(Need(text="lamp", catalogs=(SHOP,))).page
        expected = fresh.suggester.suggest(Need(text="lamp", catalogs=(SHOP,))).page
        assert [(hit.stored.item.item_id, hit.score) for hit in found] == [
            (hit.stored.item.item_id, hit.score) for hit in expected
        ]
        assert _calibration(one) == _calibration(fresh)
        assert new.version == "" and one.versions.list(new.id) == () and one.interactions.count(new.id) == 0
        assert not any(JobStore(one.database).of_catalog(new.id, kind) for kind in ("train", "audit", "import"))
        assert not load_drafts(one.home) and not one.expectations.list(new.id)
        assert not one.sweep.find.of_catalog(new).goes.runs


def test_an_import_reads_again_what_a_deletion_takes_from_under_it(
    workspace: Workspace, tmp_path: Path, save_picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_picture(tmp_path / "red.png", "red")
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text("id,title,image\n1,red shoe,red.png\n")
    run_import(workspace, write_spec(tmp_path / "one.csv", folder=tmp_path, catalog="One"))
    encode_missing = import_catalog.encode_missing

    def delete_then_encode(*arguments: object) -> object:
        encoded = encode_missing(*arguments)  # type: ignore[arg-type]
        for one in (one for one in workspace.catalogs.list() if one.name == "One"):
            workspace.delete_catalog(one)
        return encoded

    monkeypatch.setattr(import_catalog, "encode_missing", delete_then_encode)
    run_import(workspace, write_spec(tmp_path / "two.csv", folder=tmp_path, catalog="Two"))
    (hit,) = workspace.suggester.suggest(Need(text="red shoe")).page
    assert hit.stored.main_picture is not None and workspace.pictures.has(hit.stored.main_picture)
    served = workspace.serving.of(workspace.catalogs.list()[0])
    assert served.index.rows(served.index.ids)[1].all()


def test_the_command_says_what_goes_and_deletes_on_yes(planted: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--home", str(planted.home.root), "delete", SHOP]
    assert main(command) == 3
    said = capsys.readouterr().out
    assert f"{ITEMS} items" in said and "Nothing was deleted" in said and planted.catalogs.find(SHOP).items == ITEMS
    assert main([*command, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["goes"]["items"] == ITEMS
    version = planted.catalogs.find(SHOP).version
    assert main([*command, "--version", version, "--yes"]) == 1 and "serves" in capsys.readouterr().err
    assert main([*command, "--log", "--yes"]) == 0 and "40 people" in capsys.readouterr().out
    assert main([*command, "--log"]) == 1 and "has no log" in capsys.readouterr().err
    assert main([*command, "--run", COMMAND_RUN[:6], "--yes"]) == 0
    assert not (planted.home.runs / COMMAND_RUN).exists()
    assert main([*command, "--yes"]) == 0
    assert [one.name for one in planted.catalogs.list()] == [OTHER] and find_planted(planted.home) == {}


def test_a_catalogue_that_goes_while_its_file_is_read_is_not_made_anew(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "items.csv").write_text("id,title\n1,red shoe\n")
    spec = write_spec(tmp_path / "items.csv", catalog=SHOP)
    run_import(workspace, spec)
    build = ImportSpec.build

    def delete_then_build(self: ImportSpec) -> Validated:
        workspace.delete_catalog(workspace.catalogs.find(SHOP))
        return build(self)

    monkeypatch.setattr(ImportSpec, "build", delete_then_build)
    job = work(workspace, "import", spec.to_json())
    assert (job.state, job.message, job.title) == ("cancelled", DELETED, DELETED_WORK)
    assert workspace.catalogs.list() == () and find_planted(workspace.home) == {}


def test_rows_that_moved_within_the_file_leave_nothing_of_deleted_ones(workspace: Workspace) -> None:
    """SQLite moves rows between pages as they grow, and what was moved is not overwritten when it is deleted."""
    gone, kept = (workspace.catalogs.ensure(name, domain="goods", backbone="fake") for name in ("Gone", "Kept"))

    def write(catalog_id: int, word: str, at: int, length: int) -> None:
        item = Item(item_id=f"{word}{at}", title=f"{word} {at}", description=f"{word}about " * length, domain="goods")
        with workspace.database.transaction():
            workspace.items.upsert(catalog_id, [(item, ())])

    for at in range(150):
        write(gone.id, "zqv", at, at % 40)
        write(kept.id, "plain", at, at % 40)
    for at in range(0, 150, 3):
        write(gone.id, "zqv", at, 60 + at % 9)
    workspace.delete_catalog(gone)
    assert find_planted(workspace.home) == {}
    assert len(workspace.words.search(kept.id, "plainabout", 500).ids) > 100


def test_a_reader_in_the_way_leaves_the_rest_to_the_next_sweep(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PURGE_TIMEOUT_MS", 50)
    (tmp_path / "items.csv").write_text("id,title\nzqv1,zqvshoe\n")
    run_import(workspace, write_spec(tmp_path / "items.csv", catalog=SHOP))
    reader = Database(workspace.home.database).connection
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM items").fetchall()
    workspace.delete_catalog(workspace.catalogs.find(SHOP))
    assert workspace.catalogs.list() == () and workspace.sweep.is_pending()
    reader.execute("COMMIT")
    reader.close()
    workspace.sweep.finish()
    assert not workspace.sweep.is_pending() and find_planted(workspace.home) == {}
