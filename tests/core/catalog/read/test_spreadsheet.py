"""What spreadsheets do to cells is mended or told, in text files as well."""

from pathlib import Path

import pytest

from core.catalog.codes import is_shortened
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.catalog.shape.validate import build_items
from tests.core.catalog.read.test_read import cells, codes, read_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4.00638E+12", True), ("4,00638E+12", True), ("4E+12", True), ("4006381333948", False), ("2E12", False)],
)
def test_numbers_of_which_only_the_first_digits_are_left(text: str, expected: bool) -> None:
    assert is_shortened(text) is expected


def test_shortened_numbers_are_told_and_are_no_plain_duplicates(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"ean,title\n4.00638E+12,Pen\n4.00638E+12,Pencil\n4.00781E+12,Ink\n")
    (problem,) = table.problems
    assert problem.code == "shortened_numbers"
    assert "4.00638E+12 in row 2, 4.00638E+12 in row 3" in problem.message
    mapping = suggest_mapping(table.columns, table.rows).build(accept_suggestions=True)
    targets = {"ean": "id", "title": "title"}
    outcome = build_items(table, type(mapping)(targets=targets), domain="goods")
    assert [(one.row.number, one.problems[0].code) for one in outcome.rejected] == [(3, "shortened_id")]
    assert "that of row 2 too" in outcome.rejected[0].problems[0].message


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!", "#NAME?", "#WERT!", "#BEZUG!", "#NV", "Err:502"])
def test_errors_are_read_as_empty_and_told(tmp_path: Path, error: str) -> None:
    table = read_bytes(tmp_path, f"id,title,price\n1,Tea,5\n2,Cup,{error}\n3,#1 Pot,7\n".encode())
    assert [row[2] for row in cells(table)] == ["5", "", "7"]
    assert cells(table)[2][1] == "#1 Pot"
    assert codes(table) == [(0, "error_cells", "warning")]
    assert f'Cells of the column "price" ({error} in row 3) hold errors' in table.problems[0].message


def test_sizes_that_became_dates_are_told(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,title,size,sold\n1,Tea,5-6,2024-01-02\n2,Cup,04-Mar,2024-01-03\n3,Pot,S,\n")
    assert [(problem.code, problem.value) for problem in table.problems] == [("odd_dates", "size")]
    assert "04-Mar in row 3" in table.problems[0].message


def test_ids_that_became_dates_are_told_even_when_all_did(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"sku,title\n2024-04-03,Tea\n2024-05-03,Cup\n")
    assert [problem.code for problem in table.problems] == ["odd_dates"]


def test_codes_kept_as_decimals_are_whole_again(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,title,ean,price\n1.0,Tea,4006381333948.0,5.0\n2.0,Cup,,7.0\n")
    assert cells(table) == [("1", "Tea", "4006381333948", "5.0"), ("2", "Cup", "", "7.0")]


def test_versions_are_left_alone(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,title\n1.0,Tea\n1.1,Cup\n")
    assert [row[0] for row in cells(table)] == ["1.0", "1.1"]


def test_texts_written_as_formulas_are_the_texts(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b'id,title,note\n"=""0012""","say =""x""",=1+1\n"=""0013""",Cup,\n')
    assert cells(table) == [("0012", 'say ="x"', "=1+1"), ("0013", "Cup", "")]
