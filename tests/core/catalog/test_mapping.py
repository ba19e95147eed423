"""Mapping: exact names are filled in, near ones only offered, and a person's word is checked."""

import pytest

from core.catalog.aliases import build_attribute_name, find_exact, find_near
from core.catalog.domains import guess_domain
from core.catalog.mapping import ColumnMapping, SuggestedMapping, apply_overrides, validate_mapping
from core.catalog.suggest_mapping import suggest_mapping
from core.catalog.table import Row
from core.errors import MappingError


def suggest(columns: list[str], *rows: list[str]) -> SuggestedMapping:
    return suggest_mapping(columns, [Row(number, tuple(cells)) for number, cells in enumerate(rows, start=2)])


def targets(suggested: SuggestedMapping) -> dict[str, tuple[str, str]]:
    return {column.column: (column.target, column.confidence) for column in suggested.columns}


@pytest.mark.parametrize(
    ("name", "field"),
    [("ID", "id"), ("Product_ID", "id"), ("movieId", "id"), ("商品编号", "id"), ("productDisplayName", "title"),
     ("商品名称", "title"), ("Body (HTML)", "description"), ("masterCategory", "category"), ("image_link", "pictures"),
     ("pictureURL", "pictures"), ("价格", "price"), ("colour", ""), ("cost", ""), ("rating", "")],
)  # fmt: skip
def test_exact_aliases(name: str, field: str) -> None:
    assert find_exact(name) == field


@pytest.mark.parametrize(
    ("name", "field"), [("Product Nmae", "title"), ("Prices", "price"), ("colour", ""), ("xyz", "")]
)
def test_near_aliases(name: str, field: str) -> None:
    assert find_near(name) == field


@pytest.mark.parametrize(
    ("column", "name"), [("baseColour", "Colour"), ("item_size", "Item size"), ("颜色", "颜色"), ("usage", "Usage")]
)
def test_attribute_names(column: str, name: str) -> None:
    assert build_attribute_name(column) == name


def test_near_names_are_offered_and_not_filled_in() -> None:
    suggested = suggest(["id", "Product Nmae", "Prices"], ["1", "Teapot", "5"], ["2", "Cup", "6"])
    assert targets(suggested)["Product Nmae"] == ("title", "suggested")
    assert suggested.build().find_columns("title") == ()
    assert suggested.build(accept_suggestions=True).find_columns("title") == ("Product Nmae",)
    assert suggested.columns[1].samples == ("Teapot", "Cup")


def test_the_most_usual_name_wins_a_field_that_holds_one_value() -> None:
    suggested = suggest(["sku", "id", "name", "title"], *[[f"S{n}", f"{n}", "a b", f"Tea {n}"] for n in range(12)])
    found = targets(suggested)
    assert found["id"] == ("id", "exact")
    assert found["title"] == ("title", "exact")
    assert found["sku"] == ("", "none")
    assert found["name"][0] == "attribute:Name"


def test_facets_become_attributes_and_codes_files_and_long_texts_do_not() -> None:
    rows = [
        [f"Tea {n}", ["red", "blue"][n % 2], f"X{n}99", f"docs/{n}.pdf", "word " * 40, f"Ann {n}|Bob {n}", "0", ""]
        for n in range(20)
    ]
    suggested = suggest(["title", "mood", "ref", "sheet", "story", "people", "flag", "blank"], *rows)
    fallbacks = {column.column: column.fallback for column in suggested.columns}
    assert fallbacks == {
        "title": "title", "mood": "attribute:Mood", "ref": "", "sheet": "", "story": "", "people": "attribute:People",
        "flag": "", "blank": "",
    }  # fmt: skip


def test_a_domain_column_must_hold_domains() -> None:
    assert targets(suggest(["title", "domain"], ["a", "film"]))["domain"] == ("domain", "exact")
    assert targets(suggest(["title", "domain"], ["a", "example.org"]))["domain"] == ("attribute:Domain", "none")


def test_no_title_is_refused() -> None:
    with pytest.raises(MappingError, match="No column holds the title"):
        validate_mapping(ColumnMapping(targets={"id": "id"}), ["id"])


def test_a_single_value_from_two_columns_is_refused() -> None:
    mapping = ColumnMapping(targets={"a": "title", "b": "price", "c": "price"})
    with pytest.raises(MappingError, match='price is filled by "b" and "c"'):
        validate_mapping(mapping, ["a", "b", "c"])


def test_several_columns_may_fill_a_path() -> None:
    mapping = ColumnMapping(targets={"a": "title", "b": "category", "c": "category", "d": "pictures", "e": "pictures"})
    validate_mapping(mapping, ["a", "b", "c", "d", "e"])
    assert mapping.find_columns("category") == ("b", "c")


@pytest.mark.parametrize("target", ["attribute:", "colour", "titel"])
def test_unknown_targets_are_refused(target: str) -> None:
    with pytest.raises(MappingError, match=r"attribute|no field"):
        validate_mapping(ColumnMapping(targets={"a": "title", "b": target}), ["a", "b"])


def test_a_column_that_the_file_lacks_is_refused_with_near_names() -> None:
    with pytest.raises(MappingError, match='Did you mean "title"'):
        validate_mapping(ColumnMapping(targets={"titel": "title"}), ["title", "price"])


MAPPING = ColumnMapping(targets={"Name": "", "title": "title", "baseColour": "", "sub": "category", "main": ""})


def test_an_override_replaces_the_column_of_its_field() -> None:
    changed = apply_overrides(MAPPING, {"title": "Name", "attribute:Colour": "baseColour"})
    assert changed.find_columns("title") == ("Name",)
    assert changed.targets["title"] == ""
    assert changed.targets["baseColour"] == "attribute:Colour"


def test_overrides_give_levels_in_their_order() -> None:
    changed = apply_overrides(MAPPING, [("category", "main"), ("category", "sub")])
    assert changed.find_columns("category") == ("main", "sub")


def test_a_field_can_be_left_empty_and_a_column_ignored() -> None:
    assert apply_overrides(MAPPING, {"category": ""}).find_columns("category") == ()
    assert apply_overrides(MAPPING, {"ignore": "sub"}).targets["sub"] == ""
    assert apply_overrides(MAPPING, {"title": "NAME"}).find_columns("title") == ("Name",)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"title": "Nam"}, 'Did you mean "Name"'),
        ({"titel": "Name"}, 'Did you mean "title"'),
        ({"title": "zzz"}, "It has: Name"),
    ],
)
def test_wrong_overrides_name_what_is_near(overrides: dict[str, str], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        apply_overrides(MAPPING, overrides)


@pytest.mark.parametrize(
    ("columns", "cells", "domain"),
    [
        (["movieId", "title", "genres", "cast"], ("1", "Toy Story", "Comedy", "Tom"), "film"),
        (["track", "artist", "album"], ("a", "b", "c"), "music"),
        (["headline", "byline", "text"], ("a", "b", "c"), "news"),
        (["hotel", "destination"], ("a", "b"), "travel"),
        (["name", "price", "brand"], ("a", "5", "b"), "goods"),
        (["Handle", "Title", "Vendor", "Option1 Name"], ("a", "b", "c", ""), "goods"),
        (["a", "b"], ("x", "y"), "other"),
    ],
)
def test_domains_are_guessed(columns: list[str], cells: tuple[str, ...], domain: str) -> None:
    assert guess_domain(columns, [Row(2, cells)]) == domain
