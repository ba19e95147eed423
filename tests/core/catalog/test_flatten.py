"""JSON as shops write it: wrappers, languages, lists of objects."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.catalog.flatten import find_lists, flatten
from core.catalog.read.read import detect, read_table
from core.errors import CatalogFileError
from tests.core.catalog.read.test_read import cells

ITEMS = [{"id": 1, "title": "Cup", "price": 5}, {"id": 2, "title": "Mug", "price": 6}]
SHOP = {"name": "My shop", "url": "https://shop.example", "products": ITEMS}
NODES = {"data": {"products": {"edges": [{"node": one, "cursor": "x"} for one in ITEMS]}}}


def write(folder: Path, document: Any, indent: int | None = None) -> Path:
    path = folder / "items.json"
    path.write_text(json.dumps(document, indent=indent))
    return path


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("document", "where"),
    [
        (ITEMS, ""),
        ({"products": ITEMS}, "products"),
        ({"data": {"items": ITEMS}}, "data.items"),
        ({"count": 2, "next": None, "results": ITEMS}, "results"),
        ({"categories": [{"id": 1, "label": "a"}] * 9, "items": ITEMS}, "items"),
        (SHOP, "products"),
        (NODES, "data.products.edges"),
        ({"products": {"1": {"title": "Cup", "price": 5}, "2": {"title": "Mug", "price": 6}}}, "products"),
    ],
)
def test_the_list_in_a_wrapper_is_found(tmp_path: Path, document: Any, where: str, indent: int | None) -> None:
    path = write(tmp_path, document, indent)
    found = detect(path)
    assert found.options.path == where
    assert cells(read_table(path, found.options)) == [("1", "Cup", "5"), ("2", "Mug", "6")]


def test_one_item_with_lists_of_its_own_is_an_item(tmp_path: Path) -> None:
    item = {"id": 1, "title": "Cup", "vendor": "Acme", "price": 5, "variants": [{"sku": "a", "price": 5}] * 2}
    table = read_table(write(tmp_path, item), detect(write(tmp_path, item)).options)
    assert len(table.rows) == 1 and table.columns[:4] == ("id", "title", "vendor", "price")


def test_several_lists_are_named_and_can_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path, {"items": ITEMS, "stock": {"outlet": [{"id": 9, "title": "Jug"}]}})
    found = detect(path)
    assert found.paths[:2] == ("items", "stock.outlet")
    assert [problem.code for problem in found.problems] == ["several_lists"]
    assert "“stock.outlet”" in found.problems[0].message and "--sheet" in found.problems[0].message
    assert cells(read_table(path, replace(found.options, path="stock.outlet"))) == [("9", "Jug")]
    with pytest.raises(CatalogFileError, match=r'no list "nope"\. Lists there: items, stock\.outlet'):
        read_table(path, replace(found.options, path="nope"))


def test_an_empty_list_is_no_table(tmp_path: Path) -> None:
    path = write(tmp_path, [])
    with pytest.raises(CatalogFileError, match="no objects with named fields"):
        read_table(path, detect(path).options)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"title": {"de": "Rote Tasse", "en": "Red cup"}}, {"title": "Red cup", "title.de": "Rote Tasse"}),
        ({"title": {"de_DE": "Tasse", "fr-FR": "Tasse bleue"}}, {"title": "Tasse", "title.fr-FR": "Tasse bleue"}),
        ({"title": {"en": "", "de": "Tasse"}}, {"title": "Tasse", "title.en": ""}),
        ({"price": {"amount": "12.50", "currencyCode": "EUR"}}, {"price": "12.50 EUR"}),
        (
            {"price": {"value": None, "currency": None}, "tax": {"amount": 1}},
            {"price.value": "", "price.currency": "", "tax.amount": "1"},
        ),
        ({"brand": b"BMW 320"}, {"brand": "BMW 320"}),
        ({"size": {"w": 10, "h": 5}}, {"size.w": "10", "size.h": "5"}),
        ({"images": [{"src": "a.jpg", "alt": "A"}, {"src": "b.jpg"}]}, {"images": '["a.jpg", "b.jpg"]'}),
        ({"images": [{"id": 1, "src": "a.jpg"}]}, {"images": '["a.jpg"]'}),
        ({"categories": [{"id": 3, "name": "Cups", "slug": "cups"}]}, {"categories": '["Cups"]'}),
        (
            {"offers": [{"price": 3, "url": "https://a.example"}]},
            {"offers.price": "3", "offers.url": "https://a.example"},
        ),
        ({"variants": [{"title": "S", "price": 3}, {"title": "M", "price": 4}]}, None),
        ({"price": float("nan"), "ean": 4006381333948.0}, {"price": "", "ean": "4006381333948"}),
    ],
)
def test_nested_values_become_cells(value: dict[str, Any], expected: dict[str, str] | None) -> None:
    assert flatten(value) == (expected or {"variants": json.dumps(value.get("variants"))})


def test_long_decimal_codes_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_text('[{"id": 1, "ean": 4006381333948.0}, {"id": 2, "ean": 4006381333955.0}]')
    assert [row[1] for row in cells(read_table(path, detect(path).options))] == ["4006381333948", "4006381333955"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"a1": {"title": "Cup", "price": 3}, "a2": {"title": "Mug"}},
            [{"id": "a1", "title": "Cup", "price": 3}, {"id": "a2", "title": "Mug"}],
        ),
        (
            {"0": {"sku": "a", "title": "Cup"}, "1": {"sku": "b", "title": "Mug"}},
            [{"sku": "a", "title": "Cup"}, {"sku": "b", "title": "Mug"}],
        ),
    ],
)
def test_a_document_of_items_by_id_is_their_list(document: dict[str, Any], expected: list[Any]) -> None:
    (found,) = find_lists(document)
    assert (found.path, found.records) == ("", expected)


@pytest.mark.parametrize(
    "document",
    [
        {"item": {"name": "Cup", "sku": "a"}, "seller": {"name": "Norda", "url": "https://x.invalid"}},
        {"en": {"title": "Cup"}, "de": {"title": "Tasse"}},
        {"title": {"name": "Cup"}, "brand": {"name": "Norda"}},
    ],
)
def test_the_parts_of_one_item_are_no_items(document: dict[str, Any]) -> None:
    assert find_lists(document)[0].path != ""
