"""The interaction log of a catalogue: what there is, and how another one comes in."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from core.catalog.intake import save_upload
from core.catalog.read import detect, preview_table
from core.catalog.sample import SAMPLE_NAME
from core.catalog.table import Row
from core.interactions.aliases import LOG_TARGETS
from core.interactions.read import ReadLog, read_log
from core.interactions.simulate import simulate_log
from core.interactions.suggest_mapping import suggest_log_mapping
from core.store.catalogs import Catalog
from core.store.interactions import LogSummary
from ui.errors import shown_errors
from ui.resources import open_workspace
from ui.training.doctor_panel import draw_findings

_NAMES = {
    "user": "Person (required)",
    "item": "Item (required)",
    "event": "What happened",
    "rating": "Rating",
    "count": "Count",
    "time": "Time",
}
_SIMULATED_USERS, _SIMULATED_EVENTS = 300, 40


def draw_log(catalog: Catalog) -> LogSummary | None:
    """The stored log, or the ways to add one."""
    summary = open_workspace().interactions.summary(catalog.id)
    with st.container(border=True, key="log-panel"):
        st.subheader("Interaction log", anchor=False)
        if summary is not None and summary.events:
            _draw_summary(catalog, summary)
            return summary
        st.markdown(
            "Who did what with which item: clicks, purchases, ratings or play counts. Without a log, training teaches "
            "the model to match this catalogue's pictures and texts; with one it learns what people like."
        )
        _draw_upload(catalog)
        if catalog.name == SAMPLE_NAME:
            st.button(
                "Simulate shoppers",
                key="simulate",
                icon=":material/casino:",
                on_click=_simulate,
                args=(catalog,),
                help="Invented people with invented tastes, to try everything with. No figure from them counts.",
            )
    return None


def _draw_summary(catalog: Catalog, summary: LogSummary) -> None:
    st.markdown(f"**{summary.events:,}** events of **{summary.users:,}** people with **{summary.items:,}** items")
    if open_workspace().interactions.is_simulated(catalog.id):
        st.warning("These shoppers are simulated. Figures from them say nothing about real people.")
    if summary.first_time is not None and summary.last_time is not None:
        dates = (time.strftime("%d %b %Y", time.gmtime(moment)) for moment in (summary.first_time, summary.last_time))
        st.caption(f"{summary.kind.capitalize()}, {' to '.join(dates)}.")
    else:
        st.caption(f"{summary.kind.capitalize()}, without times.")
    draw_findings(catalog, summary)
    st.button(
        "Remove the log",
        key="remove-log",
        icon=":material/delete:",
        on_click=open_workspace().interactions.delete,
        args=(catalog.id,),
    )


def _draw_upload(catalog: Catalog) -> None:
    upload = st.file_uploader("A log as CSV, TSV, Parquet or Excel", key="log-file")
    if upload is None:
        return
    with shown_errors():
        path = save_upload(upload, upload.name, open_workspace().home.uploads)
        preview = preview_table(path, detect(path).options)
        st.dataframe(
            [dict(zip(preview.columns, row.cells, strict=False)) for row in preview.rows[:5]],
            hide_index=True,
            alt="The first rows of the log",
        )
        chosen = _draw_mapping(preview.columns, preview.rows)
        st.button(
            "Check and store",
            key="store-log",
            type="primary",
            disabled=not (chosen["user"] and chosen["item"]),
            on_click=_store,
            args=(catalog, str(path), chosen),
        )
    _draw_report()


def _draw_mapping(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, str]:
    """A picker for each part of a log; near names are filled in for the person to see and change."""
    suggested = {one.column: one.target for one in suggest_log_mapping(columns, rows).columns}
    found = {target: column for column, target in suggested.items() if target}
    chosen: dict[str, str] = {}
    for places in (LOG_TARGETS[:3], LOG_TARGETS[3:]):
        for target, place in zip(places, st.columns(3), strict=False):
            options = ["", *columns]
            chosen[target] = place.selectbox(
                _NAMES[target],
                options,
                index=options.index(found.get(target, "")),
                format_func=lambda name: name or "none",
                key=f"log-{target}",
            )
    return chosen


def _store(catalog: Catalog, path: str, chosen: dict[str, str]) -> None:
    workspace = open_workspace()
    with shown_errors():
        item_ids = tuple(workspace.items.content_hashes(catalog.id))
        found = read_log(Path(path), item_ids, overrides=chosen)
        st.session_state["log-report"] = found
        if len(found.log):
            workspace.interactions.replace(catalog.id, found.log, kind=found.kind, unknown_events=found.unknown_events)


def _draw_report() -> None:
    """What reading found, for a log that could not be stored."""
    found = st.session_state.get("log-report")
    if not isinstance(found, ReadLog) or len(found.log):
        return
    st.error(
        f"None of the {found.rows:,} rows belongs to an item of this catalogue. Check that the item column holds the "
        "same ids as the catalogue.",
        icon=":material/error:",
    )
    draw_problems(found)


def draw_problems(found: ReadLog) -> None:
    """Rows that stayed out and items that are unknown, each with the reason."""
    if found.problems:
        with st.expander(f"{len(found.problems):,} remarks on the file", icon=":material/info:"):
            st.dataframe(
                [{"Row": one.row or None, "Remark": one.message} for one in found.problems[:200]],
                hide_index=True,
                alt="Remarks on the file",
            )


def _simulate(catalog: Catalog) -> None:
    workspace = open_workspace()
    with shown_errors():
        encoder = workspace.encoder(catalog.backbone)
        index = workspace.indexes.get(catalog, encoder.model_version, encoder.dimension)
        stored = list(workspace.items.iterate(catalog.id))
        items = tuple(one.item.item_id for one in stored)
        rows, _ = index.rows(np.array([one.id for one in stored], np.int64))
        flat = rows.reshape(len(rows), -1)
        log = simulate_log(
            items,
            flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9),
            users=_SIMULATED_USERS,
            events_per_user=_SIMULATED_EVENTS,
            seed=0,
        )
        workspace.interactions.replace(catalog.id, log, kind="events")
