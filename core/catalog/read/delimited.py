"""Delimited text: reading records strictly, with a visible repair of broken quotes."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from core.catalog.read.rows import clean_rows
from core.catalog.read.split import BOM, build_reader, limit_lines, restore
from core.catalog.schema import Problem
from core.catalog.table import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    ReadOptions,
    Row,
    Table,
    build_columns,
    build_problem,
)
from core.errors import CatalogFileError

MAX_NEWLINES = 50


@dataclass(slots=True)
class Lines:
    """Physical lines with a way back, so that a record with broken quotes can be read again."""

    source: Iterator[str]
    number: int = 0
    nul_line: int = 0
    taken: list[str] = field(default_factory=list)
    waiting: deque[str] = field(default_factory=deque)

    def __iter__(self) -> "Lines":
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
        # An export that was appended to another brings its mark along.
        line = line.removeprefix(BOM)
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
    source = Lines(limit_lines(lines))
    for _ in range(options.header_row - 1):
        if next(source, None) is None:
            raise CatalogFileError(
                f"The file has fewer than {options.header_row} lines. Choose an earlier header line."
            )
    problems: list[Problem] = []
    records = read_records(source, options, problems)
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
    rows, odd = clean_rows(columns, names if options.has_header else None, rows, truncated=truncated)
    problems = [*header_problems, *_check_newlines(rows), *odd, *problems]
    problems.sort(key=lambda problem: problem.row)
    return Table(columns=columns, rows=tuple(rows), problems=tuple(problems), truncated=truncated)


def _take(records: Iterator[Row], rows: list[Row], limit: int | None) -> tuple[list[Row], bool]:
    cells = 0
    for row in records:
        if limit is not None and len(rows) >= limit:
            return rows, True
        rows.append(row)
        if len(rows) > MAX_ROWS:
            raise CatalogFileError(f"The file has more than {MAX_ROWS:,} rows. Split it into smaller files.")
        cells += len(row.cells)
        if cells > MAX_CELLS:
            raise CatalogFileError(f"The file has more than {MAX_CELLS:,} cells. Leave columns out, or split it.")
    return rows, False


def read_records(source: Lines, options: ReadOptions, problems: list[Problem]) -> Iterator[Row]:
    """Records that hold something; blank lines and lines of empty cells are passed over.

    Args:
        source: Physical lines.
        options: Separator, quote and escape character.
        problems: Repairs are added to it.
    """
    reader = build_reader(source, options)
    width = 0
    while True:
        source.taken.clear()
        start = source.number + 1
        try:
            cells = restore(next(reader), options)
        except StopIteration:
            return
        except csv.Error as exc:
            line = source.give_back()
            cells, repair = _repair(line, options, start, width, str(exc))
            problems.append(repair)
            reader = build_reader(source, options)
        if any(cell.strip() for cell in cells):
            # A line of millions of separators is one row that does not fit, and need not be kept whole for that.
            cells = cells[: max(width, MAX_COLUMNS) + 1] if width else cells
            width = width or len(cells)
            yield Row(start, tuple(cells))


def _repair(line: str, options: ReadOptions, number: int, width: int, why: str) -> tuple[list[str], Problem]:
    """Read one line whose quotes are broken on its own, and say so.

    A quote that is never closed is taken as a plain character, and the row is rejected: the cell may have gone on in
    the next lines. A stray quote inside a cell is tolerated when the width still fits the header.
    """
    unclosed = "unexpected end" in why or "field larger" in why or _is_unclosed(line, options)
    if unclosed:
        cells = _cut(line, replace(options, quotechar=""))
        message = "A quote is opened here and never closed; close it in the file, or check and correct the row here."
        return cells, build_problem(number, "", "bad_quotes", line.strip(), message)
    message = "A quote stands inside a cell without being doubled; check that the row was understood."
    literal = _cut(line, replace(options, quotechar=""))
    if len(literal) == width:
        cells = [_unquote(cell, options.quotechar) for cell in literal]
        return cells, build_problem(number, "", "bad_quotes", line.strip(), message, severity="warning")
    cells = _cut(line, options)
    return cells, build_problem(
        number, "", "bad_quotes", line.strip(), message, severity="warning" if width in (0, len(cells)) else "error"
    )


def _cut(line: str, options: ReadOptions) -> list[str]:
    return restore(next(build_reader([line], options, strict=False), []), options)


def _unquote(cell: str, quote: str) -> str:
    """A cell in quotes without them; quotes that only open a cell belong to its text."""
    if len(cell) >= 2 and cell[0] == cell[-1] == quote:
        return cell[1:-1].replace(quote * 2, quote)
    return cell


def _is_unclosed(line: str, options: ReadOptions) -> bool:
    try:
        next(build_reader([line], options), None)
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
