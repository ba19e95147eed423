"""Finding how the records of a text file are laid out."""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice

from core.catalog.aliases import is_known_header
from core.catalog.read.delimited import Lines, read_records
from core.catalog.read.headers import find_header, has_header
from core.catalog.schema import Problem
from core.catalog.table import ReadOptions, Row

DELIMITERS = ",;\t|"
#: Taken where their characters stand nowhere else, or where none of the above cuts the records evenly.
LONG_DELIMITERS = ("::", "||", ";;", "\t\t", "|~|", "^|^", "^", "~")
_RUN = re.compile(r"(?<![^\w\s\"'])[#$%&*+/:;<=>?@^|~.¦]{2,5}(?![^\w\s\"'])")
ESCAPE = "\\"
_NULL = "\\N"
SAMPLE_RECORDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How the records of a text file are laid out.

    Attributes:
        delimiter: What stands between two cells.
        quotechar: One character, or "".
        escapechar: One character, or "".
        header_row: First line of the table, 1-based.
        has_header: Whether that line holds names.
    """

    delimiter: str
    quotechar: str = '"'
    escapechar: str = ""
    header_row: int = 1
    has_header: bool = True


def detect_dialect(lines: list[str], chosen: str = "") -> Dialect:
    """Find the separator, the escape character, the header line and whether it holds names.

    Args:
        lines: The first physical lines of the file, with their ends, NUL removed.
        chosen: The separator that a person chose, "" to find it.
    """
    mark = re.fullmatch(r'"?sep=(.)"?\s*', lines[0]) if lines else None
    skip = 1 if mark else 0
    found = _find_cut(lines[skip:], chosen or (mark[1] if mark else ""))
    records = found.records
    offset = find_header([row.cells for row in records])
    return Dialect(
        delimiter=found.options.delimiter,
        escapechar=found.options.escapechar,
        header_row=records[offset].number + skip if records else 1,
        has_header=has_header([row.cells for row in records[offset:]]),
    )


def looks_like_table(lines: list[str], *, prose: bool = False) -> bool:
    """Whether lines hold a table: known column names, or records that are cut evenly.

    Args:
        lines: The first physical lines, with their ends.
        prose: Whether the file may as well be a text for people, in which two commas a line are no table.
    """
    found = _find_cut(lines, "")
    rows = [row.cells for row in found.records]
    known = sum(is_known_header(cell) for cell in rows[find_header(rows)]) if rows else 0
    if known > 1 or (known and not prose):
        return True
    return len(rows) > 1 and found.even_width > (1 if known or not prose else 2)


class _Cut:
    """The first records as one way of reading cuts them.

    Attributes:
        options: The way.
        records: At most `SAMPLE_RECORDS`.
        repairs: How many have broken quotes.
        usual_width: Cells that most records have, 0 without records.
        usual: How many records have so many.
    """

    def __init__(self, lines: list[str], options: ReadOptions) -> None:
        repairs: list[Problem] = []
        self.options = options
        self.records: list[Row] = list(islice(read_records(Lines(iter(lines)), options, repairs), SAMPLE_RECORDS))
        self.repairs = len(repairs)

        widths = Counter(len(row.cells) for row in self.records)
        self.usual_width, self.usual = max(widths.items(), key=lambda one: one[1], default=(0, 0))

    @property
    def even_width(self) -> int:
        """The width shared by 98 % of the records, else 0."""
        return self.usual_width if self.usual >= 0.98 * len(self.records) else 0

    @property
    def trouble(self) -> int:
        """Records with broken quotes or another width than most."""
        return self.repairs + len(self.records) - self.usual


def _find_cut(lines: list[str], chosen: str) -> _Cut:
    plain = _Cut(lines, ReadOptions(delimiter=chosen or _detect_delimiter(lines, "")))
    if ESCAPE in chosen or not any(ESCAPE in line for line in lines):
        return plain
    escaped = _Cut(lines, ReadOptions(delimiter=chosen or _detect_delimiter(lines, ESCAPE), escapechar=ESCAPE))
    return escaped if escaped.trouble < plain.trouble or _has_nulls(plain.records) else plain


def _has_nulls(records: list[Row]) -> bool:
    """Whether cells hold what databases write for no value; they escape the rest as well."""
    return any(cell == _NULL for row in records for cell in row.cells)


def _detect_delimiter(lines: list[str], escapechar: str) -> str:
    """The only separator that cuts the records evenly; clevercsv, then `csv.Sniffer`, where that leaves a doubt."""

    def cut(delimiter: str) -> _Cut:
        return _Cut(lines, ReadOptions(delimiter=delimiter, escapechar=escapechar))

    cuts = {mark: cut(mark) for mark in DELIMITERS}
    even = {mark: one.even_width for mark, one in cuts.items() if one.even_width > 1}
    for mark in (*LONG_DELIMITERS, *_find_runs(lines)):
        # Marks that stand in every name, as in **Jo**, cut evenly too: no finer than what stands between the cells, and
        # not the header.
        finer = max((width for one, width in even.items() if one not in mark), default=1)
        least = finer if any(mark in line for line in lines[:1]) else finer + 1
        if _stands_alone(mark, lines) and cut(mark).even_width >= max(least, 2):
            return mark
    if len(even) == 1:
        return next(iter(even))
    if not even:
        usual = max((one.usual_width for one in cuts.values() if one.usual >= 0.6 * len(one.records)), default=1)
        long = next((mark for mark in LONG_DELIMITERS if cut(mark).even_width > usual), "")
        if long or not any(mark in line for line in lines for mark in DELIMITERS):
            return long or ","
    return _sniff(lines) or (max(even, key=lambda mark: even[mark]) if even else ",")


def _find_runs(lines: list[str]) -> list[str]:
    """Runs of marks in the first lines that could be a separator of somebody's own, as "~|~", the longest first."""
    runs = {run for line in lines[:5] for run in _RUN.findall(line)}
    return sorted(runs.difference(LONG_DELIMITERS), key=lambda run: (-len(run), run))


def _stands_alone(mark: str, lines: list[str]) -> bool:
    """Whether a separator of several characters stands somewhere, and none of its characters elsewhere."""
    return (
        len(mark) > 1
        and any(mark in line for line in lines)
        and not any(set(mark) & set(line.replace(mark, "")) for line in lines)
    )


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
