"""The one door through which tables come onto a page.

Streamlit offers every table as a CSV file, with the cells as they are. So a text that a spreadsheet would run is handed
over guarded, and shown as it was.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.catalog.importing.export import guard_cell, unguard_cell

#: Of a table whose own download is hidden (theme.css), since the page offers a better one.
_HIDDEN = "no-export"


def draw_table(
    rows: Sequence[Mapping[str, Any]], *, column_config: Mapping[str, Any] | None = None, **options: Any
) -> None:
    """A table to read.

    Args:
        rows: Name of a column to a cell; texts may come from anybody.
        column_config: As `st.dataframe` takes it.
        options: The other options of `st.dataframe`.
    """
    guarded = [{guard_cell(name): _guard(cell) for name, cell in row.items()} for row in rows]
    if guarded == [dict(row) for row in rows]:
        st.dataframe(list(rows), hide_index=True, column_config=column_config, **options)
        return
    import pandas as pd  # type: ignore[import-untyped]

    frame = pd.DataFrame(guarded)
    named = {name: unguard_cell(name) for name in frame.columns if name != unguard_cell(name)}
    texts = [name for name in frame.columns if any(isinstance(row.get(name), str) for row in guarded)]
    shown = frame.style.format(_unguard, subset=texts)
    st.dataframe(shown, hide_index=True, column_config=named | dict(column_config or {}), **options)


def edit_table(rows: Sequence[Mapping[str, Any]], *, name: str, **options: Any) -> Any:
    """A table whose cells can be edited; beside it the page offers its own, guarded download.

    Args:
        rows: Name of a column to a cell.
        name: Part of its container's key.
        options: The other options of `st.data_editor`.

    Returns:
        The rows as they stand now.
    """
    with st.container(key=f"{_HIDDEN}-{name}"):
        return st.data_editor(rows, hide_index=True, num_rows="fixed", **options)


def _guard(cell: Any) -> Any:
    return guard_cell(cell) if isinstance(cell, str) else cell


def _unguard(cell: Any) -> Any:
    return unguard_cell(cell) if isinstance(cell, str) else cell
