import pytest

from core.catalog.schema import Item
from core.errors import NeedError
from core.store.catalogs import Catalog
from core.store.expectations import SavedNeed
from core.store.filters import parse_filter
from core.workspace import Workspace

WARM = SavedNeed(text="warm boots", avoid=("leather",), match="text", filters=(parse_filter("price<80"),))
RED = SavedNeed(text="red shoes")


@pytest.fixture
def catalog(workspace: Workspace) -> Catalog:
    catalog = workspace.catalogs.ensure("Shop", domain="goods", backbone="fake")
    with workspace.database.transaction():
        workspace.items.upsert(catalog.id, [(Item(item_id=one, title=f"thing {one}"), ()) for one in ("a", "b", "c")])
    return workspace.catalogs.find("Shop")


def test_a_need_is_read_back_as_it_was_saved(workspace: Workspace, catalog: Catalog) -> None:
    added = workspace.expectations.add(catalog.id, WARM, ["a", "b"])
    assert [(one.need, one.item_id) for one in added] == [(WARM, "a"), (WARM, "b")]
    assert workspace.expectations.list(catalog.id) == added
    assert WARM.title == "warm boots, not leather (price < 80, text only)" and RED.title == "red shoes"


def test_the_items_of_a_need_stay_together_and_count_once(workspace: Workspace, catalog: Catalog) -> None:
    for need, items in ((WARM, ["a"]), (RED, ["c"]), (WARM, ["b", "a"])):
        workspace.expectations.add(catalog.id, need, items)
    listed = workspace.expectations.list(catalog.id)
    assert [(one.need, one.item_id) for one in listed] == [(WARM, "a"), (WARM, "b"), (RED, "c")]


def test_an_unknown_item_keeps_nothing(workspace: Workspace, catalog: Catalog) -> None:
    with pytest.raises(NeedError, match="not in the catalogue: x"):
        workspace.expectations.add(catalog.id, RED, ["a", "x"])
    with pytest.raises(NeedError, match="No item is named"):
        workspace.expectations.add(catalog.id, RED, [])
    assert workspace.expectations.list(catalog.id) == ()


def test_removing_takes_one_of_its_own_catalogue(workspace: Workspace, catalog: Catalog) -> None:
    first, second = workspace.expectations.add(catalog.id, RED, ["a", "b"])
    workspace.expectations.remove(catalog.id + 1, first.id)
    workspace.expectations.remove(catalog.id, first.id)
    workspace.expectations.remove(catalog.id, first.id)
    assert workspace.expectations.list(catalog.id) == (second,)


def test_they_go_with_their_catalogue_and_outlive_their_item(workspace: Workspace, catalog: Catalog) -> None:
    workspace.expectations.add(catalog.id, RED, ["a"])
    workspace.database.connection.execute("DELETE FROM items WHERE item_id = 'a'")
    assert [one.item_id for one in workspace.expectations.list(catalog.id)] == ["a"]
    workspace.delete_catalog(catalog)
    assert workspace.database.connection.execute("SELECT COUNT(*) FROM expectations").fetchone()[0] == 0
