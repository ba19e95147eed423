"""What every reader does to the rows it read, whatever the format."""

from core.catalog.read.headers import drop_repeated, drop_totals
from core.catalog.read.spreadsheet import mend_cells
from core.catalog.schema import Problem
from core.catalog.table import Row, check_widths


def clean_rows(
    columns: tuple[str, ...], names: tuple[str, ...] | None, rows: list[Row], *, truncated: bool
) -> tuple[list[Row], list[Problem]]:
    """Leave out rows that are no items, mend what spreadsheets did to cells, and compare every row with the header.

    Args:
        columns: Names as they are used.
        names: The header as the file wrote it, None when it has none.
        rows: The rows below it.
        truncated: Whether more rows follow.

    Returns:
        The rows, and what was left out, mended or does not fit.
    """
    rows, repeated = drop_repeated(names, rows) if names else (rows, [])
    rows, totals = (rows, []) if truncated else drop_totals(rows)
    rows, mended = mend_cells(columns, rows)
    rows, odd = check_widths(columns, rows)
    return rows, [*repeated, *totals, *mended, *odd]
