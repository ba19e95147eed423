"""Reading a file of any supported format in this process; `core.catalog.read.read` decides in which process that is."""

from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from core.catalog.flatten import ROOT
from core.catalog.read.delimited import read_delimited
from core.catalog.read.dialect import detect_dialect
from core.catalog.read.encoding import EncodingGuess, detect_encoding, name_encoding
from core.catalog.read.formats import open_text, read_chunks, sniff_kind
from core.catalog.read.split import BOM
from core.catalog.read.structured import list_paths, read_json, read_parquet
from core.catalog.read.workbook import detect_sheet, detect_workbook, read_workbook
from core.catalog.schema import Problem
from core.catalog.table import Detected, ReadOptions, Table, build_problem

SAMPLE_LINES = 400
SAMPLE_CHARS = 400_000
PREVIEW_ROWS = 50


def detect(path: Path) -> Detected:
    """As `core.catalog.read.read.detect`."""
    kind = sniff_kind(path)
    if kind == "parquet":
        return Detected(options=ReadOptions(kind=kind))
    if kind == "xlsx":
        found = detect_workbook(path)
        return replace(found, problems=(*found.problems, *find_layout_problems(found.options)))
    guess = detect_encoding(partial(read_chunks, path))
    options = ReadOptions(kind=kind, encoding=guess.encodings[0], lenient=guess.damaged_line > 0)
    problems = _encoding_problems(guess)
    if kind == "delimited":
        options = detect_layout(path, options)
        return Detected(options=options, encodings=guess.encodings, problems=problems + find_layout_problems(options))
    paths = list_paths(path, options)
    options = replace(options, path=paths[0] if paths and paths[0] != ROOT else "")
    return Detected(options=options, encodings=guess.encodings, paths=paths, problems=problems + _list_problems(paths))


def detect_layout(path: Path, options: ReadOptions, delimiter: str = "") -> ReadOptions:
    """As `core.catalog.read.read.detect_layout`."""
    if options.kind == "xlsx":
        return detect_sheet(path, options.sheet)
    with open_text(path, options.encoding, lenient=options.lenient) as stream:
        lines: list[str] = []
        size = 0
        for line in islice(iter(partial(stream.readline, SAMPLE_CHARS), ""), SAMPLE_LINES):
            lines.append(line.replace("\0", "").removeprefix(BOM))
            size += len(line)
            if size > SAMPLE_CHARS:
                break
    dialect = detect_dialect(lines, delimiter)
    return replace(
        options,
        delimiter=dialect.delimiter,
        quotechar=dialect.quotechar,
        escapechar=dialect.escapechar,
        header_row=dialect.header_row,
        has_header=dialect.has_header,
    )


def read_table(path: Path, options: ReadOptions, limit: int | None) -> Table:
    """Read a file, whole or its first `limit` rows.

    Raises:
        CatalogFileError: The file cannot be read with these options, or is too large.
    """
    if options.kind == "xlsx":
        return read_workbook(path, options, limit)
    if options.kind == "parquet":
        return read_parquet(path, limit)
    if options.kind == "jsonl":
        return read_json(path, options, limit)
    with open_text(path, options.encoding, lenient=options.lenient) as stream:
        return read_delimited(stream, options, limit)


def _encoding_problems(guess: EncodingGuess) -> tuple[Problem, ...]:
    if guess.certain:
        return ()
    if guess.damaged_line:
        line = str(guess.damaged_line)
        message = (
            f"Most of the file is UTF-8, but line {line} is not; it was probably put together from two files. Such "
            "lines are read as Windows-1252. Check them, and save the file as UTF-8."
        )
        return (build_problem(0, "", "mixed_encoding", line, message, severity="warning"),)
    first, *others = (name_encoding(name) for name in guess.encodings[:3])
    next_likeliest = f" Next likeliest: {', '.join(others)}." if others else ""
    message = (
        f"The file does not say how its letters are encoded. It is read as {first}, so a line reads “{guess.sample}”."
        f"{next_likeliest} If letters look wrong, choose another encoding (on the page, or with --encoding)."
    )
    return (build_problem(0, "", "guessed_encoding", guess.encodings[0], message, severity="warning"),)


def _list_problems(paths: tuple[str, ...]) -> tuple[Problem, ...]:
    first, *others = [path for path in paths if path != ROOT] or [""]
    if not others:
        return ()
    message = (
        f"The list “{first}” is read. The file also holds {', '.join(f'“{other}”' for other in others[:10])}. Another "
        "list can be chosen (on the page, or with --sheet)."
    )
    return (build_problem(0, "", "several_lists", first, message, severity="warning"),)


def find_layout_problems(options: ReadOptions) -> tuple[Problem, ...]:
    """Doubts about where the table begins and whether its columns have names."""
    found: list[Problem] = []
    if options.header_row > 1:
        message = (
            f"The lines before line {options.header_row} look like a title and are skipped; check the preview. Another "
            "header row can be chosen (on the page, or with --header-row)."
        )
        value = str(options.header_row - 1)
        found.append(build_problem(0, "", "skipped_lines", value, message, severity="warning"))
    if not options.has_header:
        message = (
            "The first line looks like values rather than names, so the columns are called column_1, column_2 and so "
            "on. Say what they hold (on the page, or with --map)."
        )
        found.append(build_problem(0, "", "no_header", "", message, severity="warning"))
    return tuple(found)
