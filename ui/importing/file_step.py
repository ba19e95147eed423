"""Step 1: the file, how it is read, and what the catalogue is called."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from core.catalog.importing.drafts import Draft, start_draft, with_options
from core.catalog.read.intake import list_tables, save_upload, stage_file
from core.catalog.read.read import detect, preview_table
from core.catalog.schema import DOMAINS, Problem
from core.catalog.table import Table
from core.encode.registry import EMBEDDED
from core.wording import count_noun
from ui.importing.state import draw_moves, find_updated, forget, go_to, keep
from ui.reading import draw_reading
from ui.resources import open_workspace
from ui.tables import draw_table
from ui.text import escape_markdown

FILE_TYPES = ["csv", "tsv", "txt", "xlsx", "parquet", "jsonl", "ndjson", "json", "gz", "zip"]
_PREVIEW_ROWS = 20
_MOST_PROBLEMS = 5
_NO_ROWS = "holds a header and no rows. Export it again with its items, or choose another header row above."


def draw_upload() -> None:
    """The uploader; a good file becomes a draft at once."""
    st.markdown("Upload a table of your items. It may come in a ZIP together with its pictures.")
    upload = st.file_uploader(
        "Catalogue file",
        type=FILE_TYPES,
        key=f"catalog-file-{st.session_state.get('upload-round', 0)}",
        help="CSV, TSV, Excel, Parquet or JSON lines, also gzipped, or a ZIP with one of these and pictures.",
    )
    st.caption(
        "Exports of Shopify, WooCommerce, Google Merchant, PrestaShop, Magento, Amazon, eBay, Etsy and BigCommerce are "
        "recognised by their headers."
    )
    if upload is None:
        return
    uploads = open_workspace().home.uploads
    path = save_upload(upload, upload.name, uploads)
    member = _choose_member(path)
    staged = stage_file(path, uploads, name=upload.name, member=member)
    draft = start_draft(staged, backbone=EMBEDDED)
    updated = find_updated(draft.spec)
    keep(replace(draft, spec=replace(draft.spec, catalog=updated)) if updated else draft)
    go_to("file")
    st.rerun()


def draw_file(draft: Draft) -> None:
    """How the file is read, with a preview that follows every change."""
    spec = draft.spec
    st.markdown(f"**{escape_markdown(draft.file_name)}**")
    detected = detect(spec.table)
    draw_problems(detected.problems)
    options = draw_reading(spec.table, spec.options, detected, key=f"{draft.id}-")
    if options != spec.options:
        draft = with_options(draft, options)
        keep(draft)
    preview = preview_table(draft.spec.table, options, _PREVIEW_ROWS)
    _draw_preview(preview)
    if not preview.rows:
        st.error(f"{escape_markdown(draft.file_name)} {_NO_ROWS}", icon=":material/error:")
    _draw_name(draft)
    with st.container(horizontal=True):
        st.button("Take another file", key="forget", icon=":material/restart_alt:", on_click=forget)
        draw_moves("file", can_go_on=bool(preview.rows))


def draw_problems(problems: tuple[Problem, ...]) -> None:
    """Doubts about the whole file."""
    for problem in problems[:_MOST_PROBLEMS]:
        (st.error if problem.severity == "error" else st.warning)(
            escape_markdown(problem.message), icon=":material/warning:"
        )
    if len(problems) > _MOST_PROBLEMS:
        st.caption(f"and {len(problems) - _MOST_PROBLEMS:,} more")


def _choose_member(path: Path) -> str:
    tables = list_tables(path)
    depth = min((name.count("/") for name in tables), default=0)
    shallow = [name for name in tables if name.count("/") == depth]
    if len(shallow) < 2:
        return ""
    chosen = st.selectbox("The ZIP holds several tables. Which one?", shallow, index=None, key="member")
    if chosen is None:
        st.stop()
    return str(chosen)


def _draw_preview(preview: Table) -> None:
    rows = [dict(zip(preview.columns, row.cells, strict=False)) for row in preview.rows]
    draw_table(rows, height=260, placeholder="–", alt="The first rows of the file")
    st.caption(f"The first {count_noun(len(rows), 'row')}, {count_noun(len(preview.columns), 'column')}")
    draw_problems(tuple(problem for problem in preview.problems if problem.row == 0))


def _draw_name(draft: Draft) -> None:
    name, domain, currency = st.columns([3, 2, 2])
    spec = draft.spec
    with name:
        catalog = st.text_input(
            "Catalogue name", spec.catalog, max_chars=80, key=f"name-{draft.id}", help="An existing name is added to."
        )
    with domain:
        kind = st.selectbox("Kind of items", DOMAINS, DOMAINS.index(spec.domain), key=f"domain-{draft.id}")
    with currency:
        unit = st.text_input(
            "Currency where none is named", spec.currency, max_chars=3, key=f"currency-{draft.id}", placeholder="EUR"
        )
    changed = replace(spec, catalog=catalog.strip() or spec.catalog, domain=kind, currency=unit.strip().upper())
    if changed != spec:
        keep(replace(draft, spec=changed))
