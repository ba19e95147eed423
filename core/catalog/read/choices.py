"""How a file is read where a person says a part of it; `core.catalog.read.read` finds out what is left open."""

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from core.catalog.read.formats import sniff_kind
from core.catalog.read.intake import Staged, list_tables, stage_file
from core.catalog.read.read import detect, detect_layout, find_layout_problems
from core.catalog.table import Detected, ReadOptions, parse_delimiter
from core.errors import CatalogFileError


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChoices:
    """What a person says about a file.

    Attributes:
        sheet: Sheet of a workbook, table of a ZIP file, "table.xlsx/sheet" of a workbook in a ZIP file, or the place of
            the list in a JSON document; "" for the likeliest.
        header_row: Line or sheet row of the names, 1-based; 0 finds it.
        no_header: The first row holds data; columns are then called column_1, column_2, ...
        delimiter: As `core.catalog.table.parse_delimiter` reads it; "" finds it.
        encoding: Python codec name; "" finds it.
    """

    sheet: str = ""
    header_row: int = 0
    no_header: bool = False
    delimiter: str = ""
    encoding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A file that is ready to be read.

    Attributes:
        staged: Where its table lies.
        detected: How it is read, and doubts about that.
        choices: What the person had said.
    """

    staged: Staged
    detected: Detected
    choices: FileChoices

    @property
    def options(self) -> ReadOptions:
        """How the table is read."""
        return self.detected.options


def open_file(path: Path, uploads: Path, choices: FileChoices) -> OpenedFile:
    """Find the table in a file and how it is read.

    Args:
        path: A table file or a ZIP file with one.
        uploads: Folder to extract to.
        choices: What is known already.

    Raises:
        CatalogFileError: There is no such file or no table in it, or a choice does not fit it; the message says what
            there is to choose from.
        ArchiveError: The ZIP file cannot be read.
    """
    staged, sheet = _stage(path, uploads, choices.sheet)
    detected = choose_options(staged.table, replace(choices, sheet=sheet))
    return OpenedFile(staged=staged, detected=detected, choices=choices)


def choose_options(table: Path, choices: FileChoices) -> Detected:
    """How a plain table is read.

    Raises:
        CatalogFileError: As `open_file`.
    """
    kind = sniff_kind(table)
    if choices.encoding and kind not in ("delimited", "jsonl"):
        raise CatalogFileError(f"{table.name} says itself how its letters are encoded. Leave out --encoding.")
    if choices.delimiter and kind != "delimited":
        raise CatalogFileError(f"{table.name} has no separators between its cells. Leave out --delimiter.")
    if choices.sheet and kind not in ("xlsx", "jsonl"):
        raise CatalogFileError(f"{table.name} is no workbook and has no sheets. Leave out --sheet.")
    if (choices.header_row or choices.no_header) and kind not in ("delimited", "xlsx"):
        raise CatalogFileError(f"{table.name} says itself what its columns are called. Choose no header row.")
    detected = _decode(table, choices, kind == "delimited") if choices.encoding else detect(table)
    if choices.delimiter:
        delimiter = parse_delimiter(choices.delimiter)
        detected = replace(detected, options=detect_layout(table, detected.options, delimiter))
    if choices.sheet:
        detected = replace(detected, options=_choose_part(table, detected, choices.sheet))
    return _choose_header(detected, choices)


def _decode(table: Path, choices: FileChoices, delimited: bool) -> Detected:
    # A byte order mark is no letter of the first name.
    encoding = "utf-8-sig" if choices.encoding.lower().replace("_", "-") in ("utf-8", "utf8") else choices.encoding
    options = ReadOptions(kind="delimited" if delimited else "jsonl", encoding=encoding)
    return Detected(options=detect_layout(table, options) if delimited else options, encodings=(encoding,))


def _choose_part(table: Path, detected: Detected, name: str) -> ReadOptions:
    """The options with a sheet of a workbook, or with a list of a JSON document."""
    options = detected.options
    if options.kind == "jsonl":
        return replace(options, path=name)
    same = [one for one in detected.sheets if name in (one, one.strip())]
    same = same or [one for one in detected.sheets if one.strip().casefold() == name.strip().casefold()]
    # A hidden sheet is not listed, and can still be named.
    return detect_layout(table, replace(options, sheet=same[0] if same else name))


def _choose_header(detected: Detected, choices: FileChoices) -> Detected:
    """What a person says of the header, else the doubts about the one that was found."""
    options = detected.options
    # What was found before a person chose is found anew; what a person chose is no doubt.
    settled = {"skipped_lines", "no_header"} | ({"several_sheets", "several_lists"} if choices.sheet else set())
    problems = [problem for problem in detected.problems if problem.code not in settled]
    if choices.header_row < 0:
        raise CatalogFileError("The header row is counted from 1.")
    if choices.header_row:
        options = replace(options, header_row=choices.header_row, has_header=not choices.no_header)
    elif choices.no_header:
        options = replace(options, has_header=False)
    else:
        problems += find_layout_problems(options)
    return replace(detected, options=options, problems=tuple(problems))


def _stage(path: Path, uploads: Path, sheet: str) -> tuple[Staged, str]:
    """The table, and what of the person's choice remains to be looked for in it."""
    tables = list_tables(path) if path.is_file() else ()
    member = next((name for name in tables if sheet == name or sheet.startswith(f"{name}/")), "")
    if not member and sheet:
        same = [name for name in tables if PurePosixPath(name).name.casefold() == sheet.casefold()]
        member = same[0] if len(same) == 1 else ""
        sheet = "" if member else sheet
    else:
        sheet = sheet.removeprefix(member).removeprefix("/")
    if len(tables) > 1 and sheet and not member:
        raise CatalogFileError(f"{path.name} holds no “{sheet}”. Choose one with --sheet: {', '.join(tables[:20])}.")
    return stage_file(path, uploads, member=member), sheet
