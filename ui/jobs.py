"""The live panel of one long piece of work: how far, how fast, what to do about it."""

import shutil
import time

import streamlit as st

from core.errors import JobError
from core.jobs.job import Job, choose_lane
from core.jobs.job_table import JobStore
from core.jobs.worker import ensure_worker, has_worker, log_path
from core.store.catalogs import Catalog
from ui.address import CATALOG
from ui.deletion import draw_goes
from ui.errors import shown_errors
from ui.navigation import find_page
from ui.resources import open_jobs, open_workspace
from ui.text import escape_markdown, format_duration, format_moment, format_rate
from ui.visitor import require_right

_LOG_LINES = 40
#: With less, the database may be unable to grow.
_FULL_BYTES = 4_000_000
#: Where the result of a kind of work is to be seen.
_RESULTS = {
    "import": ("Suggestions", "Look at its items"),
    "encode": ("Suggestions", "Look at its items"),
    "activate": ("Suggestions", "Look at its items"),
    "train": ("Training", "See how it went"),
    "search": ("Training", "See the settings"),
    "audit": ("Audit", "Read the report"),
}
#: What stays, and what does not, when it is taken off the list.
_KEPT = {
    "import": "The imported items stay.",
    "train": "The trained version stays; the curves of this run are no longer shown.",
    "search": "The report of this search is no longer shown.",
    "audit": "The report of this audit is no longer shown.",
}
_ICONS = {
    "queued": ":material/schedule:",
    "running": ":material/progress_activity:",
    "done": ":material/check_circle:",
    "failed": ":material/error:",
    "cancelled": ":material/cancel:",
}


def start_job(kind: str, title: str, payload: dict[str, object], *, key: str, units: int | None = None) -> Job:
    """Queue a job and see to it that a worker lives; a second click returns the first one's job.

    Args:
        kind: What runs it.
        title: For the page.
        payload: JSON values.
        key: Idempotency key.
        units: Items that it reads, where that is known: little work does not wait for long work.

    Raises:
        JobError: It names a model or a folder that this visitor may not name.
    """
    require_right(payload)
    job = open_jobs().submit(kind, title, payload, key=key, lane=choose_lane(kind, units))
    ensure_worker(open_workspace().home)
    return job


@st.fragment(run_every=1.0)
def draw_live_job(job_id: str, *, listed: bool = False) -> None:
    """The panel of an unfinished job; reruns the page once it has ended."""
    with shown_errors():
        job = open_jobs().get(job_id)
        draw_job(job, listed=listed)
        if not job.is_live:
            st.rerun()


def draw_job(job: Job, *, listed: bool = False) -> None:
    """One job with its progress, buttons and log; in the list of all also with the ways to its result and off it."""
    jobs = open_jobs()
    alive = not job.is_live or has_worker(open_workspace().home, job.lane)
    with st.container(border=True, key=f"job-{job.id}"):
        st.markdown(f"{_ICONS[job.state]} **{escape_markdown(job.title)}** — {_describe(job)}")
        if job.is_live:
            st.progress(min(job.done / job.total, 1.0) if job.total else 0.0, text=_progress_text(job))
            if not alive:
                st.warning(f"No worker is alive, so nothing moves. {_advise()}; the work goes on where it stopped.")
        elif job.message:
            (st.error if job.state == "failed" else st.caption)(escape_markdown(job.message))
        st.caption(_say_when(job))
        _draw_buttons(job, jobs, alive=alive, listed=listed)
        _draw_log(job)


def _advise() -> str:
    """What brings a worker back; a full disk keeps even the reason why one ended from being written down."""
    full = shutil.disk_usage(open_workspace().home.root).free < _FULL_BYTES
    return "The data folder's disk is full: free some space, then start one" if full else "Start one"


def _describe(job: Job) -> str:
    if job.state == "done" and job.started_at and job.finished_at:
        return f"done in {format_duration(job.finished_at - job.started_at)}"
    if job.cancel_requested and job.is_live:
        return "stopping"
    return {"queued": "waiting", "running": "at work"}.get(job.state, escape_markdown(job.state))


