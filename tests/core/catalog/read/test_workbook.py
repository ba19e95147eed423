"""Workbooks: which sheet is read, where its table stands, and what its cells lack."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from core.catalog.read.choices import FileChoices, choose_options
from core.catalog.read.read import detect, detect_layout, read_table
from core.errors import CatalogFileError
from tests.core.catalog.read.test_read import cells, write_xlsx, xlsx_row

COVER = [xlsx_row(1, "Price list winter"), xlsx_row(2, "Questions to the office")]
ITEMS = [xlsx_row(1, "SKU", "Name", "Price"), xlsx_row(2, "S1", "Wool coat", 199), xlsx_row(3, "S2", "Rain coat", 89)]
OLD = [xlsx_row(1, "SKU", "Name", "Price"), xlsx_row(2, "OLD1", "Old coat", 10)]


def hide(path: Path, sheet: str) -> None:
    """Hide a sheet of a workbook that `write_xlsx` wrote."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    mark = f'name="{sheet}"'.encode()
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(mark, mark + b' state="hidden"')
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def test_the_sheet_that_holds_a_table_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_xlsx(path, {"Read me": COVER, "Archive": OLD, "Products": ITEMS})
    hide(path, "Archive")
    found = detect(path)
    assert (found.options.sheet, found.sheets) == ("Products", ("Products", "Read me"))
    (problem,) = found.problems
    assert problem.message == (
        "The sheet “Products” is read. The workbook also holds “Read me”. Hidden and left out: “Archive”. Another "
        "sheet can be chosen (on the page, or with --sheet)."
    )
    assert cells(read_table(path, found.options)) == [("S1", "Wool coat", "199"), ("S2", "Rain coat", "89")]


def test_a_hidden_sheet_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_xlsx(path, {"Products": ITEMS, "Archive": OLD})
    hide(path, "Archive")
    chosen = choose_options(path, FileChoices(sheet="Archive"))
    assert cells(read_table(path, chosen.options)) == [("OLD1", "Old coat", "10")]
    assert chosen.options.sheet == "Archive"
    assert not [problem for problem in chosen.problems if problem.code == "several_sheets"]


def test_a_workbook_whose_sheets_are_all_hidden_is_read(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_xlsx(path, {"Archive": OLD})
    hide(path, "Archive")
    assert cells(read_table(path, detect(path).options)) == [("OLD1", "Old coat", "10")]


def test_a_chosen_sheet_has_its_own_header_row(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    rows = [xlsx_row(4, "SKU", "Name", "Price"), xlsx_row(6, "S9", "Hat", 9), xlsx_row(7, "S10", "Cap", 5)]
    shifted = [xlsx_row(2, "Stock of today"), *rows]
    write_xlsx(path, {"Products": ITEMS, "Outlet": shifted})
    options = detect_layout(path, replace(detect(path).options, sheet="Outlet"))
    assert options.header_row == 4
    table = read_table(path, options)
    assert [(row.number, row.cells[0]) for row in table.rows] == [(6, "S9"), (7, "S10")]
    with pytest.raises(CatalogFileError, match=r'no sheet "Nope"\. It has: Products, Outlet'):
        detect_layout(path, replace(options, sheet="Nope"))


def test_blank_rows_and_columns_before_the_table(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    rows = [xlsx_row(3, "", "Product", ""), xlsx_row(4, "", "SKU", "Name"), xlsx_row(6, "", "S1", "Coat")]
    write_xlsx(path, {"Products": rows})
    table = read_table(path, detect(path).options)
    assert (table.columns, cells(table)) == (("SKU", "Name"), [("S1", "Coat")])


def test_repeated_headers_and_sums_of_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_xlsx(path, {"Products": [*ITEMS, xlsx_row(4, "SKU", "Name", "Price"), xlsx_row(5, "", "", 288)]})
    table = read_table(path, detect(path).options)
    assert [row.number for row in table.rows] == [2, 3]
    assert [problem.code for problem in table.problems] == ["repeated_header", "totals"]


@pytest.mark.parametrize("value", ["<v></v>", "<v/>", "<v />", ""])
def test_formulas_without_results_are_told(tmp_path: Path, value: str) -> None:
    path = tmp_path / "book.xlsx"
    formula = f'<row r="4"><c r="A4"><v>3</v></c><c r="C4" s="1"><f>C2*2</f>{value}</c></row>'
    write_xlsx(path, {"Products": [*ITEMS, formula]})
    (problem,) = detect(path).problems
    assert problem.code == "formulas" and "(C4)" in problem.message


def test_formulas_with_results_are_their_results(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    formula = '<row r="4"><c r="A4"><v>3</v></c><c r="C4"><f>C2*2</f><v>398</v></c></row>'
    write_xlsx(path, {"Products": [*ITEMS, formula]})
    assert not detect(path).problems
    assert cells(read_table(path, detect(path).options))[2] == ("3", "", "398")


def test_error_cells_are_told(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    row = '<row r="4"><c r="A4"><v>3</v></c><c r="B4" t="e"><v>#REF!</v></c><c r="C4" t="e"><v>#DIV/0!</v></c></row>'
    write_xlsx(path, {"Products": [*ITEMS, row]})
    table = read_table(path, detect(path).options)
    assert cells(table)[2] == ("3", "", "")
    assert [(problem.code, problem.value) for problem in table.problems] == [
        ("error_cells", "Name"),
        ("error_cells", "Price"),
    ]
    assert "#REF! in row 4" in table.problems[0].message


@pytest.mark.parametrize("number", ["4006381333948", "4006381333948.0", "4.006381333948E12"])
def test_long_numbers_are_whole(tmp_path: Path, number: str) -> None:
    path = tmp_path / "book.xlsx"
    row = f'<row r="2"><c r="A2"><v>{number}</v></c><c r="B2" t="inlineStr"><is><t>Pen</t></is></c></row>'
    write_xlsx(path, {"Products": [xlsx_row(1, "EAN", "Name"), row]})
    assert cells(read_table(path, detect(path).options)) == [("4006381333948", "Pen")]


def test_a_sheet_without_names_is_told(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_xlsx(path, {"Products": [xlsx_row(1, 7, "Tea", 5), xlsx_row(2, 8, "Cup", 9)]})
    found = detect(path)
    assert not found.options.has_header and [problem.code for problem in found.problems] == ["no_header"]
