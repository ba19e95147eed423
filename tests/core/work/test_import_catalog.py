import base64
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.catalog.importing.spec import ImportSpec
from core.catalog.read.intake import stage_file
from core.catalog.read.read import detect, preview_table
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.errors import CancelledError, StoreError
from core.suggest.need import Need
from core.work.encode_catalog import EncodeSpec, encode_catalog
from core.work.import_catalog import run_import
from core.work.import_plan import ImportPlan, plan_import
from core.work.rebuild import RebuildReport, rebuild
from core.workspace import Workspace
from tests.conftest import ROOT, FakeEncoder

pytestmark = pytest.mark.slow

HEADER = "id,title,price,colour,image\n"
ROWS = ["007,Red shoe,59.90,Red,red.png\n", "8,Blue hat,20,Blue,blue.png\n", "9,Old lamp,5,,gone.png\n"]


def write_spec(table: Path, *, folder: Path | None = None, catalog: str = "Shop") -> ImportSpec:
    """The recipe that the command line would make of a file."""
    options = detect(table).options
    preview = preview_table(table, options)
    mapping = suggest_mapping(preview.columns, preview.rows).build(accept_suggestions=True)
    return ImportSpec(
        catalog=catalog, backbone="fake", table=table, options=options, mapping=mapping, folder=folder, fetch=False
    )


def make_plan(workspace: Workspace, spec: ImportSpec) -> ImportPlan:
    """What the page would show."""
    return plan_import(workspace, spec, spec.build(), workspace.catalogs.find(spec.catalog))


@pytest.fixture
def folder(tmp_path: Path, save_picture: Callable[..., Path]) -> Path:
    root = tmp_path / "pictures"
    for colour in ("red", "blue"):
        save_picture(root / f"{colour}.png", colour)
    return root


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "items.csv"
    path.write_text(HEADER + "".join(ROWS))
    return path


def test_imports_rows_pictures_and_embeddings(workspace: Workspace, table: Path, folder: Path) -> None:
    report = run_import(workspace, write_spec(table, folder=folder))
    assert (report.created, report.updated, report.skipped) == (3, 0, 0)
    assert (report.pictures_ok, report.pictures_failed) == (2, 1)
    assert [(problem.row, problem.code) for problem in report.picture_problems] == [(4, "missing")]
    assert workspace.suggester.suggest(Need(text="red shoe")).page[0].stored.item.item_id == "007"


def test_the_same_file_again_changes_nothing(
    workspace: Workspace, encoder: FakeEncoder, table: Path, folder: Path
) -> None:
    run_import(workspace, write_spec(table, folder=folder))
    revision = workspace.catalogs.find("Shop").revision
    encoded = len(encoder.encoded_pictures)
    report = run_import(workspace, write_spec(table, folder=folder))
    assert (report.created, report.updated, report.skipped) == (0, 0, 3)
    assert workspace.catalogs.find("Shop").revision == revision
    assert len(encoder.encoded_pictures) == encoded


def test_a_picture_in_the_cell_is_stored_once_and_by_its_hash(
    workspace: Workspace, encoder: FakeEncoder, folder: Path, tmp_path: Path
) -> None:
    cell = "data:image/png;base64," + base64.b64encode((folder / "red.png").read_bytes()).decode()
    table = tmp_path / "cells.csv"
    table.write_text(f'id,title,image\n1,Red shoe,"{cell}"\n2,Hat,"data:image/png;base64,AAAA"\n')
    report = run_import(workspace, write_spec(table))
    assert (report.pictures_ok, report.pictures_failed) == (1, 1)
    assert all(len(problem.value) < 100 for problem in report.picture_problems)
    again = run_import(workspace, write_spec(table))
    assert (again.created, again.updated, again.skipped) == (0, 0, 2)
    table.write_text(f'id,title,image\n1,Red shoe with heels,"{cell}"\n')
    assert run_import(workspace, write_spec(table)).updated == 1
    stored = workspace.items.find(workspace.catalogs.find("Shop").id, "1")
    assert stored is not None and stored.main_picture and len(stored.pictures[0].source) < 100
    assert stored.item.pictures == (stored.pictures[0].source,)
    assert len(encoder.encoded_pictures) == 1


