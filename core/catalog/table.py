"""What reading a file gives: options, rows of text and the problems met."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.catalog.schema import Problem, Severity
from core.errors import CatalogFileError

Kind = Literal["delimited", "xlsx", "parquet", "jsonl"]

MAX_ROWS = 1_000_000
MAX_COLUMNS = 2_000
#: Of a whole table, empty ones too: a small packed file may hold as many as fill the memory.
MAX_CELLS = 50_000_000
VALUE_LENGTH = 200


#: What people call the separators that are hard to type.
DELIMITER_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " ", "colon": ":"}
MAX_DELIMITER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How to read one file; every option can be overridden by a person.

    Attributes:
        kind: The family of formats.
        encoding: Python codec name, for delimited and jsonl.
        lenient: Whether bytes that are not valid in the encoding are read as Windows-1252, for files put together from
            two.
        delimiter: What stands between two cells: one character, or a few, as in "::".
        quotechar: One character, or "" when quotes have no meaning.
        escapechar: One character that takes the meaning of the next one away, as a backslash does in dumps of
            databases; "" when there is none.
        has_header: False names the columns column_1, column_2, ...
        header_row: First line (or sheet row) that belongs to the table, 1-based; lines before it are skipped.
        sheet: Name of the sheet of a workbook, "" for the likeliest.
        path: Where the list of items lies in a JSON document, as in "data.items"; "" for the likeliest.

    Raises:
        CatalogFileError: An option can be read in no way; the sentence says what it may be.
    """

    kind: Kind = "delimited"
    encoding: str = "utf-8"
    lenient: bool = False
    delimiter: str = ","
    quotechar: str = '"'
    escapechar: str = ""
    has_header: bool = True
    header_row: int = 1
    sheet: str = ""
    path: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.delimiter) <= MAX_DELIMITER or set(self.delimiter) & set("\r\n\0"):
            names = ", ".join(DELIMITER_NAMES)
            raise CatalogFileError(f"The separator is one to {MAX_DELIMITER} characters of a line, or one of: {names}.")
        if len(self.quotechar) > 1 or len(self.escapechar) > 1:
            raise CatalogFileError("The quote and the escape character are one character each, or none.")
        marks = [mark for mark in (self.quotechar, self.escapechar) if mark]
        if len(set(marks)) < len(marks) or any(mark in self.delimiter or mark in "\r\n\0" for mark in marks):
            raise CatalogFileError("The separator, the quote and the escape character have to differ.")
        if self.header_row < 1:
            raise CatalogFileError("The header row is counted from 1.")
        if not _is_text_codec(self.encoding):
            raise CatalogFileError(f'"{self.encoding}" is no known encoding. Try utf-8, gb18030 or cp1252.')


def parse_delimiter(text: str) -> str:
    """The separator that a person typed: itself, its name ("tab"), or with escapes (a backslash and a t).

    Raises:
        CatalogFileError: There is none.
    """
    found = DELIMITER_NAMES.get(text.strip().lower(), text.replace("\\t", "\t"))
    return ReadOptions(delimiter=found, quotechar="").delimiter


def _is_text_codec(name: str) -> bool:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What was found out about a file before it is read.

    Attributes:
        options: The best guess.
        encodings: Candidate codecs, the likeliest first; empty for binary formats.
        sheets: Names of the sheets of a workbook that can be seen, the likeliest first.
        paths: Where lists of items lie in a JSON document, the likeliest first.
        problems: Doubts about the whole file.
    """

    options: ReadOptions
    encodings: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One record.

    Attributes:
        number: First physical line of the record (1-based), sheet row, or record number.
        cells: As many texts as there are columns, unless a "wrong_width" problem says otherwise.
    """

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file read as text.

    Attributes:
        columns: Unique, non-empty names.
        rows: Every record, rows with errors included so that a person can edit them.
        problems: Row 0 for the file, else the number of a row.
        truncated: True for a preview that stopped before the end of the file.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    truncated: bool = False


def build_problem(
    row: int, field: str, code: str, value: str, message: str, *, severity: Severity = "error"
) -> Problem:
    """A `Problem` whose value is shortened to what a page can show."""
    return Problem(row=row, field=field, code=code, value=value[:VALUE_LENGTH], message=message, severity=severity)


