"""Reading a catalogue file of any supported format as a table of text.

`detect` looks, a person may override what it found, `read_table` reads. What a row means is not known here. Text is cut
here, line by line; every other format has a parser that a crafted file can kill or fill, and is read apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.catalog.read import readers
from core.catalog.read.formats import sniff_kind
from core.catalog.read.read_apart import LOOK_SECONDS, READ_SECONDS, stream_apart
from core.catalog.read.readers import PREVIEW_ROWS, SAMPLE_CHARS, SAMPLE_LINES, find_layout_problems
from core.catalog.schema import Problem
from core.catalog.table import Detected, ReadOptions, Row, Table

__all__ = [
    "PREVIEW_ROWS",
    "SAMPLE_CHARS",
    "SAMPLE_LINES",
    "Detected",
    "ReadOptions",
    "Row",
    "Table",
    "detect",
    "detect_layout",
    "find_layout_problems",
    "preview_table",
    "read_table",
]

#: Read in this process; whatever is not named here is read apart.
_HERE = ("delimited",)
_BATCH_CHARS = 2**21


def detect(path: Path) -> Detected:
    """Find out how to read a file.

    Args:
        path: A table file, by its bytes rather than its name: delimited text (also .gz), XLSX, Parquet or JSON.

    Raises:
        CatalogFileError: The file cannot be read as a table; the message says what to do instead.
    """
    if sniff_kind(path) in _HERE:
        return readers.detect(path)
    (found,) = stream_apart(detect_plainly, path=path, seconds=LOOK_SECONDS)
    return _build_detected(found)


def detect_layout(path: Path, options: ReadOptions, delimiter: str = "") -> ReadOptions:
    """Find delimiter, header line and header again, after a person chose another encoding or sheet.

    Args:
        path: The file.
        options: How its letters are read, or the sheet.
        delimiter: The one that a person chose, "" to find it.

    Raises:
        CatalogFileError: The file cannot be read in that encoding, or has no such sheet.
    """
    if options.kind in _HERE:
        return readers.detect_layout(path, options, delimiter)
    (found,) = stream_apart(detect_layout_plainly, asdict(options), delimiter, path=path, seconds=LOOK_SECONDS)
    return ReadOptions(**found)


def read_table(path: Path, options: ReadOptions) -> Table:
    """Read the whole file.

    Args:
        path: The file that `detect` looked at.
        options: Its options, or a person's.

    Raises:
        CatalogFileError: The file cannot be read with these options, or is too large.
    """
    return _read(path, options, None)


def preview_table(path: Path, options: ReadOptions, limit: int = PREVIEW_ROWS) -> Table:
    """Read the first `limit` rows; `Table.truncated` tells whether there are more.

    Raises:
        CatalogFileError: As `read_table`.
    """
    return _read(path, options, limit)


def _read(path: Path, options: ReadOptions, limit: int | None) -> Table:
    if options.kind in _HERE:
        return readers.read_table(path, options, limit)
    seconds = READ_SECONDS if limit is None else LOOK_SECONDS
    parts = stream_apart(read_plainly, asdict(options), limit, path=path, seconds=seconds)
    head = next(parts)
    return Table(
        columns=tuple(head["columns"]),
        rows=tuple(Row(number, tuple(cells)) for part in parts for number, cells in part),
        problems=_build_problems(head["problems"]),
        truncated=head["truncated"],
    )


def detect_plainly(path: str) -> Iterator[dict[str, Any]]:
    """`readers.detect` as values of JSON, for the process apart."""
    yield asdict(readers.detect(Path(path)))


def detect_layout_plainly(path: str, options: Mapping[str, Any], delimiter: str) -> Iterator[dict[str, Any]]:
    """`readers.detect_layout` as values of JSON, for the process apart."""
    yield asdict(readers.detect_layout(Path(path), ReadOptions(**options), delimiter))


def read_plainly(path: str, options: Mapping[str, Any], limit: int | None) -> Iterator[Any]:
    """`readers.read_table` as values of JSON, for the process apart: the head, then rows in parts."""
    table = readers.read_table(Path(path), ReadOptions(**options), limit)
    problems = [asdict(problem) for problem in table.problems]
    yield {"columns": table.columns, "problems": problems, "truncated": table.truncated}
    part: list[tuple[int, tuple[str, ...]]] = []
    chars = 0
    for row in table.rows:
        part.append((row.number, row.cells))
        chars += sum(map(len, row.cells))
        if chars > _BATCH_CHARS:
            yield part
            part, chars = [], 0
    yield part


def _build_detected(found: Mapping[str, Any]) -> Detected:
    names = {key: tuple(found[key]) for key in ("encodings", "sheets", "paths")}
    options = ReadOptions(**found["options"])
    return Detected(options=options, problems=_build_problems(found["problems"]), **names)


def _build_problems(found: list[Mapping[str, Any]]) -> tuple[Problem, ...]:
    return tuple(Problem(**one) for one in found)
