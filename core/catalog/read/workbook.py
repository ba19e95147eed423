"""XLSX workbooks. A workbook is a ZIP of XML: it is measured before the parser is let at it."""

import copy
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from core.catalog.aliases import is_known_header
from core.catalog.read.formats import CHUNK_BYTES
from core.catalog.read.headers import find_header, has_header
from core.catalog.read.rows import clean_rows
from core.catalog.schema import Problem
from core.catalog.table import Detected, ReadOptions, Row, Table, build_columns, build_problem, check_extent
from core.errors import CatalogFileError

MAX_UNPACKED = 1024**3
MAX_MEMBERS = 10_000
#: Any cell with its place, whatever else it says, in whatever order, quotes and name space.
_CELL = re.compile(rb"""<(?:\w+:)?c\s(?:[^<>]*?\s)?r\s*=\s*["']\$?([A-Za-z]{1,3})\$?(\d{1,7})["']""")
#: A cell with a formula and no value, as programs write it that do not calculate.
_UNSOLVED = re.compile(rb'<c r="([A-Z]{1,3}\d{1,7})"[^<>]*><f[^<>]*?(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>')
_MAX_UNSOLVED = 1_000
_TAIL_BYTES = 4096
HEAD_ROWS = 60
_SHOWN = 10
_ERRORS = {
    "Ref": "#REF!",
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Value": "#VALUE!",
}
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d) 00:00:00(\.0+)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_WHOLE = re.compile(r"-?\d{1,15}\.0")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The head of a sheet.

    Attributes:
        name: As the workbook calls it.
        visible: Whether a person sees it.
        rows: The first rows that hold something, (sheet row, cells).
    """

    name: str
    visible: bool
    rows: tuple[Row, ...]

    @property
    def header(self) -> Row:
        """The row that looks like the header."""
        return self.rows[find_header([row.cells for row in self.rows])]

    @property
    def is_table(self) -> bool:
        """Whether it has columns and something below their names."""
        return bool(self.rows) and len(self.rows) > 1 and sum(1 for cell in self.header.cells if cell) > 1

    @property
    def names_fields(self) -> bool:
        """Whether two columns are called as fields of an item are."""
        return self.is_table and sum(is_known_header(cell) for cell in self.header.cells if cell) > 1


def detect_workbook(path: Path) -> Detected:
    """Find the sheet that holds the table, and its header.

    Raises:
        CatalogFileError: The workbook is damaged or too large when unpacked, or no sheet holds rows.
    """
    unsolved = _check_bomb(path)
    sheets = _look_into(path)
    filled = [one for one in sheets if one.visible and one.rows] or [one for one in sheets if one.rows]
    if not filled:
        raise CatalogFileError(f"{path.name} has no sheet with rows. Fill a sheet, or save the right workbook.")
    named = [one for one in filled if one.names_fields] or [one for one in filled if one.is_table]
    chosen = (named or filled)[0]
    visible = [one.name for one in sheets if one.visible and one is not chosen]
    problems = [*_tell_sheets(chosen, filled, sheets), *_tell_unsolved(unsolved)]
    return Detected(options=_build_options(chosen), sheets=(chosen.name, *visible), problems=tuple(problems))


def detect_sheet(path: Path, sheet: str) -> ReadOptions:
    """Find the header of a sheet that a person chose.

    Raises:
        CatalogFileError: The workbook is damaged, or has no such sheet.
    """
    _check_bomb(path)
    book = _open(path)
    _check_name(path, book, sheet)
    found = _look_at(book, path, sheet)
    return _build_options(found) if found.rows else ReadOptions(kind="xlsx", sheet=sheet)


def read_workbook(path: Path, options: ReadOptions, limit: int | None = None) -> Table:
    """Read one sheet as text: whole numbers without ".0", dates as ISO, booleans as true and false.

    Raises:
        CatalogFileError: The workbook is damaged or too large, or the sheet is missing or empty.
    """
    sheet = options.sheet or detect_workbook(path).options.sheet
    _check_bomb(path)
    book = _open(path)
    _check_name(path, book, sheet)
    needed = None if limit is None else options.header_row + limit + 2
    found = [row for row in _load(book, path, sheet, needed)[1] if row.number >= options.header_row and any(row.cells)]
    if not found:
        raise CatalogFileError(f'The sheet "{sheet}" holds no rows from row {options.header_row} on. Choose another.')
    return _build_table(found, options, limit)


def _build_options(sheet: _Sheet) -> ReadOptions:
    below = [row.cells for row in sheet.rows if row.number >= sheet.header.number]
    return ReadOptions(kind="xlsx", sheet=sheet.name, header_row=sheet.header.number, has_header=has_header(below))


def _tell_sheets(chosen: _Sheet, filled: list[_Sheet], sheets: list[_Sheet]) -> Iterator[Problem]:
    others = [one.name for one in filled if one is not chosen]
    hidden = [one.name for one in sheets if not one.visible and one is not chosen]
    if not others and not hidden:
        return
    parts = [f"The sheet “{chosen.name}” is read."]
    parts += [f"The workbook also holds {_quote(others)}."] if others else []
    parts += [f"Hidden and left out: {_quote(hidden)}."] if hidden else []
    message = " ".join([*parts, "Another sheet can be chosen (on the page, or with --sheet)."])
    yield build_problem(0, "", "several_sheets", chosen.name, message, severity="warning")


def _quote(names: list[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _tell_unsolved(cells: set[str]) -> Iterator[Problem]:
    if cells:
        shown = ", ".join(sorted(cells)[:3])
        message = (
            f"Cells of the workbook ({shown}{' and more' if len(cells) > 3 else ''}) hold formulas without their "
            "results, and are read as empty. Open it in a spreadsheet, save it there, and take that file."
        )
        yield build_problem(0, "", "formulas", shown, message, severity="warning")


def _build_table(found: list[Row], options: ReadOptions, limit: int | None) -> Table:
    width = max(max(i for i, cell in enumerate(row.cells, start=1) if cell) for row in found)
    check_extent("The workbook", len(found), width)  # cells need not say where they stand
    found = [Row(row.number, row.cells[:width]) for row in found]
    names = found[0].cells if options.has_header else tuple(f"column_{n}" for n in range(1, width + 1))
    columns, problems = build_columns(names)
    rows = found[1:] if options.has_header else found
    truncated = limit is not None and len(rows) > limit
    rows, odd = clean_rows(columns, names if options.has_header else None, rows[:limit], truncated=truncated)
    return Table(columns=columns, rows=tuple(rows), problems=(*problems, *odd), truncated=truncated)


def _check_name(path: Path, book: Any, sheet: str) -> None:
    if sheet not in book.sheet_names:
        raise CatalogFileError(f'{path.name} has no sheet "{sheet}". It has: {", ".join(book.sheet_names)}.')


def _look_into(path: Path) -> list[_Sheet]:
    book = _open(path)
    return [_look_at(book, path, name) for name in book.sheet_names]


def _look_at(book: Any, path: Path, name: str) -> _Sheet:
    visible, rows = _load(book, path, name, HEAD_ROWS)
    return _Sheet(name, visible, tuple(row for row in rows if any(cell.strip() for cell in row.cells)))


def _open(path: Path) -> Any:
    import fastexcel

    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError as exc:
        raise _damaged(path) from exc


def _load(book: Any, path: Path, sheet: str, count: int | None) -> tuple[bool, list[Row]]:
    """Whether the sheet can be seen, and its rows from the first one on."""
    import fastexcel

    try:
        loaded = book.load_sheet(sheet, header_row=None, skip_rows=0, n_rows=count, dtypes="string")
        frame = loaded.to_polars()
        failed = _find_errors(loaded)
    except fastexcel.FastExcelError as exc:
        raise _damaged(path) from exc
    rows = []
    for number, cells in enumerate(islice(frame.iter_rows(), count)):
        texts = ["" if cell is None else _clean_cell(cell) for cell in cells]
        for column, error in failed.get(number, ()):
            texts[column] = error
        rows.append(Row(number + 1, tuple(texts)))
    return str(loaded.visible) == "visible", rows


def _find_errors(loaded: Any) -> dict[int, list[tuple[int, str]]]:
    """Position of a row to its cells with an error, (position, the error as a spreadsheet shows it)."""
    _, errors = loaded.to_arrow_with_errors()
    found: dict[int, list[tuple[int, str]]] = {}
    for one in errors.errors if errors else ():
        row, column = one.offset_position
        kind = re.search(r"Error\((\w+)\)", one.detail)
        found.setdefault(row, []).append((column, _ERRORS.get(kind[1] if kind else "", "#VALUE!")))
    return found


def _damaged(path: Path) -> CatalogFileError:
    return CatalogFileError(f"{path.name} is a damaged or protected workbook. Save it again without a password.")


def _clean_cell(text: str) -> str:
    """Undo what the cell's number type adds; text cells that look the same read the same."""
    if not text or not (text[0].isdigit() or text[0] == "-"):
        return text
    if match := _MIDNIGHT.fullmatch(text):
        return match[1]
    if match := _MOMENT.fullmatch(text):
        return f"{match[1]}T{match[2]}"
    if _WHOLE.fullmatch(text):
        return text[:-2]
    # A spreadsheet shows 15 significant digits; beyond them is binary noise.
    return format(float(text), ".15g") if _DECIMAL.fullmatch(text) and len(text) > 17 else text


