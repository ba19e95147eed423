"""Cutting lines of delimited text into cells: the csv module, and what it does not know.

It knows separators of one character only, and reads an escaped letter as that letter, where databases mean a line
break, a tab or no value. Characters that no text holds stand for these until the line is cut.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import TextIOBase
from typing import Any

from core.catalog.table import ReadOptions
from core.errors import CatalogFileError

#: A cell. The csv module gives up at a longer one.
MAX_FIELD = 16 * 1024 * 1024
#: A line of a table; a longer one is other data. A line that is read alone therefore has no cell that is too long.
MAX_LINE = MAX_FIELD
BOM = "\ufeff"
# Noncharacters, which Unicode keeps for such use.
_SEPARATOR, _BREAK, _TAB = "\ufdd0", "\ufdd1", "\ufdd2"
_MEANINGS = {"n": _BREAK, "t": _TAB, "r": "", "N": ""}
_BACK = str.maketrans({_BREAK: "\n", _TAB: "\t"})


def limit_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines, of a stream as well, of which none is read that is too long.

    Raises:
        CatalogFileError: A line is longer than `MAX_LINE`.
    """
    source = iter(partial(lines.readline, MAX_LINE + 1), "") if isinstance(lines, TextIOBase) else iter(lines)
    for number, line in enumerate(source, start=1):
        if len(line) > MAX_LINE:
            raise CatalogFileError(
                f"Line {number:,} is longer than {MAX_LINE:,} characters, so this is no table of lines. Export it "
                "again with one item a line."
            )
        yield line


def build_reader(lines: Iterable[str], options: ReadOptions, *, strict: bool = True) -> Any:
    """A `csv.reader`; its records are right after `restore`.

    Args:
        lines: Physical lines with their ends.
        options: Separator, quote and escape character.
        strict: Whether broken quotes raise `csv.Error`.
    """
    csv.field_size_limit(MAX_FIELD)
    long = len(options.delimiter) > 1
    return csv.reader(
        _prepare(lines, options) if long or options.escapechar else lines,
        delimiter=_SEPARATOR if long else options.delimiter,
        quotechar=options.quotechar or None,
        escapechar=options.escapechar or None,
        quoting=csv.QUOTE_MINIMAL if options.quotechar else csv.QUOTE_NONE,
        skipinitialspace=options.delimiter[0] != " ",
        strict=strict,
    )


def restore(cells: list[str], options: ReadOptions) -> list[str]:
    """The cells of a record with what `build_reader` had put characters in place of."""
    if len(options.delimiter) > 1:
        cells = [cell.replace(_SEPARATOR, options.delimiter) for cell in cells]
    return [cell.translate(_BACK) for cell in cells] if options.escapechar else cells


def _prepare(lines: Iterable[str], options: ReadOptions) -> Iterator[str]:
    replace_escapes = _build_escapes(options.escapechar) if options.escapechar else None
    long = len(options.delimiter) > 1
    for line in lines:
        prepared = replace_escapes(line) if replace_escapes and options.escapechar in line else line
        yield prepared.replace(options.delimiter, _SEPARATOR) if long else prepared


def _build_escapes(escapechar: str) -> Callable[[str], str]:
    """Replaces an escape and its letter; any other escaped character is left to the csv module."""
    pattern = re.compile(re.escape(escapechar) + "(.)", re.DOTALL)

    def meaning(match: re.Match[str]) -> str:
        return _MEANINGS.get(match[1], match[0])

    return lambda line: pattern.sub(meaning, line)
