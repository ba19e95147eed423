import pytest

from core.catalog.importing.sample import SAMPLE_NAME, SAMPLE_NEEDS
from core.catalog.schema import Item
from core.suggest import examples
from core.suggest.examples import find_examples
from core.workspace import Workspace
from tests.core.suggest.test_suggester import add_items


def _examples(workspace: Workspace, items: list[Item], name: str = "mine") -> tuple[str, ...]:
    add_items(workspace, name, items)
    return find_examples(workspace.items, workspace.catalogs.find(name))


def _item(number: int, *category: str, title: str = "") -> Item:
    return Item(item_id=str(number), title=title or f"thing {number}", category=category)


def test_examples_are_the_commonest_categories_of_different_shelves(workspace: Workspace) -> None:
    shelves = [("Shoes", "Boots")] * 5 + [("Shoes", "Sandals")] * 4 + [("Bags", "Totes")] * 3 + [("Hats",)] * 2
    items = [_item(number, *shelf) for number, shelf in enumerate(shelves)]
    assert _examples(workspace, items) == ("Boots", "Totes", "Hats", "Sandals")


def test_categories_that_say_nothing_or_do_not_fit_a_button_are_left_out(workspace: Workspace) -> None:
    items = [_item(1, "12"), _item(2, "x" * 60), _item(3, "Comedy"), _item(4, "comedy")]
    assert [example.casefold() for example in _examples(workspace, items)] == ["comedy"]


def test_without_categories_examples_are_titles_from_all_over_the_file(workspace: Workspace) -> None:
    items = [_item(number, title=f"film number {number}") for number in range(40)]
    found = _examples(workspace, items)
    assert found == ("film number 0", "film number 10", "film number 20", "film number 30")


def test_few_items_and_none_give_few_examples(workspace: Workspace) -> None:
    assert _examples(workspace, [_item(1, title="one"), _item(2, title="two")]) == ("one", "two")
    assert _examples(workspace, [], name="empty") == ()


def test_a_large_catalogue_is_not_read_whole(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "LOOKED_AT", 3)
    assert _examples(workspace, [_item(number, "early" if number < 3 else "late") for number in range(9)]) == ("early",)


def test_the_sample_has_its_own(workspace: Workspace) -> None:
    assert _examples(workspace, [_item(1, "Toys")], name=SAMPLE_NAME) == SAMPLE_NEEDS
    assert 3 <= len(SAMPLE_NEEDS) <= examples.MOST_EXAMPLES
