"""The mapped columns of a log file as text, a column at a time.

`core.catalog.read.read.read_table` makes a Python object of every row and stops at a million rows. Logs are longer than
catalogues, so delimited text is streamed here and Parquet is read by column; the encoding, delimiter and header are
those that `core.catalog.read.read.detect` finds, and the columns are called the same. Text with broken quotes goes
back to `read_table`, which repairs it row by row, as do workbooks and JSON.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from operator import itemgetter
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.catalog.read.formats import open_text
from core.catalog.read.read import read_table
from core.catalog.read.read_apart import READ_SECONDS, stream_apart
from core.catalog.read.split import BOM, build_reader, limit_lines, restore
from core.catalog.schema import Problem
from core.catalog.table import ReadOptions, build_columns, build_problem, find_problem_rows
from core.errors import CatalogFileError
from core.wording import count_noun

MAX_EVENTS = 20_000_000
#: Problems of one kind that are listed row by row; the rest is only counted.
MAX_LISTED = 1_000
_BATCH = 100_000
_PLAIN_TYPES = (pl.String, pl.Boolean, pl.Categorical, pl.Enum, pl.Null)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCells:
    """The cells of the mapped columns.

    Attributes:
        cells: One column of text a target, without surrounding spaces, "" where a cell is empty, (N,) each.
        numbers: First physical line of each record, sheet row or record number, as in `core.catalog.table.Row`, (N,).
        rows: Records in the file, those left out included.
        problems: What was wrong with the file and with records that were left out.
    """

    cells: pl.DataFrame
    numbers: NDArray[np.int64]
    rows: int
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Parts:
    """What streaming has gathered so far."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    wrong: int = 0
    repeated: int = 0


def read_cells(path: Path, options: ReadOptions, columns: Mapping[str, str]) -> LogCells:
    """Read the columns of a log.

    Args:
        path: The file.
        options: How to read it, as `core.catalog.read.read.detect` found or a person chose.
        columns: Target to the name of its column.

    Raises:
        CatalogFileError: The file cannot be read with these options, or is too large.
    """
    if options.kind == "parquet" and (found := _read_parquet(path, columns)) is not None:
        return found
    if options.kind == "delimited":
        try:
            return _read_delimited(path, options, columns)
        except csv.Error as exc:
            return _read_repaired(path, options, columns, str(exc))
    return _read_table(path, options, columns)


def _read_delimited(path: Path, options: ReadOptions, columns: Mapping[str, str]) -> LogCells:
    parts = _Parts()
    with open_text(path, options.encoding, lenient=options.lenient) as stream:
        lines = limit_lines(stream)
        for _ in islice(lines, options.header_row - 1):
            pass
        records = _number_records(_drop_nul(lines, parts), options)
        first = next(records, None)
        if first is None:
            raise CatalogFileError("The file holds no rows. Export the log again, or choose an earlier header line.")
        names = first[1] if options.has_header else [f"column_{n}" for n in range(1, len(first[1]) + 1)]
        unique, problems = build_columns(tuple(names))
        parts.problems += problems
        _gather(records, first if not options.has_header else None, _find_positions(unique, columns), parts, names)
    return _join(parts, columns)


def _drop_nul(lines: Iterator[str], parts: _Parts) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" not in line:
            # An export that was appended to another brings its mark along.
            yield line.removeprefix(BOM)
            continue
        if not any(problem.code == "nul_removed" for problem in parts.problems):
            message = "The file contains NUL characters, which were left out; check that it was not damaged on the way."
            where = f"line {number}"
            parts.problems.append(build_problem(0, "", "nul_removed", where, message, severity="warning"))
        yield line.replace("\0", "")


def _number_records(lines: Iterator[str], options: ReadOptions) -> Iterator[tuple[int, list[str]]]:
    """Records that hold something, with the physical line that each starts on."""
    reader = build_reader(lines, options)
    replaced = len(options.delimiter) > 1 or options.escapechar
    line = options.header_row
    for record in reader:
        if any(record):
            yield line, restore(record, options) if replaced else record
        line = options.header_row + reader.line_num


