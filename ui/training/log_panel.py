"""The interaction log of a catalogue: what there is, and how another one comes in."""

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core.catalog.importing.sample import SAMPLE_NAME
from core.catalog.read.intake import save_upload, stage_file
from core.catalog.read.read import detect, preview_table
from core.catalog.schema import Problem
from core.errors import WishlightError
from core.interactions.aliases import LOG_TARGETS
from core.interactions.mapping import SuggestedLog
from core.interactions.simulate import simulate_log
from core.interactions.suggest_mapping import suggest_log_mapping
from core.store.catalogs import Catalog
from core.store.interactions import LogSummary
from core.wording import count_noun
from core.work.store_log import store_log
from ui.deletion import draw_goes
from ui.errors import shown_errors
from ui.reading import draw_reading
from ui.resources import open_workspace
from ui.tables import draw_table
from ui.text import escape_markdown
from ui.training.doctor_panel import draw_findings

_NAMES = {
    "user": "Person (required)",
    "item": "Item (required)",
    "event": "What happened",
    "rating": "Rating",
    "count": "Count",
    "time": "Time",
    "clock": "Time of day",
}
_SHOWN = 20
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
    events, people = count_noun(summary.events, "event"), count_noun(summary.users, "person", "people")
    st.markdown(f"**{events}** of **{people}** with **{count_noun(summary.items, 'item')}**")
    if open_workspace().interactions.is_simulated(catalog.id):
        st.warning("These shoppers are simulated. Figures from them say nothing about real people.")
    if summary.first_time is not None and summary.last_time is not None:
        dates = (time.strftime("%d %b %Y", time.gmtime(moment)) for moment in (summary.first_time, summary.last_time))
        st.caption(escape_markdown(f"{summary.kind.capitalize()}, {' to '.join(dates)}."))
    else:
        st.caption(escape_markdown(f"{summary.kind.capitalize()}, without times."))
    draw_findings(catalog, summary)
    _draw_remarks(catalog)
    if st.button("Remove the log", key="remove-log", icon=":material/delete:"):
        _ask_removal(catalog)


def _draw_remarks(catalog: Catalog) -> None:
    """What could not be read of the file that was stored in this visit."""
    remarks: tuple[Problem, ...] = st.session_state.get(f"log-remarks-{catalog.id}", ())
    if not remarks:
        return
    rows: dict[str, list[int]] = {}
    for one in remarks:
        rows.setdefault(one.message, []).append(one.row)
    with st.expander(f"{count_noun(len(remarks), 'remark')} on the file", icon=":material/warning:", expanded=True):
        for message, (first, *others) in list(rows.items())[:_SHOWN]:
            where = f"Row {first:,}{f' and {len(others):,} more' if others else ''}: " if first else ""
            st.markdown(escape_markdown(f"{where}{message}"))
        if len(rows) > _SHOWN:
            st.caption(f"{len(rows) - _SHOWN:,} kinds more.")


@st.dialog("Remove this log?")
def _ask_removal(catalog: Catalog) -> None:
    with shown_errors():
        draw_goes(open_workspace().sweep.find.of_log(catalog).goes)
    st.caption("Trained versions stay: they hold what was learned, and nobody's id.")
    if st.button("Remove it", type="primary", key="remove-log-go", on_click=_remove, args=(catalog,)):
        st.rerun()


@shown_errors()
def _remove(catalog: Catalog) -> None:
    sweep = open_workspace().sweep
    sweep.delete(sweep.find.of_log(catalog))
    st.session_state.pop(f"log-remarks-{catalog.id}", None)


def _draw_upload(catalog: Catalog) -> None:
    upload = st.file_uploader("A log as CSV, TSV, Parquet, Excel or JSON, also in a ZIP", key="log-file")
    if upload is None:
        st.session_state.pop("log-refused", None)
        return
    with shown_errors():
        workspace = open_workspace()
        uploads = workspace.home.log_uploads(catalog.id)
        table = stage_file(save_upload(upload, upload.name, uploads), uploads, name=upload.name).table
        detected = detect(table)
        for problem in detected.problems:
            st.warning(escape_markdown(problem.message), icon=":material/warning:")
        options = draw_reading(table, detected.options, detected, key=f"log-{table.parent.name}-")
        preview = preview_table(table, options)
        draw_table(
            [dict(zip(preview.columns, row.cells, strict=False)) for row in preview.rows[:5]],
            alt="The first rows of the log",
        )
        item_ids = workspace.items.content_hashes(catalog.id)
        chosen = _draw_mapping(suggest_log_mapping(preview.columns, preview.rows, item_ids))
        st.button(
            "Check and store",
            key="store-log",
            type="primary",
            disabled=not (chosen["user"] and chosen["item"]),
            on_click=_store,
            args=(catalog, str(table), {"options": asdict(options), "columns": chosen}),
        )
    if refused := st.session_state.get("log-refused"):
        st.error(escape_markdown(refused), icon=":material/error:")


def _draw_mapping(suggested: SuggestedLog) -> dict[str, str]:
    """A picker for each part of a log; what only looks like it is filled in too, and said."""
    found = {one.target: one.column for one in suggested.columns if one.target}
    chosen: dict[str, str] = {}
    for places in (LOG_TARGETS[:3], LOG_TARGETS[3:]):
        for target, place in zip(places, st.columns(len(places)), strict=True):
            options = ["", *(one.column for one in suggested.columns)]
            chosen[target] = place.selectbox(
                _NAMES[target],
                options,
                index=options.index(found.get(target, "")),
                format_func=lambda name: name or "none",
                key=f"log-{target}",
            )
    guessed = [one for one in suggested.columns if one.confidence == "suggested" and chosen[one.target] == one.column]
    if guessed:
        names = ", ".join(f"{one.column}{f' ({one.note})' if one.note else ''}" for one in guessed)
        st.caption(f"Guessed, please check: {escape_markdown(names)}")
    return chosen


def _store(catalog: Catalog, table: str, reading: Mapping[str, Any]) -> None:
    st.session_state["log-refused"] = ""
    try:
        stored = store_log(open_workspace(), catalog, Path(table), reading)
        open_workspace().sweep.drop_upload(Path(table))
        st.session_state[f"log-remarks-{catalog.id}"] = stored.problems
    except WishlightError as exc:
        st.session_state["log-refused"] = str(exc)


def _simulate(catalog: Catalog) -> None:
    workspace = open_workspace()
    with shown_errors():
        index = workspace.serving.of(replace(catalog, version="")).index
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
