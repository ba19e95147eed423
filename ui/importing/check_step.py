"""Step 3: rows that cannot go on, mended in place or taken home; everything else goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core.catalog.drafts import Draft
from core.catalog.export import rejects_csv
from core.catalog.schema import Problem
from core.catalog.table import Table
from core.catalog.validate import RejectedRow
from ui.importing.state import check_all, draw_moves, keep, read_whole

_SHOWN = 200
_ROW, _REASON = "Row", "What to do"


def draw_check(draft: Draft) -> None:
    """Counts, then only the bad rows."""
    spec = draft.spec
    validated = check_all(spec, spec.key())
    table = read_whole(spec)
    accepted, rejected, warned = st.columns(3)
    warnings = [problem for problem in validated.problems if problem.severity == "warning"]
    accepted.metric("Items that go on", f"{len(validated.items):,}", border=True)
    rejected.metric("Rejected rows", f"{len(validated.rejected):,}", border=True)
    warned.metric("Warnings", f"{len(warnings):,}", border=True)
    if validated.rejected:
        _draw_rejected(draft, table, validated.rejected)
    else:
        st.success("Every row can be imported.", icon=":material/check_circle:")
    if warnings:
        _draw_warnings(warnings)
    draw_moves("check", can_go_on=bool(validated.items))


def _draw_rejected(draft: Draft, table: Table, rejected: Sequence[RejectedRow]) -> None:
    st.markdown("These rows stay out. Mend the cells here, or download them with the reasons and mend them elsewhere.")
    order = _problem_columns_first(draft, table, rejected)
    rows = [_editable(one, table) for one in rejected[:_SHOWN]]
    edited = st.data_editor(
        rows,
        key=f"edit-{draft.id}-{len(draft.spec.edits)}",
        hide_index=True,
        num_rows="fixed",
        column_order=(_ROW, _REASON, *order),
        disabled=(_ROW, _REASON),
        column_config={_REASON: st.column_config.TextColumn(width="large")},
        alt="Rejected rows; cells can be edited",
    )
    changes = _changes(rows, edited)
    with st.container(horizontal=True):
        st.button(
            "Save the corrections",
            key="save-edits",
            disabled=not changes,
            on_click=_save,
            args=(draft, changes),
        )
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


def _problem_columns_first(draft: Draft, table: Table, rejected: Sequence[RejectedRow]) -> list[str]:
    fields = {problem.field for one in rejected for problem in one.problems if problem.severity == "error"}
    targets = draft.spec.mapping.targets
    wrong = [column for column in table.columns if column in fields or targets.get(column) in fields]
    return [*wrong, *(column for column in table.columns if column not in wrong)]


def _editable(one: RejectedRow, table: Table) -> dict[str, Any]:
    reasons = " ".join(dict.fromkeys(problem.message for problem in one.problems if problem.severity == "error"))
    cells = [*one.row.cells, *[""] * len(table.columns)]
    return {_ROW: one.row.number, _REASON: reasons, **dict(zip(table.columns, cells, strict=False))}


def _changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, str]]:
    changes: dict[int, dict[str, str]] = {}
    for old, new in zip(before, after, strict=True):
        cells = {name: str(new[name] or "") for name in old if name not in (_ROW, _REASON) and new[name] != old[name]}
        if cells:
            changes[int(old[_ROW])] = cells
    return changes


def _save(draft: Draft, changes: Mapping[int, Mapping[str, str]]) -> None:
    edits = {row: dict(cells) for row, cells in draft.spec.edits.items()}
    for row, cells in changes.items():
        edits.setdefault(row, {}).update(cells)
    keep(replace(draft, spec=replace(draft.spec, edits=edits)))


def _draw_warnings(warnings: Sequence[Problem]) -> None:
    with st.expander(f"{len(warnings):,} warnings; their rows go on", icon=":material/warning:"):
        st.dataframe(
            [{"Row": w.row, "Field": w.field, "Value": w.value, "What to know": w.message} for w in warnings[:_SHOWN]],
            hide_index=True,
            alt="Warnings",
        )