def _find_positions(names: tuple[str, ...], columns: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(names.index(column) for column in columns.values())


def _gather(
    records: Iterator[tuple[int, list[str]]],
    first: tuple[int, list[str]] | None,
    positions: tuple[int, ...],
    parts: _Parts,
    names: list[str],
) -> None:
    width = len(names)
    pick = itemgetter(*positions)
    batch: list[tuple[str, ...]] = [] if first is None else [pick(first[1])]
    parts.numbers += [] if first is None else [first[0]]
    for number, record in records:
        if len(record) != width and (len(record) < width or any(record[width:])):
            _refuse_width(number, record, width, parts)
            continue
        if record == names:
            parts.repeated += 1
            continue
        batch.append(pick(record))
        parts.numbers.append(number)
        if len(batch) == _BATCH:
            parts.frames.append(_build_frame(batch, len(positions)))
            batch = []
        if len(parts.numbers) > MAX_EVENTS:
            raise CatalogFileError(f"The log has more than {MAX_EVENTS:,} rows. Keep the newest of them.")
    parts.frames.append(_build_frame(batch, len(positions)))


def _refuse_width(number: int, record: list[str], width: int, parts: _Parts) -> None:
    if not any(cell.strip() for cell in record):
        return
    parts.wrong += 1
    if parts.wrong <= MAX_LISTED:
        message = (
            f"The row has {len(record)} cells where the header has {width}. Complete the row, or put a cell that "
            "contains the delimiter in quotes."
        )
        parts.problems.append(build_problem(number, "", "wrong_width", " | ".join(record), message))


def _build_frame(batch: list[tuple[str, ...]], width: int) -> pl.DataFrame:
    columns = zip(*batch, strict=True) if batch else [()] * width
    return pl.DataFrame([pl.Series(str(n), cells, pl.String) for n, cells in enumerate(columns)])


def _join(parts: _Parts, columns: Mapping[str, str]) -> LogCells:
    frame = pl.concat(parts.frames)
    frame.columns = list(columns)
    if parts.wrong > MAX_LISTED:
        message = (
            f"{count_noun(parts.wrong, 'row does', 'rows do')} not fit the header; check that the delimiter is right."
        )
        parts.problems.append(build_problem(0, "", "wrong_width", str(parts.wrong), message, severity="warning"))
    if parts.repeated:
        headers = count_noun(parts.repeated, "row repeats", "rows repeat")
        message = f"{headers} the header and stayed out; the file was put together from several."
        parts.problems.append(build_problem(0, "", "repeated_header", str(parts.repeated), message, severity="warning"))
    return LogCells(
        cells=_strip(frame),
        numbers=np.array(parts.numbers, np.int64),
        rows=len(frame) + parts.wrong,
        problems=tuple(parts.problems),
    )


def _strip(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.all().fill_null("").str.strip_chars())


def _read_repaired(path: Path, options: ReadOptions, columns: Mapping[str, str], why: str) -> LogCells:
    try:
        return _read_table(path, options, columns)
    except CatalogFileError as exc:
        raise CatalogFileError(f"{path.name} has broken quotes ({why}), so it is read row by row. {exc}") from exc


def _read_table(path: Path, options: ReadOptions, columns: Mapping[str, str]) -> LogCells:
    table = read_table(path, options)
    bad = {
        number
        for number, found in find_problem_rows(table.problems).items()
        if any(problem.severity == "error" for problem in found)
    }
    good = [row for row in table.rows if row.number not in bad]
    positions = _find_positions(table.columns, columns)
    # JSON can name half of a surrogate pair, which no text column can hold.
    cells = [[row.cells[n].encode("utf-8", "replace").decode() for row in good] for n in positions]
    frame = pl.DataFrame([pl.Series(target, texts, pl.String) for target, texts in zip(columns, cells, strict=True)])
    numbers = np.array([row.number for row in good], np.int64)
    return LogCells(cells=_strip(frame), numbers=numbers, rows=len(table.rows), problems=table.problems)


def _read_parquet(path: Path, columns: Mapping[str, str]) -> LogCells | None:
    """The columns as text, None when a column is nested or of an unusual type; read apart."""
    parts = stream_apart(send_parquet, dict(columns), MAX_EVENTS, path=path, seconds=READ_SECONDS)
    frames = [pl.read_ipc(part) for part in parts]
    if not frames:
        return None
    frame = pl.concat(frames)
    return LogCells(cells=_strip(frame), numbers=np.arange(1, len(frame) + 1), rows=len(frame), problems=())


def send_parquet(path: str, columns: Mapping[str, str], most: int) -> Iterator[bytes]:
    """The columns as Arrow files of text, for the process apart; nothing when a column is of an unusual type."""
    name = Path(path).name
    try:
        scan = pl.scan_parquet(path)
        types = scan.collect_schema()
        count = int(scan.select(pl.len()).collect().item())
        if count > most:
            raise CatalogFileError(f"{name} has {count:,} rows; at most {most:,} can be read. Split it.")
        if any(column not in types or not _is_simple(types[column]) for column in columns.values()):
            return
        texts = scan.select([_to_text(column, types[column]).alias(target) for target, column in columns.items()])
        for start in range(0, max(count, 1), _BATCH):
            packed = BytesIO()
            texts.slice(start, _BATCH).collect().write_ipc(packed)
            yield packed.getvalue()
    except (pl.exceptions.PolarsError, OSError) as exc:
        raise CatalogFileError(f"{name} is a damaged Parquet file. Write or upload it again.") from exc


def _is_simple(kind: pl.DataType) -> bool:
    return kind.is_numeric() or isinstance(kind, (*_PLAIN_TYPES, pl.Datetime, pl.Date))


def _to_text(column: str, kind: pl.DataType) -> pl.Expr:
    """As `core.catalog.read.structured` writes it: whole numbers without ".0", moments as ISO."""
    cell = pl.col(column)
    if isinstance(kind, pl.Datetime):
        cell = cell.dt.convert_time_zone("UTC") if kind.time_zone else cell
        return cell.dt.to_string("%Y-%m-%d %H:%M:%S")
    if kind.is_float():
        whole = (cell == cell.floor()) & (cell.abs() < 1e15)
        return pl.when(whole).then(cell.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(cell.cast(pl.String))
    return cell.cast(pl.String)
