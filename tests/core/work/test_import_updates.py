"""What a second file changes of a catalogue, and what it leaves alone."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from core.catalog.importing.spec import ImportSpec
from core.catalog.schema import Item
from core.catalog.shape.items import ItemBuilder
from core.encode.text import item_text
from core.errors import CatalogFileError, MappingError
from core.store.filters import parse_filter
from core.store.items import StoredItem
from core.suggest.need import Need
from core.work.import_catalog import run_import
from core.work.import_plan import plan_import
from core.workspace import Workspace
from tests.conftest import FakeEncoder
from tests.core.catalog.read.test_read import write_xlsx, xlsx_row
from tests.core.work.test_import_catalog import make_plan, write_spec

pytestmark = pytest.mark.slow

FULL = (
    "id,title,description,category,brand,price,currency,availability,url,tags,colour,size,image\n"
    "1,Red shoe,Runs well,Shoes > Run,Acme,20,EUR,in stock,https://a.example/1,sport|run,Red,42,red.png\n"
    "2,Blue hat,Keeps warm,Hats,Acme,9,EUR,in stock,https://a.example/2,wool,Blue,M,blue.png\n"
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., ImportSpec]:
    def write(text: str, name: str = "update.csv", **changes: object) -> ImportSpec:
        path = tmp_path / name
        path.write_text(text)
        return replace(write_spec(path), **changes)

    return write


@pytest.fixture
def pictures(tmp_path: Path, save_picture: Callable[..., Path]) -> Path:
    root = tmp_path / "pictures"
    for colour in ("red", "blue"):
        save_picture(root / f"{colour}.png", colour)
    return root


@pytest.fixture
def shop(workspace: Workspace, write: Callable[..., ImportSpec], pictures: Path) -> Workspace:
    run_import(workspace, write(FULL, folder=pictures))
    return workspace


def read(shop: Workspace, item_id: str = "1") -> StoredItem:
    stored = shop.items.find(shop.catalogs.find("Shop").id, item_id)
    assert stored is not None
    return stored


def test_an_absent_column_leaves_its_field_and_an_empty_cell_empties_it(
    shop: Workspace, encoder: FakeEncoder, write: Callable[..., ImportSpec]
) -> None:
    before = read(shop)
    report = run_import(shop, write("id,title,price,size\n1,Red shoe,25,\n2,Blue hat,9,M\n"))
    assert (report.updated, report.skipped) == (1, 1)
    after = read(shop)
    assert after.item == replace(before.item, price=Decimal(25), attributes={"Colour": ("Red",)})
    assert after.pictures == before.pictures and after.main_picture
    catalog = shop.catalogs.find("Shop")
    assert list(shop.items.select(catalog.id, (parse_filter("Colour=Red"),))) == [after.id]
    assert list(shop.items.select(catalog.id, (parse_filter("Size=42"),))) == []
    found = shop.suggester.suggest(Need(text="runs well")).page[0]
    assert found.stored.item.item_id == "1", "the description is still found"


def test_codes_stay_without_their_column_and_change_with_it(shop: Workspace, write: Callable[..., ImportSpec]) -> None:
    run_import(shop, write("id,title,ean,mpn\n1,Red shoe,4006381333931,FP-22/B\n2,Blue hat,4006381333948,X-7\n"))
    assert read(shop).item.codes == {"EAN": ("4006381333931",), "MPN": ("FP-22/B",)}
    run_import(shop, write("id,price,ean\n1,25,4006381333955\n2,9,\n"))
    assert read(shop).item.codes == {"EAN": ("4006381333955",), "MPN": ("FP-22/B",)}
    assert read(shop, "2").item.codes == {"MPN": ("X-7",)}
    assert shop.suggester.suggest(Need(text="fp22b")).page[0].stored.item.item_id == "1"
    assert shop.suggester.suggest(Need(text="x 7")).page[0].stored.item.item_id == "2"
    assert shop.suggester.suggest(Need(text="4006381333931")).page[0].parts["words"] < 6


@pytest.mark.parametrize("column", ["description", "brand", "availability", "url", "tags", "colour", "image"])
def test_each_field_stays_without_its_column_and_goes_with_an_empty_cell(
    shop: Workspace, write: Callable[..., ImportSpec], column: str
) -> None:
    rows = [line.split(",") for line in FULL.splitlines()]
    at = rows[0].index(column)
    without = "\n".join(",".join(cell for n, cell in enumerate(row) if n != at) for row in rows)
    before = read(shop).item
    spec = write(without.replace("Runs well", "Runs far") if column != "description" else without)
    plan = make_plan(shop, spec)
    name = {"image": "pictures", "colour": "Colour"}.get(column, column)
    assert plan.untouched == (name,)
    assert run_import(shop, spec).untouched == (name,)
    kept = read(shop)
    assert kept.item == replace(before, description=kept.item.description)
    assert kept.main_picture
    emptied = "\n".join(",".join("" if n == at else cell for n, cell in enumerate(row)) for row in rows[1:])
    run_import(shop, replace(write(",".join(rows[0]) + "\n" + emptied + "\n"), mapping=write_spec_mapping()))
    gone = read(shop)
    assert gone.item != before
    value = gone.item.attributes.get("Colour", ()) if column == "colour" else getattr(gone.item, name)
    assert value in ("", (), None)
    assert bool(gone.main_picture) is (column != "image")


def write_spec_mapping() -> object:
    """Every column of `FULL` by its name, as a person would map it where the cells are empty."""
    from core.catalog.shape.mapping import ColumnMapping

    names = {"colour": "attribute:Colour", "size": "attribute:Size", "image": "pictures"}
    return ColumnMapping(targets={c: names.get(c, c) for c in FULL.splitlines()[0].split(",")})


def test_ids_and_prices_update_prices(shop: Workspace, encoder: FakeEncoder, write: Callable[..., ImportSpec]) -> None:
    before = read(shop)
    report = run_import(shop, write("id,price\n1,25\n2,9\n3,7\n"))
    assert (report.created, report.updated, report.skipped) == (0, 1, 1)
    assert [(problem.row, problem.code, problem.value) for problem in report.rejected] == [(4, "missing_title", "3")]
    assert (report.pictures_ok, report.pictures_failed) == (0, 0), "the file does not speak of pictures"
    assert read(shop).item == replace(before.item, price=Decimal(25))
    assert read(shop).pictures == before.pictures
    assert encoder.encoded_texts.count(item_text(before.item)) == 1, "the text did not change"
    assert shop.catalogs.find("Shop").items == 2


def test_what_is_not_known_anywhere_needs_a_title(workspace: Workspace, write: Callable[..., ImportSpec]) -> None:
    with pytest.raises(MappingError, match="No column holds the title"):
        run_import(workspace, write("id,price\n1,25\n"))
    assert workspace.catalogs.list() == ()
    run_import(workspace, write(FULL))
    with pytest.raises(MappingError, match="No column holds the title"):
        run_import(workspace, write("id,price\n8,25\n"))
    with pytest.raises(MappingError, match="No column holds the title"):
        make_plan(workspace, write("id,price\n8,25\n"))


@pytest.mark.parametrize(
    ("text", "price", "currency"),
    [
        ("id,sale price\n1,15\n", "15", "EUR"),
        ("id,sale price,brand\n1,,Acme\n", "20", "EUR"),
        ("id,price,sale price\n1,30,25\n", "25", "EUR"),
        ("id,price\n1,$ 31.50\n", "31.50", "EUR"),
        ("id,price\n1,31.50 USD\n", "31.50", "USD"),
        ("id,currency\n1,GBP\n", "20", "GBP"),
        ("id,price,currency\n1,20,\n", "20", ""),
        ("id,price,brand\n1,,Acme\n", None, ""),
        ("id,price\n1,on request\n", "20", "EUR"),
    ],
)
def test_prices_currencies_and_sales(
    shop: Workspace, write: Callable[..., ImportSpec], text: str, price: str | None, currency: str
) -> None:
    before = read(shop).item
    run_import(shop, write(text))
    expected = replace(before, price=None if price is None else Decimal(price), currency=currency)
    if "$" in text:
        expected = replace(expected, currency=read(shop).item.currency)
    assert read(shop).item == expected


def test_a_cell_that_cannot_be_read_empties_nothing(shop: Workspace, write: Callable[..., ImportSpec]) -> None:
    before = read(shop).item
    text = "id,title,price,availability,url,image,domain\n1,Red shoe,cheap,perhaps,nowhere,javascript:x,cheese\n"
    mapping = {"id": "id", "title": "title", "price": "price", "availability": "availability", "url": "url",
               "image": "pictures", "domain": "domain"}  # fmt: skip
    spec = write(text)
    run_import(shop, replace(spec, mapping=replace(spec.mapping, targets=mapping)))
    assert read(shop).item == before


def test_the_same_pictures_without_their_folder_stay(
    shop: Workspace, write: Callable[..., ImportSpec], pictures: Path
) -> None:
    before = read(shop)
    report = run_import(shop, write(FULL.replace(",20,", ",21,")))
    assert (report.updated, report.pictures_ok, report.pictures_failed) == (1, 1, 0)
    assert read(shop).pictures == before.pictures
    (pictures / "red.png").write_bytes(b"no picture")
    report = run_import(shop, write(FULL.replace(",20,", ",22,"), folder=pictures))
    assert (report.updated, report.pictures_failed) == (1, 1)
    assert "stays" in report.picture_problems[0].message
    assert read(shop).pictures == before.pictures


def test_the_plan_shows_that_a_zip_brings_pictures(
    workspace: Workspace, write: Callable[..., ImportSpec], pictures: Path, tmp_path: Path
) -> None:
    run_import(workspace, write(FULL))
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.write(pictures / "red.png", "red.png")
    for text in (FULL, "id,price\n1,20\n2,9\n"):
        spec = write(text, archive=path)
        plan = make_plan(workspace, spec)
        assert (plan.create, plan.update, plan.skip) == (0, 0, 2 - plan.retry)
        report = run_import(workspace, spec)
        assert (report.updated, report.skipped) == (plan.retry, plan.skip)
    assert read(workspace).main_picture
    assert make_plan(workspace, write(FULL, archive=path)).skip == 2, "what the ZIP lacks is not tried again"
    assert make_plan(workspace, write(FULL)).skip == 2


def test_json_lines_and_parquet_update_alike(shop: Workspace, write: Callable[..., ImportSpec], tmp_path: Path) -> None:
    before = read(shop).item
    run_import(shop, write(json.dumps({"id": "1", "price": 26}) + "\n", "update.jsonl"))
    assert read(shop).item == replace(before, price=Decimal(26))
    pl.DataFrame({"id": ["1"], "price": [27.5]}).write_parquet(tmp_path / "update.parquet")
    run_import(shop, write_spec(tmp_path / "update.parquet"))
    assert read(shop).item == replace(before, price=Decimal("27.5"))


SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Tags,Option1 Name,Option1 Value,Variant Price,Image Src,Variant Inventory Qty\n"
    "shoe,Red shoe,Runs well,Acme,sport,Size,41,20,https://a.example/red.png,0\n"
    "shoe,,,,,,42,18,,0\n"
)


def test_a_shop_export_with_fewer_columns(workspace: Workspace, write: Callable[..., ImportSpec]) -> None:
    run_import(workspace, write(SHOPIFY))
    before = read(workspace, "shoe").item
    assert before.availability == "out of stock" and before.attributes == {"Size": ("41", "42")}
    fewer = "Handle,Title,Vendor,Variant Price,Variant Inventory Qty\nshoe,Red shoe,Acme,15,3\n"
    run_import(workspace, write(fewer))
    assert read(workspace, "shoe").item == replace(before, price=Decimal(15), availability="in stock")
    run_import(workspace, write("Handle,Variant Price\nshoe,12\n"))
    assert read(workspace, "shoe").item == replace(before, price=Decimal(12), availability="in stock")


def test_codes_stay_without_their_column(workspace: Workspace, write: Callable[..., ImportSpec]) -> None:
    run_import(workspace, write("id,title,ean,mpn,price\n1,Red shoe,4006381333931,AB-12,20\n2,Hat,4006381333948,,9\n"))
    before = read(workspace).item
    assert before.codes
    plan = make_plan(workspace, write("id,price\n1,21\n"))
    assert set(before.codes) <= set(plan.untouched)
    run_import(workspace, write("id,price\n1,21\n"))
    assert read(workspace).item == replace(before, price=Decimal(21))
    run_import(workspace, write("id,title,ean\n1,Red shoe,4.00638E+12\n2,Hat,4006381333948\n"))
    assert read(workspace).item.codes == before.codes, "what a spreadsheet has shortened takes nothing away"
    run_import(workspace, write("id,title,ean\n1,Red shoe,\n2,Hat,4006381333948\n"))
    assert read(workspace).item.codes == {name: code for name, code in before.codes.items() if name != "EAN"}


def test_an_update_of_texts_is_encoded_whole(
    shop: Workspace, encoder: FakeEncoder, write: Callable[..., ImportSpec]
) -> None:
    run_import(shop, write("id,colour\n1,Green\n"))
    item: Item = read(shop).item
    assert item.attributes == {"Colour": ("Green",), "Size": ("42",)}
    assert any("Green" in text and "Runs well" in text for text in encoder.encoded_texts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,title,price\n", "holds no rows"),
        ("id,title,price\n\n\n", "holds no rows"),
        ("id,title,price\n1,Shoe,-5\n", r"The only row cannot be used; nothing was changed. Row 2: The price is neg"),
        ("id,title,price\n1,,5\n,Shoe,6\n", r"None of the 2 rows can be used; nothing was changed. Row 2: "),
    ],
)
def test_a_file_without_a_usable_row_is_refused_and_changes_nothing(
    workspace: Workspace, write: Callable[..., ImportSpec], text: str, message: str
) -> None:
    spec = write(text)
    spec = replace(spec, mapping=replace(spec.mapping, targets={"id": "id", "title": "title", "price": "price"}))
    with pytest.raises(CatalogFileError, match=message):
        run_import(workspace, spec)
    assert workspace.catalogs.list() == ()
    with pytest.raises(CatalogFileError, match=message):
        plan_import(workspace, spec, spec.build(), None)
    run_import(workspace, write(FULL, "full.csv"))
    before = read(workspace)
    with pytest.raises(CatalogFileError, match=message):
        run_import(workspace, spec)
    assert read(workspace) == before


def test_a_workbook_without_rows_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    for rows in ([], [xlsx_row(1, "id", "title")]):
        write_xlsx(tmp_path / "empty.xlsx", {"Items": rows})
        with pytest.raises(CatalogFileError, match=r"no rows|no sheet with rows"):
            run_import(workspace, write_spec(tmp_path / "empty.xlsx"))
    assert workspace.catalogs.list() == ()


def test_one_hostile_row_or_picture_costs_only_itself(
    workspace: Workspace, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pictures / "loop.png").symlink_to("loop.png")
    rows = [
        {"id": "1", "title": "Red shoe", "image": "red.png"},
        {"id": "2", "title": "Loop", "image": "loop.png"},
        {"id": "3", "title": "Address", "image": "http://xn--/x.png"},
        {"id": "4", "title": "Half \ud800 a character", "image": "\udfff.png", "url": "https://a.example/\ud800"},
        {"id": "5", "title": "Odd row"},
    ]
    (tmp_path / "bad.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    build = ItemBuilder.build

    def fail_once(self: ItemBuilder) -> Item:
        if self._record.values["title"] == ["Odd row"]:
            raise ZeroDivisionError("odd")
        return build(self)

    monkeypatch.setattr(ItemBuilder, "build", fail_once)
    spec = replace(write_spec(tmp_path / "bad.jsonl", folder=pictures), fetch=True)
    report = run_import(workspace, spec)
    assert (report.created, report.pictures_ok, report.pictures_failed) == (4, 1, 3)
    assert [problem.code for problem in report.rejected] == ["unreadable_row"]
    assert {problem.row for problem in report.picture_problems} == {2, 3, 4}
