"""Step 3: rows that cannot go on, mended in place or taken home; everything else goes on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core.catalog.importing.drafts import Draft
from core.catalog.importing.export import rejects_csv
from core.catalog.schema import Problem
from core.catalog.shape.validate import RejectedRow
from core.catalog.table import Table
from core.wording import count_noun
from ui.errors import shown_errors
from ui.importing.state import check_all, draw_moves, keep, read_whole
from ui.tables import draw_table, edit_table

_SHOWN = 200
_ROW, _REASON = "Row", "What to do"


def draw_check(draft: Draft) -> None:
    """Counts, then only the bad rows."""
    spec = draft.spec
    validated = check_all(spec, spec.key())
    accepted, rejected, warned = st.columns(3)
    warnings = [problem for problem in validated.problems if problem.severity == "warning"]
    accepted.metric("Items that go on", f"{len(validated.items):,}", border=True)
    rejected.metric("Rejected rows", f"{len(validated.rejected):,}", border=True)
    warned.metric("Warnings", f"{len(warnings):,}", border=True)
    pending = False
    if validated.rejected:
        pending = _draw_rejected(draft, read_whole(spec), validated.rejected)
    elif validated.items:
        st.success("Every row can be imported.", icon=":material/check_circle:")
    if warnings:
        _draw_warnings(warnings)
    draw_moves("check", can_go_on=bool(validated.items) or pending, on_leave=lambda: _take_edits(draft))


def _draw_rejected(draft: Draft, table: Table, rejected: Sequence[RejectedRow]) -> bool:
    """The rows, and whether some of their cells are mended and not yet saved."""
    st.markdown(
        "These rows stay out. Mend the cells here and go on, or download them with the reasons and mend them elsewhere."
    )
    _draw_still_wrong(draft, rejected)
    order = _problem_columns_first(draft, table, rejected)
    rows = [_editable(one, table) for one in rejected[:_SHOWN]]
    edited = edit_table(
        rows,
        name="rejected",
        key=_editor_key(draft),
        column_order=(_ROW, _REASON, *order),
        disabled=(_ROW, _REASON),
        column_config={_REASON: st.column_config.TextColumn(width="large")},
        alt="Rejected rows; cells can be edited",
    )
    pending = any(old != new for old, new in zip(rows, edited, strict=True))
    with st.container(horizontal=True):
        st.button("Save the corrections", key="save-edits", disabled=not pending, on_click=_save, args=(draft,))
        st.download_button(
            "Download rejected rows",
            rejects_csv(table.columns, rejected),
            file_name="rejected-rows.csv",
            mime="text/csv",
            icon=":material/download:",
            key="download-rejects",
            on_click="ignore",
        )
    if len(rejected) > _SHOWN:
        st.caption(f"The first {_SHOWN} of {len(rejected):,} are shown; the download holds all of them.")
    return pending


def _draw_still_wrong(draft: Draft, rejected: Sequence[RejectedRow]) -> None:
    mended = [one.row.number for one in rejected if one.row.number in draft.spec.edits]
    if mended:
        rows = ", ".join(f"{number:,}" for number in mended[:10])
        st.warning(
            f"Still rejected after your corrections: row {rows}. The reason stands beside it; going on leaves it out.",
            icon=":material/edit_off:",
        )


def _editor_key(draft: Draft) -> str:
    """Another one after each correction, for then other rows stand there."""
    return f"edit-{draft.id}-{draft.spec.key()[:12]}"


def _problem_columns_first(draft: Draft, table: Table, rejected: Sequence[RejectedRow]) -> list[str]:
    fields = {problem.field for one in rejected for problem in one.problems if problem.severity == "error"}
    targets = draft.spec.mapping.targets
    wrong = [column for column in table.columns if column in fields or targets.get(column) in fields]
    return [*wrong, *(column for column in table.columns if column not in wrong)]


def _editable(one: RejectedRow, table: Table) -> dict[str, Any]:
    reasons = " ".join(dict.fromkeys(problem.message for problem in one.problems if problem.severity == "error"))
    cells = [*one.row.cells, *[""] * len(table.columns)]
    return {_ROW: one.row.number, _REASON: reasons, **dict(zip(table.columns, cells, strict=False))}


def _take_edits(draft: Draft) -> bool:
    """Keep what was typed into the cells up to this click; a callback.

    Returns:
        Whether one can go on: there are items, and no row that was just mended is still rejected.
    """
    spec = draft.spec
    validated = check_all(spec, spec.key())
    typed = st.session_state.get(_editor_key(draft), {}).get("edited_rows", {})
    if not typed:
        return bool(validated.items)
    edits = {row: dict(cells) for row, cells in spec.edits.items()}
    changed = {validated.rejected[int(place)].row.number: cells for place, cells in typed.items()}
    for row, cells in changed.items():
        edits.setdefault(row, {}).update({name: "" if value is None else str(value) for name, value in cells.items()})
    mended = replace(spec, edits=edits)
    keep(replace(draft, spec=mended))
    after = check_all(mended, mended.key())
    return bool(after.items) and not any(one.row.number in changed for one in after.rejected)


@shown_errors()
def _save(draft: Draft) -> None:
    _take_edits(draft)


def _draw_warnings(warnings: Sequence[Problem]) -> None:
    many = f"{count_noun(len(warnings), 'warning')}; {'its row goes' if len(warnings) == 1 else 'their rows go'} on"
    with st.expander(many, icon=":material/warning:"):
        draw_table(
            [{"Row": w.row, "Field": w.field, "Value": w.value, "What to know": w.message} for w in warnings[:_SHOWN]],
            alt="Warnings",
        )