def _say_when(job: Job) -> str:
    """When it began or ended, in the visitor's own time."""
    moment, word = job.created_at, "Asked for"
    if job.finished_at is not None:
        moment, word = job.finished_at, "Ended"
    elif job.started_at is not None:
        moment, word = job.started_at, "Started"
    return escape_markdown(f"{word} {format_moment(moment, time.time(), st.context.timezone)}")


def _progress_text(job: Job) -> str:
    parts = [escape_markdown(job.stage or "Beginning") if job.state == "running" else describe_wait(job)]
    if job.total:
        parts.append(f"{job.done:,} of {job.total:,}")
    if job.rate and job.total:
        parts.append(format_rate(job.rate))
    if job.seconds_left is not None and job.done < job.total:
        parts.append(f"{format_duration(job.seconds_left)} left")
    return " · ".join(parts)


def describe_wait(job: Job) -> str:
    """What a job that does not move waits for, and for how long at least."""
    blocker = open_jobs().find_blocker(job) if job.state == "queued" else None
    if blocker is None:
        return "Waiting for the worker"
    left = blocker.seconds_left if blocker.state == "running" else None
    return f"Waits for: {escape_markdown(blocker.title)}" + (f", {format_duration(left)} left" if left else "")


def _draw_buttons(job: Job, jobs: JobStore, *, alive: bool, listed: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.is_live and not job.cancel_requested:
            st.button("Cancel", key=f"cancel-{job.id}", icon=":material/stop:", on_click=_cancel, args=(job.id,))
        if not alive:
            st.button("Start a worker", key=f"worker-{job.id}", on_click=_start_worker)
        if job.state in ("failed", "cancelled") and not jobs.is_bereft(job):
            st.button("Go on", key=f"resume-{job.id}", icon=":material/play_arrow:", on_click=_resume, args=(job.id,))
        if listed and job.state == "done":
            _draw_result_link(job)
        if listed and not job.is_live:
            remove = st.button("Remove", key=f"remove-{job.id}", icon=":material/delete:", type="tertiary")
            if remove:
                _ask_removal(job)


def _draw_result_link(job: Job) -> None:
    """The way to what a job has made, as long as its catalogue is there."""
    where, label = _RESULTS.get(job.kind, ("", ""))
    if where and any(_is_about(job, catalog) for catalog in open_workspace().catalogs.list()):
        st.page_link(
            find_page(where), label=label, icon=":material/arrow_forward:", query_params={CATALOG: job.catalog}
        )


def _is_about(job: Job, catalog: Catalog) -> bool:
    """By its id; a job that made its catalogue has none and goes by the name."""
    if job.catalog_id is not None:
        return job.catalog_id == catalog.id
    return job.catalog.casefold() == catalog.name.casefold()


@st.dialog("Remove this from the list?")
def _ask_removal(job: Job) -> None:
    st.markdown(f"**{escape_markdown(job.title)}** goes from the list. {_KEPT.get(job.kind, '')}")
    with shown_errors():
        draw_goes(open_workspace().sweep.find.of_run(job.id).goes)
    if st.button("Remove it", type="primary", key="remove-go", on_click=_remove, args=(job.id,)):
        st.rerun()


@shown_errors()
def _cancel(job_id: str) -> None:
    open_jobs().cancel(job_id)


@shown_errors()
def _start_worker() -> None:
    ensure_worker(open_workspace().home)


@shown_errors()
def _remove(job_id: str) -> None:
    sweep = open_workspace().sweep
    sweep.delete(sweep.find.of_run(job_id))


@shown_errors()
def _resume(job_id: str) -> None:
    open_jobs().resume(job_id)
    ensure_worker(open_workspace().home)


def _draw_log(job: Job) -> None:
    try:
        path = log_path(open_workspace().home, job.id)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    except (OSError, JobError):
        lines = []
    if lines:
        with st.expander("Log", icon=":material/article:"):
            st.code("\n".join(lines[-_LOG_LINES:]), language=None, wrap_lines=True)
