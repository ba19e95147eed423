"""What the data doctor says about a log, before anything is trained on it."""

import time

import numpy as np
import streamlit as st

from core.baselines.recommender import ItemTable
from core.encode.text import item_text
from core.evaluate.doctor import Finding, examine
from core.store.catalogs import Catalog
from core.store.interactions import LogSummary
from ui.resources import open_workspace
from ui.text import escape_markdown

_ICONS = {"error": ":red[:material/error:]", "warning": ":orange[:material/warning:]", "ok": ":green[:material/check:]"}


def draw_findings(catalog: Catalog, summary: LogSummary) -> None:
    """One line a check, the worst first."""
    findings = _examine(catalog.id, summary, catalog.revision)
    bad = sum(one.severity != "ok" for one in findings)
    title = (
        f"Data doctor: {bad:,} of {len(findings)} checks {'has' if bad == 1 else 'have'} a remark"
        if bad
        else "Data doctor: nothing to remark"
    )
    with st.expander(title, icon=":material/stethoscope:"):
        for one in findings:
            examples = f" :gray[{escape_markdown(', '.join(one.examples[:3]))}]" if one.examples else ""
            st.markdown(f"{_ICONS[one.severity]} {escape_markdown(one.message)}{examples}")


@st.cache_data(show_spinner=False, max_entries=8)
def _examine(
    catalog_id: int,
    summary: LogSummary,
    revision: int,  # noqa: ARG001 - what the cache goes by
) -> tuple[Finding, ...]:
    workspace = open_workspace()
    items = [stored.item for stored in workspace.items.iterate(catalog_id)]
    nothing = np.zeros((len(items), 1), np.float32)
    table = ItemTable(
        item_ids=tuple(item.item_id for item in items),
        texts=tuple(item_text(item) for item in items),
        titles=tuple(item.title for item in items),
        categories=("",) * len(items),
        text_embeddings=nothing,
        picture_embeddings=nothing,
    )
    log = workspace.interactions.load(catalog_id, table.item_ids)
    # Left out when the log was stored, and stored with items that are gone by now.
    unknown = summary.unknown_events + summary.events - len(log)
    return examine(log, table, now=int(time.time()), unknown_events=unknown)
