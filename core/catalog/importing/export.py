"""The rows that were rejected, as a CSV file that a person can mend and upload again."""

import csv
import io
import re
from collections.abc import Sequence

from core.catalog.shape.validate import RejectedRow

#: A spreadsheet takes a cell that starts so for a formula, be it behind blanks and quotation marks or in full width.
_FORMULA = re.compile(r"""[\t\r\n]|[\s"'\ufeff\u200b]*[=+@＝＋－＠-]""")
#: But for a number, which stays one.
_NEGATIVE = re.compile(r"-[€$£¥]?\d+([.,]\d+)*%?")
ROW_COLUMN = "row"
REASONS_COLUMN = "reasons"


def rejects_csv(columns: Sequence[str], rejected: Sequence[RejectedRow]) -> bytes:
    """Write rejected rows with their number and the reasons.

    Args:
        columns: The table's columns.
        rejected: The rows; cells beyond the columns go to further columns, so that nothing is lost.

    Returns:
        UTF-8 with a byte order mark, as spreadsheets expect. Cells that a spreadsheet would run as a formula start with
        an apostrophe.
    """
    width = max([len(columns), *(len(reject.row.cells) for reject in rejected)])
    extra = [f"extra_{number}" for number in range(1, width - len(columns) + 1)]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([ROW_COLUMN, REASONS_COLUMN, *map(guard_cell, columns), *extra])
    for reject in rejected:
        reasons = " ".join(dict.fromkeys(problem.message for problem in reject.problems))
        cells = [*reject.row.cells, *[""] * (width - len(reject.row.cells))]
        writer.writerow([str(reject.row.number), guard_cell(reasons), *map(guard_cell, cells)])
    # A lone surrogate from a JSON file has no UTF-8; it is written as its escape.
    return buffer.getvalue().encode("utf-8-sig", errors="backslashreplace")


def guard_cell(text: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would run it; no two cells become the same."""
    return f"'{text}" if _is_formula(text) else text


def unguard_cell(text: str) -> str:
    """What `guard_cell` was given."""
    return text[1:] if text.startswith("'") and _is_formula(text[1:]) else text


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NEGATIVE.fullmatch(text) is None
