"""What spreadsheets do to cells: errors, numbers cut to a few digits, dates made of sizes, numbers with ".0"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.catalog.aliases import find_exact
from core.catalog.codes import is_shortened
from core.catalog.schema import Problem
from core.catalog.table import Row, build_problem

_ERROR = re.compile(r"#[A-ZÀ-Ý/0]+[!?]|#N/A|#N/D|#NV|Err:\d{3}")
_WHOLE = re.compile(r"\d+\.0")
#: A text as programs write it so that a spreadsheet keeps its zeros.
_KEPT_TEXT = re.compile(r'="([^"]*)"')
_MONTHS = "jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez"
_DATE = re.compile(
    rf"\d{{4}}-\d\d-\d\d(T\d\d:\d\d:\d\d)?|\d{{1,2}}[-. ]{{1,2}}({_MONTHS})[a-z]*\.?|({_MONTHS})[a-z]*[-. ]\d{{2}}",
    re.IGNORECASE,
)
_LONGEST = 24
#: A number with so many digits is a code, not an amount.
_CODE_DIGITS = 7
_SHOWN = 3


@dataclass(slots=True)
class _Column:
    """Rows of one column with a suspicious cell, by kind, and how many cells hold something."""

    errors: list[tuple[int, str]] = field(default_factory=list)
    shortened: list[tuple[int, str]] = field(default_factory=list)
    dates: list[tuple[int, str]] = field(default_factory=list)
    whole: list[tuple[int, str]] = field(default_factory=list)
    filled: int = 0


def mend_cells(columns: Sequence[str], rows: Sequence[Row]) -> tuple[list[Row], list[Problem]]:
    """Empty the errors, keep long numbers whole, and say what cannot be mended here.

    Returns:
        The rows, and at most one warning for each kind and column.
    """
    rows = [_unwrap(row) for row in rows]
    found = [_Column() for _ in columns]
    for row in rows:
        for one, cell in zip(found, row.cells, strict=False):
            one.filled += cell != ""
            if 2 < len(cell) < _LONGEST and (cell[0] in "#E" or cell[0].isdigit() or cell[-1].isdigit()):
                _sort(one, row.number, cell)
    whole = {n for n, one in enumerate(found) if _is_whole(columns[n], one)}
    failed = {n for n, one in enumerate(found) if one.errors}
    problems = [problem for name, one in zip(columns, found, strict=True) for problem in _tell(name, one)]
    if not whole | failed:
        return rows, problems
    return [Row(row.number, _mend(row.cells, failed, whole)) for row in rows], problems


def _unwrap(row: Row) -> Row:
    """The row with the texts that are written as formulas (="0012") as they are."""
    if not any(cell.startswith('="') for cell in row.cells):
        return row
    return Row(
        row.number, tuple(_KEPT_TEXT.sub(r"\1", cell) if _KEPT_TEXT.fullmatch(cell) else cell for cell in row.cells)
    )


def _sort(one: _Column, number: int, cell: str) -> None:
    if _ERROR.fullmatch(cell):
        one.errors.append((number, cell))
    elif is_shortened(cell):
        one.shortened.append((number, cell))
    elif _WHOLE.fullmatch(cell):
        one.whole.append((number, cell))
    elif _DATE.fullmatch(cell):
        one.dates.append((number, cell))


def _is_whole(name: str, one: _Column) -> bool:
    """Whether a column of codes went through a program that keeps numbers with a decimal."""
    if not one.whole or len(one.whole) + len(one.errors) < one.filled:
        return False
    return find_exact(name) == "id" or any(len(cell) >= _CODE_DIGITS + 2 for _, cell in one.whole)


def _mend(cells: tuple[str, ...], failed: set[int], whole: set[int]) -> tuple[str, ...]:
    mended = list(cells)
    for n in failed & set(range(len(cells))):
        mended[n] = "" if _ERROR.fullmatch(cells[n]) else cells[n]
    for n in whole & set(range(len(cells))):
        mended[n] = mended[n].removesuffix(".0")
    return tuple(mended)


def _tell(name: str, one: _Column) -> list[Problem]:
    problems = []
    if one.errors:
        advice = "errors of a spreadsheet, and they are read as empty. Mend the formulas there and save the file again."
        problems.append(_build(name, "error_cells", one.errors, advice))
    if one.shortened:
        advice = (
            "numbers of which a spreadsheet kept the first digits only. Format the column as text there, enter the "
            "numbers again, and save the file again."
        )
        problems.append(_build(name, "shortened_numbers", one.shortened, advice))
    if one.dates and (find_exact(name) == "id" or len(one.dates) * 2 < one.filled):
        advice = (
            "dates and other cells do not. A spreadsheet may have made them of something like 3-4; format the column "
            "as text there, enter them again, and save the file again."
        )
        problems.append(_build(name, "odd_dates", one.dates, advice))
    return problems


def _build(name: str, code: str, cells: list[tuple[int, str]], advice: str) -> Problem:
    shown = ", ".join(f"{cell} in row {number}" for number, cell in cells[:_SHOWN])
    more = f" and {len(cells) - _SHOWN:,} more" if len(cells) > _SHOWN else ""
    message = f'Cells of the column "{name}" ({shown}{more}) hold {advice}'
    return build_problem(0, "", code, name, message, severity="warning")
