"""Real exports and messy files, which are not part of the project: the tests skip where they are absent."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from core.catalog.importing.decide import require_usable
from core.catalog.read.read import Table, detect, read_table
from core.catalog.schema import Item
from core.catalog.shape.domains import guess_domain
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.catalog.shape.validate import Validated, build_items
from core.errors import CatalogFileError, MappingError

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
FILES = sorted(p for p in (DATA / "catalog_csvs").rglob("*") if p.is_file()) if DATA.is_dir() else []
#: What cannot be a table, and a word of the advice given.
REFUSED = {
    "dummy.csv.bz2": "bzip2",
    "dummy.xls": "xlsx",
    "test.xls": "xlsx",
    "test_skip_lines.xls": "xlsx",
    "test_latin1.sql": "export",
    "test_query.sql": "export",
}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real catalogues are not at {DATA}")


def load(name: str) -> Table:
    path = DATA / name
    return read_table(path, detect(path).options)


def build(name: str, *, accept: bool = False) -> Validated:
    table = load(name)
    mapping = suggest_mapping(table.columns, table.rows).build(accept_suggestions=accept)
    return build_items(table, mapping, domain=guess_domain(table.columns, table.rows))


def find(outcome: Validated, item_id: str) -> Item:
    return next(parsed.item for parsed in outcome.items if parsed.item.item_id == item_id)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_read_or_refused_with_advice(path: Path) -> None:
    if path.name in REFUSED:
        with pytest.raises(CatalogFileError, match=REFUSED[path.name]):
            detect(path)
        return
    table = read_table(path, detect(path).options)
    suggested = suggest_mapping(table.columns, table.rows)
    mapping = suggested.build(accept_suggestions=True)
    if not mapping.find_columns("title"):
        with pytest.raises((MappingError, CatalogFileError), match=r"holds the title|has no id"):
            require_usable(build_items(table, mapping, domain="other"), known=())
        return
    outcome = build_items(table, mapping, domain=guess_domain(table.columns, table.rows))
    rows = [number for parsed in outcome.items for number in parsed.rows] + [r.row.number for r in outcome.rejected]
    assert sorted(rows) == [row.number for row in table.rows]


@pytest.mark.parametrize("name", ["empty", "location_coordinates", "newlines", "quotes_and_newlines", "utf8"])
def test_csv_spectrum(name: str) -> None:
    folder = "catalog_csvs/messy_csv_spectrum"
    table = load(f"{folder}/csvs/{name}.csv")
    expected = json.loads((DATA / folder / "json" / f"{name}.json").read_text(encoding="utf-8"))
    found = [dict(zip(table.columns, row.cells, strict=True)) for row in table.rows]
    if name == "location_coordinates":  # one object, whose phone number is not that of the CSV
        expected = [expected | {"Contact Phone Number": "2095257564"}]
    assert found == expected


@pytest.mark.parametrize(
    ("name", "columns", "rows"),
    [
        (
            "bad.csv",
            3,
            [
                (2, ("1", "27", "", "I'm too long!")),
                (3, ("", "I'm too short!")),
                (4, ("0", "mixed types.... uh oh", "17")),
            ],
        ),
        ("mac_newlines.csv", 3, [(2, ("1", "2", "3")), (3, ("Once upon\na time", "5", "6"))]),
        ("no_header_row.csv", 3, [(1, ("1", "2", "3"))]),
        ("sniff_limit.csv", 3, [(2, ("1", "2", "3"))]),
        ("test_utf16_little.csv", 3, [(2, ("1", "2", "3")), (3, ("4", "5", "ʤ"))]),
        ("test_utf8_bom.csv", 3, [(2, ("1", "2", "3")), (3, ("4", "5", "ʤ"))]),
        ("dummy.csv.gz", 3, [(2, ("1", "2", "3"))]),
        ("test_no_leading_zeroes.csv", 3, [(2, ("01", "00.11", "0.1"))]),
        ("testjson_multiline.json", 3, [(1, ("2", "3", "")), (2, ("", "2", "4"))]),
    ],
)
def test_csvkit(name: str, columns: int, rows: list[tuple[int, tuple[str, ...]]]) -> None:
    table = load(f"catalog_csvs/messy_csvkit/examples/{name}")
    assert len(table.columns) == columns
    assert [(row.number, row.cells) for row in table.rows] == rows


def test_xlsx_of_csvkit() -> None:
    table = load("catalog_csvs/messy_csvkit/examples/test.xlsx")
    assert table.columns[:7] == ("text", "date", "integer", "boolean", "float", "datetime", "empty_column")
    assert table.rows[0].cells[:7] == ("Chicago Reader", "1971-01-01", "40", "true", "1", "1971-01-01T04:14:00", "")
    assert table.rows[2].cells[4] == "41800000.01"


def test_shopify_export() -> None:
    outcome = build("catalog_csvs/shopify_apparel.csv")
    assert (len(outcome.items), outcome.problems, outcome.rejected) == (20, (), ())
    top = find(outcome, "classic-varsity-top")
    assert (top.title, top.price, top.availability, top.brand) == (
        "Classic Varsity Top",
        60,
        "in stock",
        "partners-demo",
    )
    assert (top.tags, top.attributes) == (("women",), {"Size": ("Small", "Medium", "Large")})
    assert top.pictures == ("https://burst.shopifycdn.com/photos/casual-fashion-woman_925x.jpg",)
    assert find(outcome, "white-cotton-shirt").price == 30
    assert all(len(parsed.item.pictures) == 1 for parsed in outcome.items)


def test_woocommerce_export_in_portuguese() -> None:
    outcome = build("catalog_csvs/woocommerce_sample_products.csv")
    assert [p.item.item_id for p in outcome.items] == ["65", "67", "69", "71", "75"]
    assert (outcome.problems, outcome.rejected) == ((), ())
    assert [p.item.price for p in outcome.items] == [450, 650, 320, 200, None]
    mixed = outcome.items[3]
    assert mixed.rows == (8, 9, 10, 11)
    assert mixed.item.attributes["Dates"] == (
        '{"type":"single","date":"2020-12-17"}',
        '{"type":"multiple","dates":["2020-12-13","2020-12-14","2020-12-15"]}',
        '{"type":"range","dates":["2020-12-01","2020-12-09"]}',
    )
    assert mixed.item.category == ()  # "Sem categoria"
    assert mixed.item.description.startswith("Lorem ipsum dolor sit amet")


def test_merchant_feed() -> None:
    outcome = build("catalog_csvs/google_merchant_feed.tsv")
    assert (len(outcome.items), outcome.problems) == (160, ())
    tank = find(outcome, "98650bd8-5981-4055-8e14-5e144a04a23a")
    assert tank.title == '"Lake Erie Loot Crew" Women\'s Spaghetti Strap Pirate Fest Tank Top'
    assert (tank.price, tank.currency, tank.brand) == (Decimal("28.00"), "USD", "Lake Erie Clothing Company")
    assert tank.category == ("Apparel & Accessories", "Clothing", "Shirts & Tops")
    assert tank.attributes["Size"] == ("L",)
    assert tank.attributes["Color"] == ("Solid White Blend",)
    assert Counter(parsed.item.currency for parsed in outcome.items) == {"USD": 160}


def test_fashion_needs_no_manual_step() -> None:
    outcome = build("fashion/products.csv")
    assert (len(outcome.items), outcome.problems) == (8213, ())
    kurta = find(outcome, "23316")
    assert (kurta.title, kurta.category, kurta.domain) == (
        "W Women Brown Printed Kurta",
        ("Apparel", "Topwear"),
        "goods",
    )
    assert kurta.attributes == {"Article type": ("Kurtas",), "Colour": ("Brown",), "Usage": ("Ethnic",)}
    assert find(build("fashion/products.csv", accept=True), "23316").category == ("Apparel", "Topwear", "Kurtas")


def test_movies_need_the_description_confirmed() -> None:
    outcome = build("movies/items.csv", accept=True)
    assert (len(outcome.items), outcome.problems) == (9724, ())
    jumanji = find(outcome, "2")
    assert (jumanji.title, jumanji.domain, jumanji.pictures) == ("Jumanji (1995)", "film", ("posters/2.jpg",))
    assert jumanji.tags == ("Adventure", "Children", "Fantasy")
    assert jumanji.attributes["Year"] == ("1995",)
    assert jumanji.attributes["Cast"][:2] == ("Robin Williams", "Bonnie Hunt")
    assert jumanji.description.startswith("Jumanji is a 1995 American fantasy adventure film")


def test_grocery_needs_its_suggestions_confirmed() -> None:
    outcome = build("grocery/classes.csv", accept=True)
    assert (len(outcome.items), outcome.problems) == (81, ())
    apple = find(outcome, "1")
    assert (apple.title, apple.category, apple.description, apple.domain) == ("Granny-Smith", ("Apple",), "", "goods")
    assert apple.pictures[0].endswith("Granny-Smith_Iconic.jpg")
