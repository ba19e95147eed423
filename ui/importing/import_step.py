"""Step 5: what will be written, then the import itself and its report."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from core.catalog.importing.drafts import Draft
from core.catalog.importing.spec import ImportSpec
from core.encode.registry import BACKBONES
from core.errors import JobError, WishlightError
from core.jobs.job import Job
from core.store.catalogs import Catalog
from core.wording import count_noun
from core.work.import_plan import ImportPlan
from core.work.import_report import tell_unspoken
from ui.address import CATALOG, go, read
from ui.backbones import draw_backbone
from ui.errors import show_failure, shown_errors
from ui.importing.state import check_all, draw_moves, find_catalog, forget, keep, plan_all
from ui.jobs import draw_job, draw_live_job, start_job
from ui.navigation import find_page
from ui.resources import open_jobs
from ui.tables import draw_table
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
    catalog = find_catalog(spec.catalog)
    try:
        plan = plan_all(spec, spec.key(), *((catalog.id, catalog.revision) if catalog else (0, 0)))
    except WishlightError as exc:
        show_failure(exc)
        draw_moves("import")
        return
    new = " (new)" if catalog is None else ""
    st.markdown(f"Into the catalogue **{escape_markdown(spec.catalog)}**{new}. Nothing has been written yet.")
    columns = st.columns(4)
    numbers = {
        "Create": plan.create, "Update": plan.update + plan.retry, "Unchanged": plan.skip,
        "Left out": len(check_all(spec, spec.key()).rejected) + len(plan.rejected),
    }  # fmt: skip
    for column, (name, count) in zip(columns, numbers.items(), strict=True):
        column.metric(escape_markdown(name), f"{count:,}", border=True)
    for sentence in _describe_rest(plan):
        st.caption(escape_markdown(sentence))
    spec = _draw_backbone(draft, catalog)
    if spec != draft.spec:
        keep(replace(draft, spec=spec))
    with st.container(horizontal=True):
        draw_moves("import")
        st.button(
            f"Import {count_noun(plan.create + plan.update + plan.retry + plan.skip, 'item')}",
            key="start-import",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(spec, plan.create + plan.update + plan.retry),
        )


def _describe_rest(plan: ImportPlan) -> Iterator[str]:
    """What the four numbers do not say."""
    if plan.retry:
        yield f"Updates that only try pictures again that could not be read before: {plan.retry:,}."
    yield from tell_unspoken(plan.untouched, plan.absent)
    for problem in plan.rejected[:3]:
        yield f"Row {problem.row} ({problem.value}) is left out: {problem.message}"


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
        with st.expander(f"{count_noun(len(problems), 'thing')} to look at", icon=":material/warning:"):
            draw_table(
                [{"Row": p["row"], "Value": p["value"], "What to do": p["message"]} for p in problems],
                alt="Problems of this import",
            )
    with st.container(horizontal=True):
        if st.button("Find something in it", key="go-suggest", type="primary", icon=":material/search:"):
            st.switch_page(find_page("Suggestions"), query_params={CATALOG: result["catalog"]})
        st.button("Import another file", key="another", on_click=forget)


def _current_job() -> Job | None:
    job_id = read("job")
    if not job_id:
        return None
    try:
        return open_jobs().get(job_id)
    except JobError:
        return None


def _start(spec: ImportSpec, items: int) -> None:
    fetches = spec.fetch and spec.mapping.find_columns("pictures") and not (spec.archive or spec.folder)
    with shown_errors():
        title, key = f"Import “{spec.catalog}”", f"import-{spec.key()}"
        job = start_job("import", title, spec.to_json(), key=key, units=None if fetches else items)
        go(job=job.id)
