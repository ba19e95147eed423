"""Delimited text: finding the dialect, and reading records strictly with a visible repair of broken quotes."""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from core.catalog.aliases import is_known_header
from core.catalog.schema import Problem
from core.catalog.table import (
    MAX_COLUMNS,
    MAX_ROWS,
    ReadOptions,
    Row,
    Table,
    build_columns,
    build_problem,
    check_widths,
)
from core.errors import CatalogFileError

DELIMITERS = ",;\t|"
SAMPLE_RECORDS = 200
MAX_FIELD = 16 * 1024 * 1024
MAX_NEWLINES = 50
_VALUE = re.compile(r"[-+]?[\d.,\s]*\d[\d.,\s]*%?|https?://\S+|\d{4}-\d\d-\d\d.*|\S+@\S+\.\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How the records of a text file are laid out.

    Attributes:
        delimiter: One character.
        quotechar: One character, or "".
        header_row: First line of the table, 1-based.
        has_header: Whether that line holds names.
    """

    delimiter: str
    quotechar: str = '"'
    header_row: int = 1
    has_header: bool = True


@dataclass(slots=True)
class _Lines:
    """Physical lines with a way back, so that a record with broken quotes can be read again."""

    source: Iterator[str]
    number: int = 0
    nul_line: int = 0
    taken: list[str] = field(default_factory=list)
    waiting: deque[str] = field(default_factory=deque)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.waiting.popleft() if self.waiting else self._fetch()
        self.number += 1
        self.taken.append(line)
        return line

    def _fetch(self) -> str:
        line = next(self.source)
        if "\0" in line:
            self.nul_line = self.nul_line or self.number + 1
            line = line.replace("\0", "")
        # A quoted line break reads the same whatever system wrote the file.
        return line.rstrip("\r\n") + "\n" if line.endswith("\r") or line.endswith("\r\n") else line

    def give_back(self) -> str:
        """Put back all but the first line taken since the last `taken.clear()`; return that first line."""
        first, rest = self.taken[0], self.taken[1:]
        self.waiting.extendleft(reversed(rest))
        self.number -= len(rest)
        self.taken.clear()
        return first


def read_delimited(lines: Iterable[str], options: ReadOptions, limit: int | None = None) -> Table:
    """Read records from text.

    Args:
        lines: Physical lines with their ends.
        options: Delimiter, quote, header.
        limit: Stop after so many rows; None reads all.

    Raises:
        CatalogFileError: There is no record, or there are too many rows or columns.
    """
    source = _Lines(iter(lines))
    for _ in range(options.header_row - 1):
        if next(source, None) is None:
            raise CatalogFileError(
                f"The file has fewer than {options.header_row} lines. Choose an earlier header line."
            )
    problems: list[Problem] = []
    records = _read_records(source, options, problems)
    first = next(records, None)
    if first is None:
        raise CatalogFileError("The file holds no rows. Export the table again, or choose an earlier header line.")
    names = first.cells if options.has_header else tuple(f"column_{n}" for n in range(1, len(first.cells) + 1))
    if len(names) > MAX_COLUMNS:
        raise CatalogFileError(f"The file has {len(names):,} columns; at most {MAX_COLUMNS:,} can be read.")
    columns, header_problems = build_columns(names)
    rows, truncated = _take(records, [] if options.has_header else [first], limit)
    if source.nul_line:
        message = "The file contains NUL characters, which were left out; check that it was not damaged on the way."
        problems.append(build_problem(0, "", "nul_removed", f"line {source.nul_line}", message, severity="warning"))
    rows, width_problems = check_widths(columns, rows)
    problems = [*header_problems, *_check_newlines(rows), *width_problems, *problems]
    problems.sort(key=lambda problem: problem.row)
    return Table(columns=columns, rows=tuple(rows), problems=tuple(problems), truncated=truncated)


def _take(records: Iterator[Row], rows: list[Row], limit: int | None) -> tuple[list[Row], bool]:
    for row in records:
        if limit is not None and len(rows) >= limit:
            return rows, True
        rows.append(row)
        if len(rows) > MAX_ROWS:
            raise CatalogFileError(f"The file has more than {MAX_ROWS:,} rows. Split it into smaller files.")
    return rows, False


def _read_records(source: _Lines, options: ReadOptions, problems: list[Problem]) -> Iterator[Row]:
    """Records that hold something; blank lines and lines of empty cells are passed over."""
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(source, **_csv_options(options, strict=True))
    width = 0
    while True:
        source.taken.clear()
        start = source.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            line = source.give_back()
            cells, repair = _repair(line, options, start, width, str(exc))
            problems.append(repair)
            reader = csv.reader(source, **_csv_options(options, strict=True))
        if any(cell.strip() for cell in cells):
            width = width or len(cells)
            yield Row(start, tuple(cells))


def _csv_options(options: ReadOptions, *, strict: bool) -> dict[str, Any]:
    quoting = csv.QUOTE_MINIMAL if options.quotechar else csv.QUOTE_NONE
    return {
        "delimiter": options.delimiter,
        "quotechar": options.quotechar or None,
        "quoting": quoting,
        "strict": strict,
    }


def _repair(line: str, options: ReadOptions, number: int, width: int, why: str) -> tuple[list[str], Problem]:
    """Read one line whose quotes are broken on its own, and say so.

    A quote that is never closed is taken as a plain character, and the row is rejected: the cell may have gone on in
    the next lines. A stray quote inside a cell is tolerated when the width still fits the header.
    """
    unclosed = "unexpected end" in why or "field larger" in why or _is_unclosed(line, options)
    if unclosed:
        cells = next(csv.reader([line], delimiter=options.delimiter, quoting=csv.QUOTE_NONE), [])
        message = "A quote is opened here and never closed; close it in the file, or check and correct the row here."
        return cells, build_problem(number, "", "bad_quotes", line.strip(), message)
    message = "A quote stands inside a cell without being doubled; check that the row was understood."
    literal = next(csv.reader([line], delimiter=options.delimiter, quoting=csv.QUOTE_NONE), [])
    if len(literal) == width:
        cells = [_unquote(cell, options.quotechar) for cell in literal]
        return cells, build_problem(number, "", "bad_quotes", line.strip(), message, severity="warning")
    cells = next(csv.reader([line], **_csv_options(options, strict=False)), [])
    return cells, build_problem(
        number, "", "bad_quotes", line.strip(), message, severity="warning" if width in (0, len(cells)) else "error"
    )


def _unquote(cell: str, quote: str) -> str:
    """A cell in quotes without them; quotes that only open a cell belong to its text."""
    if len(cell) >= 2 and cell[0] == cell[-1] == quote:
        return cell[1:-1].replace(quote * 2, quote)
    return cell


def _is_unclosed(line: str, options: ReadOptions) -> bool:
    try:
        next(csv.reader([line], **_csv_options(options, strict=True)), None)
    except csv.Error as exc:
        return "unexpected end" in str(exc)
    return False


def _check_newlines(rows: list[Row]) -> Iterator[Problem]:
    for row in rows:
        for cell in row.cells:
            if "\n" in cell and cell.count("\n") > MAX_NEWLINES:
                message = (
                    f"A cell spans {cell.count(chr(10)) + 1} lines; a quote may be opened by mistake and have "
                    "swallowed rows. Check the file at this line."
                )
                yield build_problem(row.number, "", "long_cell", cell, message, severity="warning")
                break


def detect_dialect(lines: list[str], chosen: str = "") -> Dialect:
    """Find the delimiter, the header line and whether it holds names.

    Args:
        lines: The first physical lines of the file, with their ends, NUL removed.
        chosen: The delimiter that a person chose, "" to find it.
    """
    if chosen:
        delimiter, skip = chosen, 0
    elif lines and (mark := re.fullmatch(r'"?sep=(.)"?\s*', lines[0])):
        delimiter, skip = mark[1], 1
    else:
        delimiter, skip = _detect_delimiter(lines), 0
    records = _sample_records(lines[skip:], delimiter)
    offset = _count_junk(records)
    header_row = records[offset].number + skip if records else 1
    body = [row.cells for row in records[offset:]]
    return Dialect(delimiter=delimiter, header_row=header_row, has_header=_has_header(body))


def _sample_records(lines: list[str], delimiter: str) -> list[Row]:
    options = ReadOptions(delimiter=delimiter)
    records: list[Row] = []
    for row in _read_records(_Lines(iter(lines)), options, []):
        records.append(row)
        if len(records) == SAMPLE_RECORDS:
            break
    return records


def _detect_delimiter(lines: list[str]) -> str:
    """The only delimiter that cuts the records evenly; clevercsv, then `csv.Sniffer`, where that leaves a doubt."""
    even = {d: width for d in DELIMITERS if (width := _even_width(_sample_records(lines, d))) > 1}
    if len(even) == 1:
        return next(iter(even))
    if not any(d in line for line in lines for d in DELIMITERS):
        return ","
    return _sniff(lines) or (max(even, key=lambda d: even[d]) if even else ",")


def _even_width(records: list[Row]) -> int:
    """The width shared by 98 % of the records, else 0."""
    if not records:
        return 0
    width, count = Counter(len(row.cells) for row in records).most_common(1)[0]
    return width if count >= 0.98 * len(records) else 0


def _sniff(lines: list[str]) -> str:
    import clevercsv

    sample = "".join(lines[:60])[:20_000]
    try:
        dialect = clevercsv.Sniffer().sniff(sample, delimiters=DELIMITERS)
        if dialect is not None and dialect.delimiter in tuple(DELIMITERS):
            return str(dialect.delimiter)
    except clevercsv.Error:
        pass
    try:
        return csv.Sniffer().sniff(sample, delimiters=DELIMITERS).delimiter
    except csv.Error:
        return ""


def _count_junk(records: list[Row]) -> int:
    """How many records stand before the table: titles and notes, far narrower than most of the file."""
    if len(records) < 3:
        return 0
    width, count = Counter(len(row.cells) for row in records).most_common(1)[0]
    if width < 3 or count < 0.6 * len(records):
        return 0
    filled = [sum(1 for cell in row.cells if cell.strip()) for row in records]
    for position, row in enumerate(records[:50]):
        if len(row.cells) * 2 > width and filled[position] * 2 > width:
            return position
    return 0


def _has_header(records: list[tuple[str, ...]]) -> bool:
    """Names are words; a first row with numbers or addresses in a third of its cells is data."""
    if not records:
        return True
    header = [cell.strip() for cell in records[0]]
    if any(is_known_header(cell) for cell in header):
        return True
    values = sum(1 for cell in header if _VALUE.fullmatch(cell) or len(cell) > 200)
    return values * 3 < len(header)
