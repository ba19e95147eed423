"""The file of rejected rows: complete, and harmless in a spreadsheet."""

import csv
import io

import pytest

from core.catalog.export import guard_cell, rejects_csv
from core.catalog.table import Row, build_problem
from core.catalog.validate import RejectedRow


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


@pytest.mark.parametrize("text", ["=cmd", "+1", "-1", "@x", "\tx", "\rx"])
def test_formulas_are_guarded(text: str) -> None:
    assert guard_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=b", "1-2", "名称"])
def test_other_cells_stay(text: str) -> None:
    assert guard_cell(text) == text


def test_no_rejects_is_a_header() -> None:
    assert rejects_csv(["id"], []).decode("utf-8-sig") == "row,reasons,id\r\n"


def test_a_lone_surrogate_does_not_stop_the_export() -> None:
    assert b"\\ud800" in rejects_csv(["id"], [RejectedRow(row=Row(1, ("\ud800",)), problems=())])
