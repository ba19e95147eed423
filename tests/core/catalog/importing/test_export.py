"""The file of rejected rows: complete, and harmless in a spreadsheet."""

import csv
import io

import pytest

from core.catalog.importing.export import guard_cell, rejects_csv, unguard_cell
from core.catalog.shape.validate import RejectedRow
from core.catalog.table import Row, build_problem


def test_rejects_carry_their_row_number_and_reasons() -> None:
    problems = (
        build_problem(7, "id", "missing_id", "", "Fill in an id."),
        build_problem(7, "", "x", "", "Fill in an id."),
    )
    data = rejects_csv(["id", "名称"], [RejectedRow(row=Row(7, ("", "=1+1", "more")), problems=problems)])
    assert data.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(data.decode("utf-8-sig")))) == [
        ["row", "reasons", "id", "名称", "extra_1"],
        ["7", "Fill in an id.", "", "'=1+1", "more"],
    ]


FORMULAS = [
    "=cmd|' /C calc'!A0", "+49 30 1234", "-1+2", "- Item", "@x", "\tx", "\rx", "\n=1", " =1", "\xa0=1", '"=1', "'=1",
    "''=1", "'-5", "＝1", "＋1", "－1", "＠x", "\u200b=1", "-5.00 EUR", "-A1",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_guarded_and_come_back_as_they_were(text: str) -> None:
    assert guard_cell(text) == "'" + text
    assert unguard_cell(guard_cell(text)) == text


@pytest.mark.parametrize("text", ["", "a=b", "1-2", "名称", "-5", "-1,234.50", "-$5.00", "-20%", "'", "'x'", "5"])
def test_other_cells_stay_and_negative_numbers_are_numbers(text: str) -> None:
    assert guard_cell(text) == unguard_cell(text) == text


def test_no_rejects_is_a_header() -> None:
    assert rejects_csv(["id"], []).decode("utf-8-sig") == "row,reasons,id\r\n"


def test_a_lone_surrogate_does_not_stop_the_export() -> None:
    assert b"\\ud800" in rejects_csv(["id"], [RejectedRow(row=Row(1, ("\ud800",)), problems=())])
