"""The options of the command line that say how a file is read, and what is printed of what was found out."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from core.catalog.read.choices import FileChoices, OpenedFile
from core.catalog.records import ATTRIBUTE
from core.catalog.shape.used_columns import UsedColumn, UsedColumns

#: Codes of doubts about a file, and what each is about.
_DOUBTS = {
    "guessed_encoding": "encoding",
    "mixed_encoding": "encoding",
    "several_sheets": "sheet",
    "several_lists": "path",
    "skipped_lines": "header_row",
    "no_header": "header_row",
}
#: What is said of how a file is read, in this order.
_SETTINGS = ("sheet", "path", "encoding", "delimiter", "header_row")


def add_file_options(parser: argparse.ArgumentParser, fields: Sequence[str], of: str = "the file") -> None:
    """Add the options; `read_choices` reads them.

    Args:
        parser: Of a command that reads a file.
        fields: What columns can be mapped to.
        of: Which file is meant.
    """
    group = parser.add_argument_group(f"how {of} is read", "What is not said is found out, and printed.")
    group.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        type=_read_pair,
        help=f"once a field: {', '.join(fields)}; FIELD= leaves a field without a column",
    )
    group.add_argument("--exact", action="store_true", help="use no column whose name only looks like a field")
    group.add_argument("--sheet", "--member", default="", metavar="NAME", help="sheet of a workbook, table of a ZIP")
    group.add_argument("--header-row", type=_read_row, default=0, metavar="N", help="line or row with the names")
    group.add_argument("--no-header", action="store_true", help="the columns have no names: column_1, column_2, ...")
    group.add_argument("--delimiter", default="", metavar="TEXT", help='between cells, e.g. ";", tab, "::"')
    group.add_argument("--encoding", default="", metavar="CODEC", help="of the letters, e.g. utf-8, cp1252, gb18030")


def read_choices(options: argparse.Namespace) -> FileChoices:
    """What a person says about the file."""
    return FileChoices(
        sheet=options.sheet,
        header_row=options.header_row,
        no_header=options.no_header,
        delimiter=options.delimiter,
        encoding=options.encoding,
    )


def has_choices(options: argparse.Namespace) -> bool:
    """Whether a person says anything about how a file is read."""
    return bool(read_choices(options) != FileChoices() or options.map or options.exact)


def report_file(opened: OpenedFile, columns: UsedColumns) -> dict[str, Any]:
    """How a file is read, as JSON values: columns (used, guessed, not_used) and file."""
    options = opened.options
    file: dict[str, Any] = {"name": opened.staged.name, "kind": options.kind}
    if options.kind in ("delimited", "jsonl"):
        file |= {"encoding": options.encoding}
    if options.kind == "delimited":
        file |= {"delimiter": options.delimiter}
    if options.kind == "xlsx":
        file |= {"sheet": options.sheet, "sheets": list(opened.detected.sheets)}
    if options.path:
        file |= {"path": options.path}
    if options.kind in ("delimited", "xlsx"):
        file |= {"header_row": options.header_row if options.has_header else None}
    file |= {"guessed": _find_guesses(opened), "notes": [problem.message for problem in opened.detected.problems]}
    return {"columns": columns.to_json(), "file": file}


def tell_file(opened: OpenedFile, columns: UsedColumns) -> str:
    """One block of lines: columns used, guessed and not used, and how the file is read."""
    file = report_file(opened, columns)["file"]
    lines = [f"How {file['name']} is read:", f"  used      {_join(columns.used)}"]
    if columns.guessed:
        lines.append(f"  guessed   {_join(columns.guessed)}")
        lines.append("            Change a guess with --map FIELD=COLUMN; --exact takes none.")
    if columns.unused:
        lines.append(f"  not used  {', '.join(columns.unused)}")
    if settings := [_describe(name, file) for name in _SETTINGS if name in file]:
        lines.append(f"  file      {', '.join(settings)}")
    return "\n".join([*lines, *(f"  note      {note}" for note in file["notes"])])


def _find_guesses(opened: OpenedFile) -> list[str]:
    return sorted({_DOUBTS[problem.code] for problem in opened.detected.problems if problem.code in _DOUBTS})


def _join(columns: Sequence[UsedColumn]) -> str:
    """Columns of one field stand together, as in "title ← Name, category ← A, B"; a note that all share stands once."""
    shared = columns[0].note if len(columns) > 1 and len({one.note for one in columns}) == 1 else ""
    fields: dict[str, list[UsedColumn]] = {}
    for one in columns:
        fields.setdefault(one.field, []).append(one)
    text = ", ".join(_join_field(field, ones, shared) for field, ones in fields.items())
    return f"{text} ({shared})" if shared else text or "none"


def _join_field(field: str, columns: Sequence[UsedColumn], shared: str) -> str:
    name = field.removeprefix(ATTRIBUTE)
    names = ", ".join(one.column for one in columns)
    notes = "; ".join(dict.fromkeys(one.note for one in columns if one.note != shared and one.note))
    return f"{name if name == field else f'attribute {name}'} ← {names}" + (f" ({notes})" if notes else "")


def _describe(name: str, file: dict[str, Any]) -> str:
    """One setting; the notes below say how a guess is changed."""
    value = file[name]
    if name == "sheet":
        others = [other for other in file["sheets"] if other != value]
        text = f"sheet “{value}”" + (f" beside {', '.join(others)}" if others else "")
    elif name == "header_row":
        text = f"names in row {value}" if value else "no names"
    else:
        text = {"path": "list", "encoding": "encoding", "delimiter": "separator"}[name] + f" {json.dumps(value)}"
    return f"{text} (guessed)" if name in file["guessed"] else text


def _read_pair(text: str) -> tuple[str, str]:
    field, found, column = text.partition("=")
    if not found or not field.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=COLUMN")
    return field.strip(), column.strip()


def _read_row(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not int(text):
        raise argparse.ArgumentTypeError(f"{text[:30]!r} is no row; the first is 1")
    return int(text)
