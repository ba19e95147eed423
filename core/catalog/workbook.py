"""XLSX workbooks. A workbook is a ZIP of XML: it is measured before the parser is let at it."""

import copy
import re
import zipfile
import zlib
from itertools import islice
from pathlib import Path
from typing import Any

from core.catalog.formats import CHUNK_BYTES
from core.catalog.table import MAX_COLUMNS, MAX_ROWS, ReadOptions, Row, Table, build_columns, check_widths
from core.errors import CatalogFileError

MAX_UNPACKED = 1024**3
MAX_MEMBERS = 10_000
MAX_CELLS = 50_000_000
_CELL = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"')
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d) 00:00:00(\.0+)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_WHOLE = re.compile(r"-?\d{1,15}\.0")


def list_sheets(path: Path) -> tuple[str, ...]:
    """Names of the sheets in the workbook's order, the first that holds rows moved to the front.

    Raises:
        CatalogFileError: The workbook is damaged, or too large when unpacked.
    """
    _check_bomb(path)
    names: list[str] = list(_open(path).sheet_names)
    for name in names:
        if _load(path, name, 1):
            return (name, *(other for other in names if other != name))
    raise CatalogFileError(f"{path.name} has no sheet with rows. Fill a sheet, or save the right workbook.")


def read_workbook(path: Path, options: ReadOptions, limit: int | None = None) -> Table:
    """Read one sheet as text: whole numbers without ".0", dates as ISO, booleans as true and false.

    Raises:
        CatalogFileError: The workbook is damaged or too large, or the sheet is missing or empty.
    """
    sheets = list_sheets(path)
    sheet = options.sheet or sheets[0]
    if sheet not in sheets:
        raise CatalogFileError(f'{path.name} has no sheet "{sheet}". It has: {", ".join(sheets)}.')
    needed = None if limit is None else options.header_row + limit + 2
    found = [
        Row(number, cells)
        for number, cells in enumerate(_load(path, sheet, needed), start=1)
        if number >= options.header_row and any(cells)
    ]
    if not found:
        raise CatalogFileError(f'The sheet "{sheet}" holds no rows from row {options.header_row} on. Choose another.')
    return _build_table(found, options, limit)


def find_header(path: Path, sheet: str) -> int:
    """Sheet row of the header: the first row that fills more than half of the columns in use."""
    for number, cells in enumerate(_load(path, sheet, 50), start=1):
        if sum(1 for cell in cells if cell) * 2 > len(cells):
            return number
    return 1


def _build_table(found: list[Row], options: ReadOptions, limit: int | None) -> Table:
    width = max(max(i for i, cell in enumerate(row.cells, start=1) if cell) for row in found)
    found = [Row(row.number, row.cells[:width]) for row in found]
    names = found[0].cells if options.has_header else tuple(f"column_{n}" for n in range(1, width + 1))
    columns, problems = build_columns(names)
    rows = found[1:] if options.has_header else found
    truncated = limit is not None and len(rows) > limit
    rows, odd = check_widths(columns, rows[:limit])
    return Table(columns=columns, rows=tuple(rows), problems=(*problems, *odd), truncated=truncated)


def _open(path: Path) -> Any:
    import fastexcel

    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError as exc:
        raise _damaged(path) from exc


def _load(path: Path, sheet: str, count: int | None) -> list[tuple[str, ...]]:
    import fastexcel

    try:
        loaded = _open(path).load_sheet(sheet, header_row=None, skip_rows=0, n_rows=count, dtypes="string")
        rows = loaded.to_polars().iter_rows()
    except fastexcel.FastExcelError as exc:
        raise _damaged(path) from exc
    return [tuple("" if cell is None else _clean_cell(cell) for cell in row) for row in islice(rows, count)]


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


def _check_bomb(path: Path) -> None:
    """Unpack every member once, counting bytes and cells.

    The sizes that a ZIP declares can lie, and two cells far apart make the parser reserve all that lies between.
    """
    unpacked = 0
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise CatalogFileError(f"{path.name} has too many parts to be a plain workbook. Save it as CSV.")
            for member in members:
                unpacked += _measure(archive, member, MAX_UNPACKED - unpacked, path.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as exc:
        raise _damaged(path) from exc


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: int, name: str) -> int:
    # The reader believes the declared size and stops there; a larger one lets it go on to the true end.
    honest = copy.copy(member)
    honest.file_size = budget + 2 * CHUNK_BYTES
    is_sheet = member.filename.startswith("xl/worksheets/")
    size, tail = 0, b""
    last_row, last_column = 0, 0
    with archive.open(honest) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if size > budget:
                raise CatalogFileError(f"{name} unpacks to more than {MAX_UNPACKED // 1024**2:,} MB. Save it as CSV.")
            if is_sheet:
                cells = set(_CELL.findall(tail + chunk))
                last_row = max([last_row, *(int(row) for _, row in cells)])
                last_column = max([last_column, *(_column_number(letters) for letters in {c for c, _ in cells})])
                tail = chunk[-32:]
    _check_extent(name, last_row, last_column)
    return size


def _check_extent(name: str, rows: int, columns: int) -> None:
    if rows > MAX_ROWS or columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise CatalogFileError(
            f"{name} has a sheet of {rows:,} rows and {columns:,} columns, more than can be read. "
            "Delete the stray cells far from the table, or split it."
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