def _check_bomb(path: Path) -> set[str]:
    """Unpack every member once, counting bytes and cells.

    The sizes that a ZIP declares can lie, and two cells far apart make the parser reserve all that lies between.

    Returns:
        Cells with formulas whose results were not saved, at most `_MAX_UNSOLVED`.
    """
    unpacked = 0
    unsolved: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise CatalogFileError(f"{path.name} has too many parts to be a plain workbook. Save it as CSV.")
            for member in members:
                unpacked += _measure(archive, member, MAX_UNPACKED - unpacked, path.name, unsolved)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as exc:
        raise _damaged(path) from exc
    return unsolved


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: int, name: str, unsolved: set[str]) -> int:
    # The reader believes the declared size and stops there; a larger one lets it go on to the true end.
    honest = copy.copy(member)
    honest.file_size = budget + 2 * CHUNK_BYTES
    size, tail = 0, b""
    last_row, last_column = 0, 0
    with archive.open(honest) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if size > budget:
                raise CatalogFileError(f"{name} unpacks to more than {MAX_UNPACKED // 1024**2:,} MB. Save it as CSV.")
            # Which member is a sheet is said by another member, so all are looked at.
            cells = set(_CELL.findall(tail + chunk))
            last_row = max([last_row, *(int(row) for _, row in cells)])
            last_column = max([last_column, *(_column_number(letters) for letters in {c for c, _ in cells})])
            if len(unsolved) < _MAX_UNSOLVED:
                unsolved |= {ref.decode() for ref in _UNSOLVED.findall(tail + chunk)}
            tail = chunk[-_TAIL_BYTES:]
    check_extent(name, last_row, last_column)
    return size


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
