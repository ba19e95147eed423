"""Checking rows: one problem a fault, what is rejected can be mended, what is accepted is right."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from core.catalog.schema import Problem
from core.catalog.shape.items import MAX_DESCRIPTION, make_id
from core.catalog.shape.mapping import ColumnMapping
from core.catalog.shape.validate import Validated, build_items
from core.catalog.table import Row, Table, check_widths
from core.errors import MappingError

COLUMNS = ("id", "title", "price", "url", "image", "stock", "kind")
MAPPING = ColumnMapping(
    targets={
        "id": "id",
        "title": "title",
        "price": "price",
        "url": "url",
        "image": "pictures",
        "stock": "availability",
        "kind": "domain",
    }
)


def build(*rows: tuple[str, ...], edits: Mapping[int, Mapping[str, str]] | None = None, **options: str) -> Validated:
    """Rows are filled up with empty cells; the first is row 2."""
    full = [Row(number, row + ("",) * (len(COLUMNS) - len(row))) for number, row in enumerate(rows, start=2)]
    return build_items(Table(columns=COLUMNS, rows=tuple(full)), MAPPING, domain="goods", edits=edits or {}, **options)


def brief(problems: tuple[Problem, ...]) -> list[tuple[int, str, str, str]]:
    return [(problem.row, problem.field, problem.code, problem.severity) for problem in problems]


def test_a_clean_row_is_an_item() -> None:
    outcome = build(("007", " Tea&amp;pot ", "$5", "https://x.org/a", "a.jpg", "3", "film"))
    (parsed,) = outcome.items
    assert (parsed.row, parsed.rows) == (2, (2,))
    assert (parsed.item.item_id, parsed.item.title, parsed.item.domain) == ("007", "Tea&pot", "film")
    assert (parsed.item.price, parsed.item.currency, parsed.item.availability) == (5, "USD", "in stock")
    assert (parsed.item.url, parsed.item.pictures) == ("https://x.org/a", ("a.jpg",))
    assert outcome.problems == ()


@pytest.mark.parametrize(
    ("rows", "options", "currencies", "asked"),
    [
        ([("1", "Tea", "¥120"), ("2", "Cup", "80元")], {}, ["CNY", "CNY"], False),
        ([("1", "お茶", "¥120"), ("2", "Cup", "5 USD")], {}, ["JPY", "USD"], False),
        ([("1", "绿茶", "￥120")], {}, ["CNY"], False),
        ([("1", "绿茶", "&yen;120")], {"currency": "JPY"}, ["JPY"], False),
        ([("1", "Tea", "¥120"), ("2", "Cup", "5")], {"currency": "EUR"}, ["JPY", "EUR"], True),
        ([("1", "Tea", "5")], {}, [""], False),
    ],
)
def test_the_sign_of_yen_and_yuan_is_settled_by_the_file_or_asked(
    rows: list[tuple[str, ...]], options: dict[str, str], currencies: list[str], asked: bool
) -> None:
    outcome = build(*rows, **options)
    assert [parsed.item.currency for parsed in outcome.items] == currencies
    assert [p.code for p in outcome.problems] == (["ambiguous_currency"] if asked else [])
    assert all("--currency" in p.message for p in outcome.problems)


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        (("", "a"), "id", "missing_id"),
        (("1", ""), "title", "missing_title"),
        (("1", "<b></b>"), "title", "missing_title"),
        (("1", "a", "-5"), "price", "bad_price"),
        (("9" * 300, "a"), "id", "too_long"),
    ],
)
def test_errors_reject_the_row(row: tuple[str, ...], field: str, code: str) -> None:
    outcome = build(row, ("2", "b"))
    assert brief(outcome.problems) == [(2, field, code, "error")]
    assert [parsed.item.item_id for parsed in outcome.items] == ["2"]
    assert [(reject.row.number, reject.problems) for reject in outcome.rejected] == [(2, outcome.problems)]


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        (("1", "a", "cheap"), "price", "bad_price"),
        (("1", "a", "5-9"), "price", "price_range"),
        (("1", "a", "", "javascript:alert(1)"), "url", "bad_url"),
        (("1", "a", "", "", "javascript:alert(1)"), "pictures", "bad_picture"),
        (("1", "a", "", "", "", "soon"), "availability", "bad_availability"),
        (("1", "a", "", "", "", "", "cheese"), "domain", "bad_domain"),
        (("1", "a" * 600), "title", "too_long"),
    ],
)
def test_warnings_keep_the_row(row: tuple[str, ...], field: str, code: str) -> None:
    outcome = build(row)
    assert brief(outcome.problems) == [(2, field, code, "warning")]
    assert len(outcome.items) == 1
    item = outcome.items[0].item
    assert (item.url, item.pictures, item.availability, item.domain) == ("", (), "", "goods")
    assert item.price in (None, 5)
    assert len(item.title) <= 500


def test_several_problems_of_a_row_are_all_told() -> None:
    outcome = build(("", "", "-1", "ftp://x"))
    assert {problem.code for problem in outcome.rejected[0].problems} == {
        "missing_id",
        "missing_title",
        "bad_price",
        "bad_url",
    }


def test_the_later_of_two_equal_ids_is_rejected_and_names_the_first() -> None:
    outcome = build(("1", "a"), ("2", "b"), ("1", "c"))
    assert brief(outcome.problems) == [(4, "id", "duplicate_id", "error")]
    assert "row 2" in outcome.problems[0].message
    assert [parsed.item.title for parsed in outcome.items] == ["a", "b"]


def test_an_id_rejected_for_another_reason_is_free_again() -> None:
    outcome = build(("1", ""), ("1", "good"))
    assert [parsed.item.title for parsed in outcome.items] == ["good"]


def test_edits_mend_rejected_rows() -> None:
    rows = (("1", ""), ("1", "b"), ("3", "c", "-4"))
    assert len(build(*rows).rejected) == 2
    mended = build(*rows, edits={2: {"title": "a", "id": "9"}, 4: {"price": "4"}, 77: {"id": "x"}})
    assert mended.rejected == ()
    assert [(p.item.item_id, p.item.title) for p in mended.items] == [("9", "a"), ("1", "b"), ("3", "c")]


def test_an_edit_of_an_unknown_column_is_refused() -> None:
    with pytest.raises(MappingError, match="colour"):
        build(("1", "a"), edits={2: {"colour": "red"}})


def test_a_row_of_the_wrong_width_is_rejected_until_it_is_edited() -> None:
    rows, problems = check_widths(("id", "title"), [Row(2, ("1", "a")), Row(3, ("2", "b", "c"))])
    table = Table(columns=("id", "title"), rows=tuple(rows), problems=tuple(problems))
    mapping = ColumnMapping(targets={"id": "id", "title": "title"})
    outcome = build_items(table, mapping, domain="goods")
    assert outcome.rejected[0].row.cells == ("2", "b", "c")
    assert brief(outcome.problems) == [(3, "", "wrong_width", "error")]
    mended = build_items(table, mapping, domain="goods", edits={3: {"title": "b, c"}})
    assert (mended.items[1].item.title, mended.problems) == ("b, c", ())


def test_missing_ids_are_made_from_the_content_and_stay_the_same() -> None:
    table = Table(columns=("title", "price"), rows=(Row(2, ("a", "1")), Row(3, ("b", "1")), Row(4, ("a", "2"))))
    mapping = ColumnMapping(targets={"title": "title", "price": "price"})
    outcome = build_items(table, mapping, domain="goods")
    assert brief(outcome.problems) == [(0, "id", "made_ids", "warning"), (4, "", "duplicate_id", "error")]
    first, second = (parsed.item.item_id for parsed in outcome.items)
    assert first != second
    assert first == make_id({"title": ["a"], "price": ["999"]}, {})


def test_the_price_column_decides_what_a_mark_means() -> None:
    european = build(("1", "a", "1.234"), ("2", "b", "5,50"))
    assert [parsed.item.price for parsed in european.items] == [1234, Decimal("5.50")]
    english = build(("1", "a", "1.234"), ("2", "b", "5.50"))
    assert [parsed.item.price for parsed in english.items] == [Decimal("1.234"), Decimal("5.50")]


def test_the_default_currency_is_used_where_the_cell_does_not_tell() -> None:
    outcome = build(("1", "a", "5"), ("2", "b", "5 EUR"), ("3", "c", "$5"), ("4", "d"), currency="CAD")
    assert [parsed.item.currency for parsed in outcome.items] == ["CAD", "EUR", "CAD", ""]


def test_categories_attributes_and_descriptions_are_gathered() -> None:
    columns = ("title", "main", "sub", "short", "long", "year", "cast", "usb", "note")
    rows = (
        Row(
            2,
            (
                "a",
                "Home",
                "Pots > Tea",
                "<p>x</p>",
                "y",
                "1995.0",
                "Ann|Bob",
                "2.0",
                "well; this is prose that goes on and on with a semicolon in it, beyond any label's length",
            ),
        ),
        Row(3, ("b", "Home", "", "", "z", "", "NaN", "2.1", "red; blue")),
    )
    targets = {
        "title": "title",
        "main": "category",
        "sub": "category",
        "short": "description",
        "long": "description",
        "year": "attribute:Year",
        "cast": "attribute:Cast",
        "usb": "attribute:USB",
        "note": "attribute:Note",
    }
    outcome = build_items(Table(columns=columns, rows=rows), ColumnMapping(targets=targets), domain="goods")
    first, second = (parsed.item for parsed in outcome.items)
    assert first.category == ("Home", "Pots", "Tea")
    assert first.description == "x\ny"
    assert first.attributes["Year"] == ("1995",)
    assert first.attributes["Cast"] == ("Ann", "Bob")
    assert first.attributes["USB"] == ("2.0",)
    assert len(first.attributes["Note"]) == 1
    assert second.attributes == {"USB": ("2.1",), "Note": ("red", "blue")}


def test_long_descriptions_are_cut() -> None:
    table = Table(columns=("title", "text"), rows=(Row(2, ("a", "word " * 9_000)),))
    outcome = build_items(table, ColumnMapping(targets={"title": "title", "text": "description"}), domain="goods")
    assert len(outcome.items[0].item.description) <= MAX_DESCRIPTION
    assert (2, "description", "too_long", "warning") in brief(outcome.problems)


def test_misuse_and_wrong_options() -> None:
    with pytest.raises(ValueError, match="domain"):
        build_items(Table(columns=("t",), rows=()), ColumnMapping(targets={"t": "title"}), domain="cheese")  # type: ignore[arg-type]
    with pytest.raises(MappingError, match="currency"):
        build(("1", "a"), currency="dollars")
