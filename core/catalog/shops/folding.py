"""Records of rows, where a row that a layout stumbles over costs itself and nothing else."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.catalog.records import CellReader, Record
from core.catalog.shops.conventions import Fold
from core.catalog.table import Row

#: Rows that stumble only beside others are looked for one at a time, at most so many.
MAX_SEARCHED = 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What a layout makes of rows.

    Attributes:
        records: In the order of the file.
        failed: The rows that it could not read, with what it stumbled over.
    """

    records: tuple[Record, ...]
    failed: tuple[tuple[Row, Exception], ...] = ()


def fold_rows(fold: Fold, rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> Folded:
    """Make records of rows, without those at which the layout's code fails.

    Args:
        fold: Makes records of rows.
        rows: Rows of full width.
        reader: Reads their cells.
        roles: Role to the file's column.

    Raises:
        Exception: As `fold`, where more than `MAX_SEARCHED` rows fail, and only beside others.
    """
    failure = _try(fold, rows, reader, roles)
    if isinstance(failure, Folded):
        return failure
    _log.error("A row cannot be folded", exc_info=failure)
    alone = [(row, exc) for row in rows if isinstance(exc := _try(fold, [row], reader, roles), Exception)]
    failed = {row.number: (row, exc) for row, exc in alone}
    for _ in range(MAX_SEARCHED):
        left = [row for row in rows if row.number not in failed]
        found = _try(fold, left, reader, roles)
        if isinstance(found, Folded):
            return Folded(records=found.records, failed=tuple(failed[number] for number in sorted(failed)))
        row = _find_first(fold, left, reader, roles)
        failed[row.number] = (row, found)
    raise failure


def _try(fold: Fold, rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> Folded | Exception:
    try:
        return Folded(records=tuple(fold(rows, reader, roles)))
    except Exception as exc:  # whatever it is, it costs its row alone
        return exc


def _find_first(fold: Fold, rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> Row:
    """The first row at which rows that fail together begin to."""
    good, bad = 0, len(rows)
    while bad - good > 1:
        middle = (good + bad) // 2
        if isinstance(_try(fold, rows[:middle], reader, roles), Folded):
            good = middle
        else:
            bad = middle
    return rows[bad - 1]
