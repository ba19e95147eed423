"""JSON lines, JSON documents and Parquet as a table of text; `core.catalog.flatten` makes cells of nested values."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from pathlib import Path
from typing import Any

from core.catalog.flatten import ROOT, find_lists, flatten, to_text
from core.catalog.read.formats import open_text
from core.catalog.read.spreadsheet import mend_cells
from core.catalog.schema import Problem
from core.catalog.table import MAX_COLUMNS, MAX_ROWS, ReadOptions, Row, Table, build_problem
from core.errors import CatalogFileError

MAX_JSON_CHARS = 256 * 1024 * 1024
MAX_TEXT = 2 * 1024**3
BATCH_ROWS = 20_000


def read_json(path: Path, options: ReadOptions, limit: int | None = None) -> Table:
    """Read one object a line, or one array of objects.

    Raises:
        CatalogFileError: The file is not JSON, not a table, or too large.
    """
    problems: list[Problem] = []
    in_lines = _is_lines(path, options)
    with open_text(path, options.encoding, lenient=options.lenient) as stream:
        if in_lines:
            records: Iterable[tuple[int, Any]] = _read_lines(stream, problems)
        else:
            records = enumerate(_read_document(stream, options, path.name), start=1)
        return _build_table(records, problems, limit, path.name)


def read_parquet(path: Path, limit: int | None = None) -> Table:
    """Read a Parquet file in batches.

    Raises:
        CatalogFileError: The file is damaged or too large.
    """
    import polars as pl

    try:
        frame = pl.scan_parquet(path)
        count = int(frame.select(pl.len()).collect().item())
        if count > MAX_ROWS:
            raise CatalogFileError(f"{path.name} has {count:,} rows; at most {MAX_ROWS:,} can be read. Split it.")
        return _build_table(_read_batches(frame, count, limit, path.name), [], limit, path.name)
    except (pl.exceptions.PolarsError, OSError) as exc:
        raise CatalogFileError(f"{path.name} is a damaged Parquet file. Write or upload it again.") from exc


def _read_batches(frame: Any, count: int, limit: int | None, name: str) -> Iterator[tuple[int, Any]]:
    end = count if limit is None else min(count, limit + 1)
    text = 0
    for start in range(0, end, BATCH_ROWS):
        batch = frame.slice(start, min(BATCH_ROWS, end - start)).collect()
        text += batch.estimated_size()
        if text > MAX_TEXT:
            raise CatalogFileError(f"{name} unpacks to more than {MAX_TEXT // 1024**2:,} MB. Split it.")
        yield from enumerate(batch.iter_rows(named=True), start=start + 1)


def list_paths(path: Path, options: ReadOptions) -> tuple[str, ...]:
    """Where lists of items lie in a JSON document, the likeliest first; none in JSON lines and in a plain array.

    Raises:
        CatalogFileError: The file is not JSON, or too large.
    """
    if _is_lines(path, options):
        return ()
    with open_text(path, options.encoding, lenient=options.lenient) as stream:
        return tuple(one.path for one in find_lists(_parse(stream, path.name)) if one.path)


def _is_lines(path: Path, options: ReadOptions) -> bool:
    """Whether the first line is a whole JSON object, and not the only one with a list of objects in it."""
    with open_text(path, options.encoding, lenient=options.lenient) as stream:
        lines = (line for line in stream if line.strip())
        first = next(lines, "")
        try:
            record = json.loads(first)
        except (ValueError, RecursionError):
            return False
        if not isinstance(record, dict):
            return False
        return next(lines, None) is not None or all(one.path == ROOT for one in find_lists(record))


def _read_lines(stream: Iterable[str], problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            message = "This line is not valid JSON; write one object a line, and check the quotes and commas."
            problems.append(build_problem(number, "", "bad_json", line.strip(), message))
            yield number, {}


def _read_document(stream: Any, options: ReadOptions, name: str) -> list[Any]:
    found = find_lists(_parse(stream, name))
    if not options.path:
        return found[0].records if found else []
    records = next((one.records for one in found if one.path == options.path), None)
    if records is None:
        there = ", ".join(one.path for one in found if one.path) or "none but the whole"
        raise CatalogFileError(f'{name} has no list "{options.path}". Lists there: {there}.')
    return records


def _parse(stream: Any, name: str) -> Any:
    text = stream.read(MAX_JSON_CHARS + 1)
    if len(text) > MAX_JSON_CHARS:
        raise CatalogFileError(f"{name} is too large for one JSON array. Write one object a line (JSON lines).")
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as exc:
        where = f" (line {exc.lineno})" if isinstance(exc, json.JSONDecodeError) else ""
        raise CatalogFileError(f"{name} is not valid JSON{where}. Check the quotes and commas there.") from exc


def _build_table(records: Iterable[tuple[int, Any]], problems: list[Problem], limit: int | None, name: str) -> Table:
    columns: dict[str, None] = {}
    flat: list[tuple[int, dict[str, str]]] = []
    truncated = False
    for number, record in records:
        if limit is not None and len(flat) >= limit:
            truncated = True
            break
        cells: dict[str, str] = {}
        try:
            if isinstance(record, Mapping):
                cells = flatten(record)
            else:
                message = "This entry is not an object with named fields; write it as {...}."
                problems.append(build_problem(number, "", "bad_json", to_text(record), message))
        except RecursionError:
            message = "This entry holds lists within lists too many times over; write its values plainly."
            problems.append(build_problem(number, "", "bad_json", "", message))
        columns.update(dict.fromkeys(cells))
        flat.append((number, cells))
        if len(flat) > MAX_ROWS or len(columns) > MAX_COLUMNS:
            raise CatalogFileError(f"{name} has more than {MAX_ROWS:,} rows or {MAX_COLUMNS:,} fields. Split it.")
    if not columns:
        raise CatalogFileError(f"{name} holds no objects with named fields. Write one object a line.")
    names = tuple(columns)
    rows, mended = mend_cells(names, [Row(number, tuple(map(cells.get, names, repeat("")))) for number, cells in flat])
    return Table(columns=names, rows=tuple(rows), problems=(*mended, *problems), truncated=truncated)