def test_a_changed_row_updates_and_encodes_no_picture_twice(
    workspace: Workspace, encoder: FakeEncoder, table: Path, folder: Path
) -> None:
    run_import(workspace, write_spec(table, folder=folder))
    before = len(encoder.encoded_pictures)
    table.write_text(HEADER + ROWS[0].replace("59.90", "49.90") + ROWS[1] + "10,New bag,7,,\n")
    report = run_import(workspace, write_spec(table, folder=folder))
    assert (report.created, report.updated, report.skipped) == (1, 1, 1)
    stored = workspace.items.find(workspace.catalogs.find("Shop").id, "007")
    assert stored is not None and str(stored.item.price) == "49.90"
    assert len(encoder.encoded_pictures) == before
    assert workspace.catalogs.find("Shop").items == 4, "rows that the file no longer has stay"


def test_pictures_can_be_added_later(workspace: Workspace, table: Path, folder: Path) -> None:
    first = run_import(workspace, write_spec(table))
    assert (first.created, first.pictures_ok, first.pictures_failed) == (3, 0, 3)
    second = run_import(workspace, write_spec(table, folder=folder))
    assert (second.created, second.updated, second.skipped, second.pictures_ok) == (0, 3, 0, 2)
    assert [problem.code for problem in second.picture_problems] == ["missing"], "no longer “add a folder”"
    assert run_import(workspace, write_spec(table, folder=folder)).skipped == 3


