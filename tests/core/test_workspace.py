"""What goes with a catalogue when it is deleted."""

from core.workspace import Workspace


def test_a_deleted_catalogue_leaves_no_version_behind(workspace: Workspace) -> None:
    gone = workspace.catalogs.ensure("Gone", domain="goods", backbone="fake")
    stays = workspace.catalogs.ensure("Stays", domain="goods", backbone="fake")
    for catalog, version in ((gone, "aaa"), (stays, "bbb")):
        workspace.versions.add(version, catalog.id, title="", backbone="fake", has_log=False, metrics={})
        (workspace.home.versions / version).mkdir()
        (workspace.home.tokens / f"{catalog.id}-x").mkdir()
    workspace.delete_catalog(gone)
    assert [one.id for one in workspace.versions.list()] == ["bbb"]
    assert [path.name for path in workspace.home.versions.iterdir()] == ["bbb"]
    assert [path.name for path in workspace.home.tokens.iterdir()] == [f"{stays.id}-x"]