def build_columns(names: tuple[str, ...]) -> tuple[tuple[str, ...], list[Problem]]:
    """Make header names unique and non-empty.

    Returns:
        The names in order, and a warning for every name that had to change.
    """
    columns: list[str] = []
    problems: list[Problem] = []
    taken = {name.strip() for name in names}
    seen: set[str] = set()
    for position, raw in enumerate(names, start=1):
        name = " ".join(raw.split())
        if not name:
            new = _free_name(f"column_{position}", taken)
            message = f'Column {position} has no name and is called "{new}"; give it a name in the file if it matters.'
            problems.append(build_problem(0, new, "empty_header", "", message, severity="warning"))
        elif name in seen:
            new = _free_name(name, taken)
            message = f'The column name "{name}" occurs more than once; the later one is called "{new}".'
            problems.append(build_problem(0, new, "duplicate_header", name, message, severity="warning"))
        else:
            new = name
        seen.add(new)
        taken.add(new)
        columns.append(new)
    return tuple(columns), problems


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def check_widths(columns: tuple[str, ...], rows: list[Row]) -> tuple[list[Row], list[Problem]]:
    """Compare every record with the header.

    A record that is short only by columns which other records leave empty is padded, with a warning; a record that is
    long only by empty cells is cut, with a warning. Any other width is an error and the record stays as it was read.

    Returns:
        The rows, and one problem for every row that did not fit.
    """
    width = len(columns)
    odd = [position for position, row in enumerate(rows) if len(row.cells) != width]
    if not odd:
        return rows, []
    optional = _optional_columns(rows, width)
    broken = _broken_lines(rows, odd, width)
    checked, problems = list(rows), []
    for position in odd:
        row = rows[position]
        count = len(row.cells)
        if count < width and position not in broken and all(optional[count:]):
            checked[position] = Row(row.number, row.cells + ("",) * (width - count))
            problems.append(_width_problem(row, width, "The missing cells at the end are taken as empty.", "warning"))
        elif count > width and not any(cell.strip() for cell in row.cells[width:]):
            checked[position] = Row(row.number, row.cells[:width])
            problems.append(_width_problem(row, width, "The extra cells are empty and are left out.", "warning"))
        else:
            problems.append(_width_problem(row, width, _width_advice(count, width, position in broken), "error"))
    return checked, problems


def _optional_columns(rows: list[Row], width: int) -> list[bool]:
    """For each column: whether some complete record leaves it empty."""
    optional = [False] * width
    for row in rows:
        if len(row.cells) == width and "" in row.cells:
            for position, cell in enumerate(row.cells):
                if not cell:
                    optional[position] = True
    return optional


def _broken_lines(rows: list[Row], odd: list[int], width: int) -> set[int]:
    """Positions of neighbouring short records that together make one: a line break without quotes."""
    broken: set[int] = set()
    for position in odd:
        if position + 1 < len(rows):
            first, second = len(rows[position].cells), len(rows[position + 1].cells)
            if 1 <= first < width and 1 <= second < width and first + second == width + 1:
                broken |= {position, position + 1}
    return broken


def _width_advice(count: int, width: int, broken: bool) -> str:
    if broken:
        return "A cell seems to contain a line break; put that cell in quotes in the file, or complete the row here."
    if count > width:
        return "A cell seems to contain the delimiter; put that cell in quotes in the file, or correct the row here."
    return "Complete the row, or check that the delimiter is right."


def _width_problem(row: Row, width: int, advice: str, severity: Severity) -> Problem:
    message = f"The row has {len(row.cells)} cells where the header has {width}. {advice}"
    return build_problem(row.number, "", "wrong_width", " | ".join(row.cells), message, severity=severity)


def find_problem_rows(problems: tuple[Problem, ...]) -> Mapping[int, tuple[Problem, ...]]:
    """Row number to its problems; problems of the whole file are left out."""
    found: dict[int, list[Problem]] = {}
    for problem in problems:
        if problem.row:
            found.setdefault(problem.row, []).append(problem)
    return {row: tuple(of_row) for row, of_row in found.items()}


def check_extent(name: str, rows: int, columns: int) -> None:
    """Refuse a sheet that is too large.

    Raises:
        CatalogFileError: It has too many rows, columns or cells.
    """
    if rows > MAX_ROWS or columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise CatalogFileError(
            f"{name} has a sheet of {rows:,} rows and {columns:,} columns, more than can be read. "
            "Delete the stray cells far from the table, or split it."
        )