def test_a_zip_with_its_pictures(workspace: Workspace, table: Path, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "shop.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.write(table, "export/items.csv")
        for picture in folder.iterdir():
            file.write(picture, f"export/{picture.name}")
    staged = stage_file(path, workspace.home.uploads)
    spec = replace(write_spec(staged.table), archive=staged.archive, near=staged.near)
    assert run_import(workspace, spec).pictures_ok == 2


def test_one_broken_picture_never_costs_its_row(workspace: Workspace, table: Path, folder: Path) -> None:
    (folder / "gone.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    report = run_import(workspace, write_spec(table, folder=folder))
    assert report.created == 3 and report.pictures_failed == 1
    assert report.picture_problems[0].code in ("damaged", "unsupported", "truncated")


def test_corrections_bring_a_rejected_row_in(workspace: Workspace, table: Path, folder: Path) -> None:
    table.write_text(HEADER + ROWS[0] + "8,,20,Blue,blue.png\n")
    spec = write_spec(table, folder=folder)
    assert [problem.code for problem in run_import(workspace, spec).rejected] == ["missing_title"]
    report = run_import(workspace, replace(spec, edits={3: {"title": "Blue hat"}}))
    assert (report.created, report.rejected) == (1, ())


def test_the_plan_is_what_the_import_does(workspace: Workspace, table: Path, folder: Path) -> None:
    spec = write_spec(table, folder=folder)
    assert plan_import(workspace, spec, spec.build(), None).create == 3
    run_import(workspace, spec)
    table.write_text(HEADER + ROWS[0].replace("Red shoe", "Red boot") + ROWS[1] + "10,New,,,\n")
    plan = make_plan(workspace, write_spec(table))
    assert (plan.create, plan.update, plan.retry, plan.skip, plan.absent) == (1, 1, 0, 1, 1)
    report = run_import(workspace, write_spec(table))
    assert (report.created, report.updated, report.skipped, report.absent) == (1, 1, 1, 1)


def test_another_backbone_is_refused_with_a_way_on(workspace: Workspace, table: Path) -> None:
    run_import(workspace, write_spec(table))
    with pytest.raises(StoreError, match="served by"):
        run_import(workspace, replace(write_spec(table), backbone="other"))


def test_a_recipe_survives_json(table: Path, folder: Path) -> None:
    spec = replace(write_spec(table, folder=folder), edits={3: {"title": "x"}}, currency="EUR")
    again = ImportSpec.from_json(json.loads(json.dumps(spec.to_json())))
    assert again == spec and again.key() == spec.key()
    assert list(again.mapping.targets) == list(spec.mapping.targets)
    assert replace(spec, catalog="Other").key() != spec.key()


def test_a_cancelled_import_keeps_what_it_wrote_and_goes_on(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.work.import_catalog.CHUNK", 10)
    table = _long_table(tmp_path, 60)

    def stop(_stage: str, done: int, _total: int) -> None:
        if done >= 30:
            raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        run_import(workspace, write_spec(table), progress=stop, import_id="one")
    written = workspace.catalogs.find("Shop").items
    assert 0 < written < 60 and written % 10 == 0
    report = run_import(workspace, write_spec(table), import_id="one")
    assert report.created == 60 and workspace.catalogs.find("Shop").items == 60


def _long_table(folder: Path, rows: int) -> Path:
    path = folder / "long.csv"
    path.write_text("id,title\n" + "".join(f"{n:05d},Thing number {n}\n" for n in range(rows)))
    return path


_KILLED = """
import sys, time
from pathlib import Path
import core.work.import_catalog as job
from core.home import open_home
from core.workspace import Workspace
from tests.conftest import FakeEncoder
from tests.core.work.test_import_catalog import write_spec

job.CHUNK = 20
class Slow(FakeEncoder):
    def encode_texts(self, texts):
        time.sleep(0.02)
        return super().encode_texts(texts)
encoder = Slow()
workspace = Workspace(open_home(sys.argv[1]), encoder_loader=lambda name: encoder)
def progress(stage, done, total):
    print(stage, done, flush=True)
job.run_import(workspace, write_spec(Path(sys.argv[2])), progress=progress, import_id="killed")
"""


@pytest.mark.parametrize("after_lines", [4, 7, 12])
def test_kill_minus_nine_loses_nothing_acknowledged(workspace: Workspace, tmp_path: Path, after_lines: int) -> None:
    table = _long_table(tmp_path, 400)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_KILLED), str(workspace.home.root), str(table)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    for _ in range(after_lines):
        assert child.stdout.readline(), "the import ended before it was killed"
    child.send_signal(signal.SIGKILL)
    child.wait()
    row = workspace.database.connection.execute("SELECT rows_done FROM imports WHERE id = 'killed'").fetchone()
    acknowledged = row["rows_done"] if row else 0
    assert workspace.catalogs.find("Shop").items == acknowledged < 400
    assert workspace.database.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    monkey_chunks = run_import(workspace, write_spec(table), import_id="killed")
    assert monkey_chunks.created == 400 and workspace.catalogs.find("Shop").items == 400
    assert workspace.suggester.suggest(Need(text="number 399")).page[0].stored.item.item_id == "00399"


def test_switching_the_backbone_encodes_anew_while_the_old_one_serves(home: object, table: Path, folder: Path) -> None:
    encoders = {name: FakeEncoder(name, dimension=size) for name, size in (("fake", 64), ("other", 32))}
    workspace = Workspace(home, encoder_loader=encoders.__getitem__)  # type: ignore[arg-type]
    run_import(workspace, write_spec(table, folder=folder))
    models: list[str] = []

    def watch(*_: object) -> None:
        models.append(workspace.suggester.suggest(Need(text="shoe")).models[0])

    assert encode_catalog(workspace, EncodeSpec(catalog="Shop", backbone="other"), watch).encoded == 5
    assert set(models[:-1]) == {"fake"}
    assert workspace.catalogs.find("Shop").backbone == "other"
    assert workspace.suggester.suggest(Need(text="red shoe")).page[0].stored.item.item_id == "007"
    assert encode_catalog(workspace, EncodeSpec(catalog="Shop", backbone="fake"), watch).encoded == 0, (
        "the old embeddings are still there"
    )


def test_everything_derived_can_be_rebuilt(workspace: Workspace, table: Path, folder: Path) -> None:
    run_import(workspace, write_spec(table, folder=folder))
    before = [one.stored.item.item_id for one in workspace.suggester.suggest(Need(text="red shoe")).page]
    for path in [*workspace.home.indexes.iterdir(), *workspace.home.thumbnails.rglob("*.webp")]:
        path.unlink()
    with workspace.database.transaction() as connection:
        connection.execute("DELETE FROM item_words")
        connection.execute("DELETE FROM item_codes")
        connection.execute("DELETE FROM embeddings")
    assert rebuild(workspace) == RebuildReport(catalogs=1, items=3, thumbnails=2)
    fresh = Workspace(workspace.home, encoder_loader=lambda _name: FakeEncoder())
    assert [one.stored.item.item_id for one in fresh.suggester.suggest(Need(text="red shoe")).page] == before
    assert all(fresh.pictures.has(picture) for picture in fresh.pictures.everything())
    codes = workspace.database.connection.execute("SELECT code FROM item_codes JOIN items ON items.id = item")
    assert "007" in {row["code"] for row in codes}, "an item is found by its id"


def test_a_run_from_before_an_update_goes_on(workspace: Workspace, table: Path) -> None:
    spec = write_spec(table)
    run_import(workspace, spec, import_id="one")
    with workspace.database.transaction() as connection:
        connection.execute("UPDATE imports SET plan_hash = 'as an older program wrote it', rows_done = 1")
    report = run_import(workspace, spec, import_id="one")
    assert (report.created, report.updated, report.skipped) == (0, 0, 3)


def test_time_is_counted(workspace: Workspace, table: Path) -> None:
    started = time.monotonic()
    report = run_import(workspace, write_spec(table))
    assert 0 < report.seconds <= time.monotonic() - started
