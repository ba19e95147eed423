"""Which rows of a table are no items: what stands before the header, headers that come again, sums at the end."""

import re
from collections import Counter
from collections.abc import Sequence

from core.catalog.aliases import is_known_header
from core.catalog.schema import Problem
from core.catalog.shops.conventions import detect_convention
from core.catalog.table import Row, build_problem

#: A header stands within so many rows.
MAX_PREAMBLE = 50
#: At most so many rows of notes stand below the sums.
MAX_FOOTER = 3
#: No part takes back what it took: a cell of a million digits and one letter would else be read a million times.
_VALUE = re.compile(r"[-+]?(?=[.,\s]*\d)[\d.,\s]++%?|https?://\S+|\d{4}-\d\d-\d\d.*|[^\s@]++@(?:[^\s@.]*+\.)++\w+")
_TOTAL = re.compile(
    r"(grand |sub ?)?(totals?|sum|summe|gesamt(summe)?|insgesamt|somme|totale|suma|razem|итого|всего)"
    r"|合计|总计|合計|小計",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?\d[\d.,\s']*")


def find_header(rows: Sequence[tuple[str, ...]]) -> int:
    """Position of the header among the first rows of a file.

    It is the first row of known names; where there is none, the first that fills more than half of the width that most
    rows have, as titles and notes are far narrower.

    Args:
        rows: The cells of the first rows that hold something.
    """
    known = [_count_names(row) for row in rows[:MAX_PREAMBLE]]
    first = next((position for position, count in enumerate(known) if count >= 2), None)
    if first is not None:
        # Names for people can stand over those for programs.
        while first + 1 < len(known) and rows[first + 1] != rows[first] and _is_above(rows, known, first):
            first += 1
        return first
    if len(rows) < 3:
        return 0
    width, count = Counter(len(row) for row in rows).most_common(1)[0]
    if width < 2 or count < 0.6 * len(rows):
        return 0
    wide = (n for n, row in enumerate(rows[:MAX_PREAMBLE]) if len(row) * 2 > width and _count_filled(row) * 2 > width)
    return next(wide, 0)


def has_header(rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether the first row holds names.

    Names are words. A column of numbers has no number for a name, and a name does not come again in its own column.
    """
    if not rows:
        return True
    header = [cell.strip() for cell in rows[0]]
    if any(is_known_header(cell) for cell in header):
        return True
    body = [row for row in rows[1:] if row != rows[0]]
    votes = sum(_vote(cell, [row[n].strip() for row in body if n < len(row)]) for n, cell in enumerate(header) if cell)
    if votes:
        return votes > 0
    values = sum(1 for cell in header if _VALUE.fullmatch(cell) or len(cell) > 200)
    return values * 3 < len(header)


def drop_repeated(names: tuple[str, ...], rows: list[Row]) -> tuple[list[Row], list[Problem]]:
    """Leave out rows that are the header once more, as in exports that were put together.

    Letter case does not matter. Where it comes again with its columns in another order, the rows below it are put into
    the order of the first.
    """
    wanted = [_fold(name) for name in names]
    together = set(wanted)
    order: list[int] = []
    kept: list[Row] = []
    same: list[int] = []
    moved: list[int] = []
    for row in rows:
        if row.cells[:1] and _fold(row.cells[0]) in together and (found := _find_order(wanted, row.cells)):
            order = [] if found == sorted(found) else found
            (moved if order else same).append(row.number)
        elif order and len(row.cells) == len(order):
            kept.append(Row(row.number, tuple(row.cells[n] for n in order)))
        else:
            kept.append(row)
    if not same and not moved:
        return rows, []
    return kept, [_describe_repeated(found, moved=found is moved) for found in (same, moved) if found]


def _find_order(wanted: list[str], cells: tuple[str, ...]) -> list[int]:
    """Where each of the names stands in a row of the same names, [] for any other row."""
    folded = [_fold(cell) for cell in cells]
    if folded == wanted:
        return list(range(len(wanted)))
    # Names that occur twice, and an empty name, have no place of their own.
    if sorted(folded) != sorted(wanted) or len(set(wanted)) < len(wanted) or "" in wanted:
        return []
    return [folded.index(name) for name in wanted]


def _fold(cell: str) -> str:
    return cell.strip().casefold()


def _describe_repeated(found: list[int], *, moved: bool) -> Problem:
    first, more = found[0], len(found) - 1
    what = "the header in another order" if moved else "the header"
    which = f"Row {first} and {more} more repeat {what} and are" if more else f"Row {first} repeats {what} and is"
    below = " The rows below it are read in that order." if moved else ""
    message = f"{which} left out; the file was probably put together from several exports.{below}"
    return build_problem(0, "", "repeated_header", str(first), message, severity="warning")


def drop_totals(rows: list[Row]) -> tuple[list[Row], list[Problem]]:
    """Leave out a last row of sums; one that only looks like it is kept, with a warning.

    It is sure where a number of the row is the sum of its column, and the row beside its numbers holds nothing but a
    word like "Total", in front or with a column left empty that all other rows fill.
    """
    end = _find_end(rows)
    if end < 3:
        return rows, []
    others, last, footer = rows[: end - 1], rows[end - 1], rows[end:]
    filled = [(n, cell.strip()) for n, cell in enumerate(last.cells) if cell.strip()]
    labels = [n for n, cell in filled if _TOTAL.fullmatch(cell.rstrip(" :"))]
    numbers = [n for n, cell in filled if _NUMBER.fullmatch(cell)]
    if not numbers or len(labels) > 1 or len(labels) + len(numbers) < len(filled):
        return rows, []
    others_fill = [n for n in range(len(last.cells)) if all(row.cells[n : n + 1] > ("",) for row in others)]
    full = all(last.cells[n].strip() for n in others_fill)
    if full and labels != [filled[0][0]]:
        return rows, []
    if any(_is_sum(last.cells[n], [row.cells[n] for row in others if n < len(row.cells)]) for n in numbers):
        message = f"Row {last.number} holds the sums of the rows above and is left out."
        return [*others, *footer], [build_problem(0, "", "totals", " | ".join(last.cells), message, severity="warning")]
    if not labels:
        return rows, []
    message = "The row looks like a total; delete it in the file if it is no item."
    return rows, [build_problem(last.number, "", "totals", " | ".join(last.cells), message, severity="warning")]


def _find_end(rows: list[Row]) -> int:
    """How many rows there are before those of a single note at the end ("Page 1 of 1"), which stay to be rejected."""
    end = len(rows)
    while end > max(0, len(rows) - MAX_FOOTER) and _is_note(rows[end - 1].cells):
        end -= 1
    return end


def _is_note(cells: tuple[str, ...]) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(cells) > 2 and len(filled) == 1 and not _NUMBER.fullmatch(filled[0])


def _is_sum(total: str, cells: list[str]) -> bool:
    values = [value for cell in cells if (value := _to_number(cell)) is not None]
    wanted = _to_number(total)
    return wanted is not None and len(values) > 1 and abs(sum(values) - wanted) < 0.005 * max(1, len(values)) ** 0.5


def _to_number(cell: str) -> float | None:
    """A plain number; the last of dots and commas is the decimal mark where one or two digits follow it."""
    if not _NUMBER.fullmatch(cell.strip()):
        return None
    whole, mark, decimals = re.fullmatch(r"(.*?)(?:([.,])(\d{1,2}))?", re.sub(r"[\s']", "", cell)).groups()  # type: ignore[union-attr]
    digits = re.sub(r"[.,]", "", whole)
    return float(f"{digits}.{decimals}" if mark else digits)


def _vote(name: str, body: list[str]) -> int:
    filled = [cell for cell in body if cell and cell != name]
    if any(cell == name for cell in body) and not _VALUE.fullmatch(name):
        return -1
    if not filled or sum(1 for cell in filled if _VALUE.fullmatch(cell)) < 0.9 * len(filled):
        return 0
    return -1 if _VALUE.fullmatch(name) else 1


def _is_above(rows: Sequence[tuple[str, ...]], known: Sequence[int], position: int) -> bool:
    """Whether the row below is the better header: as many known names, or those of a shop's software."""
    if known[position + 1] < 2:
        return False
    return known[position + 1] >= known[position] or detect_convention(rows[position + 1]) != "plain"


def _count_filled(row: tuple[str, ...]) -> int:
    return sum(1 for cell in row if cell.strip())


def _count_names(row: tuple[str, ...]) -> int:
    """How many cells are known column names; 0 where another one is a value."""
    cells = [cell.strip() for cell in row if cell.strip()]
    return 0 if any(_VALUE.fullmatch(cell) for cell in cells) else sum(1 for cell in cells if is_known_header(cell))
