"""Rows that are no items: headers that come again and sums."""

import time
from pathlib import Path

import pytest

from core.catalog.read.headers import drop_totals, find_header
from core.catalog.table import Row
from tests.core.catalog.read.test_read import cells, codes, read_bytes


def test_a_header_within_the_table_is_left_out(tmp_path: Path) -> None:
    data = "\ufeffid,title,price\n1,Tea,5\n2,Cup,7\n\ufeffid,title,price\n3,Pot,9\n".encode()
    table = read_bytes(tmp_path, data)
    assert cells(table) == [("1", "Tea", "5"), ("2", "Cup", "7"), ("3", "Pot", "9")]
    assert [row.number for row in table.rows] == [2, 3, 5]
    (problem,) = table.problems
    assert (problem.code, problem.severity) == ("repeated_header", "warning")
    assert problem.message.startswith("Row 4 repeats the header and is left out")


def test_a_header_of_other_letter_case_is_left_out(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,title,price\n1,Tea,5\nID,Title,Price\n2,Pot,9\n")
    assert cells(table) == [("1", "Tea", "5"), ("2", "Pot", "9")]
    assert [problem.code for problem in table.problems] == ["repeated_header"]


def test_rows_below_a_header_in_another_order_are_read_by_it(tmp_path: Path) -> None:
    data = b"id,title,price\n1,Tea,5\nprice,id,title\n7,2,Cup\nid,title,price\n3,Pot,9\n"
    table = read_bytes(tmp_path, data)
    assert cells(table) == [("1", "Tea", "5"), ("2", "Cup", "7"), ("3", "Pot", "9")]
    assert [row.number for row in table.rows] == [2, 4, 6]
    same, moved = (problem.message for problem in table.problems)
    assert same.startswith("Row 5 repeats the header and is left out")
    assert moved.startswith("Row 3 repeats the header in another order and is left out")
    assert moved.endswith("The rows below it are read in that order.")


def test_headers_that_come_again_are_counted(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,title\n1,Tea\n" + b"id,title\n2,Cup\n" * 3)
    assert table.problems[0].message.startswith("Row 3 and 2 more repeat the header")
    assert len(table.rows) == 4


@pytest.mark.parametrize(
    ("last", "left"),
    [
        (("Total", "", "21"), 3),
        (("", "", "21"), 3),
        (("Summe:", "", "21,00"), 3),
        (("", "Total", "21"), 3),
        (("合计", "", "21"), 3),
        (("Total", "", "99"), 4),  # not the sum: kept, with a warning
        (("4", "Total", "21"), 4),  # nothing is missing and the id is no sum, but see below
        (("4", "Pot", "21"), 4),
        (("4", "", "21"), 3),  # it can be no item: it has no title, and the price is the sum
        (("", "Pot", "21"), 4),
    ],
)
def test_only_sure_sums_are_left_out(last: tuple[str, ...], left: int) -> None:
    rows = [Row(n, (str(n), f"Tea {n}", price)) for n, price in enumerate(("5", "7", "9"), start=1)]
    kept, problems = drop_totals([*rows, Row(4, last)])
    assert len(kept) == left
    assert [problem.code for problem in problems] == (["totals"] if left == 3 or last[0] == "Total" else [])


def test_sums_of_a_file_are_said(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,title,price\n1,Tea,5.50\n2,Cup,7\nTotal,,12.50\n")
    assert len(table.rows) == 2
    assert codes(table) == [(0, "totals", "warning")]
    assert "Row 4" in table.problems[0].message


def test_names_of_a_shops_software_are_taken_rather_than_those_for_people() -> None:
    rows = (
        ("TemplateType=fptcustom", "Version=2026.1", "The top 3 rows are for Amazon.com use only.", "", ""),
        ("Seller SKU", "Brand Name", "Product Name", "Product ID", "Your Price"),
        ("item_sku", "brand_name", "item_name", "external_product_id", "standard_price"),
        ("AM-1", "Norda", "Red kettle", "4006381333931", "29.99"),
    )
    assert find_header(rows) == 2


def test_sums_above_a_footer_are_left_out(tmp_path: Path) -> None:
    data = b"id,title,price\n1,Tea,12.50\n2,Pot,99.00\n,Summe,111.50\nSeite 1 von 1,,\n"
    table = read_bytes(tmp_path, data)
    assert [row[0] for row in cells(table)] == ["1", "2", "Seite 1 von 1"]
    assert "totals" in [problem.code for problem in table.problems]


@pytest.mark.parametrize("cell", ["1," * 100_000 + "x", "0" * 200_000 + "x", "a@." * 70_000 + "@"])
def test_a_huge_cell_near_the_header_takes_no_time(cell: str) -> None:
    started = time.process_time()
    assert find_header([("id", "title"), (cell, "Boot"), ("2", "Shoe")]) == 0
    assert time.process_time() - started < 2
