"""Step 5: what will be written, then the import itself and its report."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from core.catalog.drafts import Draft
from core.catalog.importing import ImportSpec, plan_import
from core.encode.registry import BACKBONES
from core.errors import CatalogNotFoundError, JobError
from core.jobs.table import Job
from core.store.catalogs import Catalog
from ui.address import CATALOG, go, read
from ui.backbones import draw_backbone
from ui.importing.state import check_all, draw_moves, forget, keep
from ui.jobs import draw_job, draw_live_job, start_job
from ui.navigation import find_page
from ui.resources import open_jobs, open_workspace
from ui.text import escape_markdown, format_duration


def draw_import(draft: Draft) -> None:
    """Counts before anything is written; then the work; then what it did."""
    job = _current_job()
    if job is not None and job.is_live:
        draw_live_job(job.id)
        st.caption("You can close this page: the work goes on, and this address shows it again.")
        return
    if job is not None and job.state == "done":
        _draw_report(job.result)
        return
    if job is not None:
        draw_job(job)
    _draw_plan(draft)


def _draw_plan(draft: Draft) -> None:
    spec = draft.spec
    validated = check_all(spec, spec.key())
    catalog = _existing(spec.catalog)
    known = open_workspace().items.content_hashes(catalog.id) if catalog else {}
    plan = plan_import(validated.items, known)
    name = f"**{escape_markdown(spec.catalog)}**{' (new)' if catalog is None else ''}"
    st.markdown(f"Into the catalogue {name}. Nothing has been written yet.")
    columns = st.columns(4)
    numbers = {
        "Create": len(plan.create), "Update": len(plan.update), "Unchanged": len(plan.skip),
        "Left out": len(validated.rejected),
    }  # fmt: skip
    for column, (name, count) in zip(columns, numbers.items(), strict=True):
        column.metric(name, f"{count:,}", border=True)
    spec = _draw_backbone(draft, catalog)
    if spec != draft.spec:
        keep(replace(draft, spec=spec))
    with st.container(horizontal=True):
        draw_moves("import")
        st.button(
            f"Import {len(validated.items):,} items",
            key="start-import",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(spec,),
        )


def _draw_backbone(draft: Draft, catalog: Catalog | None) -> ImportSpec:
    if catalog is not None:
        st.caption(f"This catalogue is served by the image-text model {escape_markdown(catalog.backbone)}.")
        return replace(draft.spec, backbone=catalog.backbone)
    by_name = {backbone.name: backbone for backbone in BACKBONES}
    names = list(dict.fromkeys((draft.spec.backbone, *by_name)))
    chosen = st.selectbox("Image-text model", names, key=f"backbone-{draft.id}", index=0)
    backbone = by_name.get(chosen)
    if backbone is not None:
        draw_backbone(backbone)
    return replace(draft.spec, backbone=chosen)


def _draw_report(result: Mapping[str, Any]) -> None:
    st.success(
        f"Done in {format_duration(result['seconds'])}: {result['created']:,} created, {result['updated']:,} updated, "
        f"{result['skipped']:,} unchanged. Pictures: {result['pictures']['ok']:,} stored, "
        f"{result['pictures']['failed']:,} failed.",
        icon=":material/check_circle:",
    )
    problems = [*result["rejected"], *result["picture_problems"]]
    if problems:
        with st.expander(f"{len(problems):,} things to look at", icon=":material/warning:"):
            st.dataframe(
                [{"Row": p["row"], "Value": p["value"], "What to do": p["message"]} for p in problems],
                hide_index=True,
                alt="Problems of this import",
            )
    with st.container(horizontal=True):
        if st.button("Find something in it", key="go-suggest", type="primary", icon=":material/search:"):
            st.switch_page(find_page("Suggestions"), query_params={CATALOG: result["catalog"]})
        st.button("Import another file", key="another", on_click=forget)


def _existing(name: str) -> Catalog | None:
    try:
        return open_workspace().catalogs.find(name)
    except CatalogNotFoundError:
        return None


def _current_job() -> Job | None:
    job_id = read("job")
    if not job_id:
        return None
    try:
        return open_jobs().get(job_id)
    except JobError:
        return None


def _start(spec: ImportSpec) -> None:
    job = start_job("import", f"Import “{spec.catalog}”", spec.to_json(), key=f"import-{spec.key()}")
    go(job=job.id)
