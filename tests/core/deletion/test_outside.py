"""A deletion and a sweep remove what is the catalogue's, in the data folder, and nothing else, whatever names it."""

import os
from pathlib import Path

import pytest

from core.catalog.schema import Item
from core.home import Home, open_home
from core.store.catalogs import Catalog
from core.workspace import Workspace

ROOMS = ("indexes", "tokens", "versions", "runs", "logs", "uploads")
LONG_AGO = 40 * 24 * 3600.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of a person's own, which nobody has touched for long, beside the data folder."""
    folder = tmp_path / "mine"
    (folder / "letters").mkdir(parents=True)
    names = ("note.txt", "9-1.safetensors", "work.log", "letters/a.txt", "letters/spec.json")
    for name in names:
        (folder / name).write_text('{"catalog": "Gone"}')
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (path.stat().st_mtime - LONG_AGO,) * 2)
    return folder


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _import(workspace: Workspace) -> Catalog:
    number = workspace.catalogs.ensure("Shop", domain="other", backbone="embedded").id
    with workspace.database.transaction():
        workspace.items.upsert(number, [(Item(item_id="1", title="Red shoe"), ())])
    return workspace.catalogs.find("Shop")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_that_is_a_link_is_not_swept_behind_the_link(home: Home, mine: Path, room: str) -> None:
    before = _files(mine)
    (home.root / room).rmdir()
    (home.root / room).symlink_to(mine)
    workspace = Workspace(home)
    catalog = _import(workspace)
    workspace.sweep.finish()
    workspace.delete_catalog(catalog)
    assert _files(mine) == before


@pytest.mark.parametrize("room", ROOMS)
def test_links_in_a_room_go_and_what_they_lead_to_stays(home: Home, mine: Path, room: str) -> None:
    before = _files(mine)
    names = ("1-1", "logs-1", "old.log")
    for name in names:
        (home.root / room / name).symlink_to(mine)
    workspace = Workspace(home)
    workspace.delete_catalog(_import(workspace))
    assert _files(mine) == before


@pytest.mark.parametrize("version", ["../../mine", "../pictures", "..", ".", "", "../wishlight.db", "{mine}"])
def test_a_damaged_id_of_a_version_leads_nowhere_else(home: Home, mine: Path, version: str) -> None:
    workspace = Workspace(home)
    catalog, before = _import(workspace), _files(mine)
    (home.versions / "other").mkdir()
    version = version.format(mine=mine)
    workspace.versions.add(version, catalog.id, title="v", backbone="embedded", has_log=False, metrics={})
    workspace.delete_catalog(catalog)
    assert _files(mine) == before
    assert home.database.exists() and home.pictures.is_dir() and (home.versions / "other").is_dir()
    assert not workspace.catalogs.list() and not home.unswept.exists()


@pytest.mark.parametrize(
    "written",
    [
        '[{"kind": "catalog", "id": "9", "paths": ["../mine", "pictures", "uploads/../../mine", "{mine}"]}]',
        '[{"kind": "catalog", "id": "nine", "paths": []}]',
        '[{"kind": "run"}]',
        '[{"kind": "run", "id": "9", "paths": [7, null]}]',
        '{"kind": "run"}',
        "7",
    ],
)
def test_a_note_that_somebody_wrote_harms_nothing(home: Home, mine: Path, written: str) -> None:
    workspace, before = Workspace(home), _files(mine)
    home.unswept.write_text(written.replace("{mine}", str(mine)))
    workspace.sweep.finish()
    assert _files(mine) == before and home.pictures.is_dir() and not home.unswept.exists()
    workspace.delete_catalog(_import(workspace))
    assert not workspace.catalogs.list()


def test_a_folder_where_a_file_of_an_index_should_be_stops_no_deletion(home: Home) -> None:
    workspace = Workspace(home)
    catalog = _import(workspace)
    (home.indexes / f"{catalog.id}-planted").mkdir()
    workspace.delete_catalog(catalog)
    assert not list(home.indexes.iterdir()) and not home.unswept.exists()


@pytest.mark.parametrize(("other", "spelled"), [("äö", "äö"), ("Äo", "Äo"), ("Strasse", "strasse")])
def test_runs_of_a_catalogue_whose_name_looks_alike_stay(home: Home, other: str, spelled: str) -> None:
    """The database tells names apart that `casefold` does not."""
    workspace = Workspace(home)
    for name in ("ÄÖ", "Straße", other):
        workspace.catalogs.ensure(name, domain="other", backbone="embedded")
    (home.runs / "stays").mkdir()
    (home.runs / "stays" / "spec.json").write_text(f'{{"catalog": "{spelled}"}}')
    (home.runs / "goes").mkdir()
    (home.runs / "goes" / "spec.json").write_text('{"catalog": " ÄÖ "}')
    for name in ("ÄÖ", "Straße"):
        workspace.delete_catalog(workspace.catalogs.find(name))
    assert [path.name for path in home.runs.iterdir()] == ["stays"]


def test_a_catalogue_is_found_by_the_name_that_made_it(home: Home) -> None:
    workspace = Workspace(home)
    made = workspace.catalogs.ensure("Winter\n shop", domain="other", backbone="embedded")
    assert workspace.catalogs.find("Winter\n shop") == workspace.catalogs.find("winter  shop") == made
