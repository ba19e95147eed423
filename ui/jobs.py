"""The live panel of one long piece of work: how far, how fast, what to do about it."""

import streamlit as st

from core.errors import JobError
from core.jobs.table import Job, JobStore
from core.jobs.worker import ensure_worker, has_worker, log_path
from ui.errors import shown_errors
from ui.resources import open_jobs, open_workspace
from ui.text import escape_markdown, format_duration, format_rate

_LOG_LINES = 40
_ICONS = {
    "queued": ":material/schedule:",
    "running": ":material/progress_activity:",
    "done": ":material/check_circle:",
    "failed": ":material/error:",
    "cancelled": ":material/cancel:",
}


def start_job(kind: str, title: str, payload: dict[str, object], *, key: str) -> Job:
    """Queue a job and see to it that a worker lives; a second click returns the first one's job."""
    job = open_jobs().submit(kind, title, payload, key=key)
    ensure_worker(open_workspace().home)
    return job


@st.fragment(run_every=1.0)
def draw_live_job(job_id: str) -> None:
    """The panel of an unfinished job; reruns the page once it has ended."""
    with shown_errors():
        job = open_jobs().get(job_id)
        draw_job(job)
        if not job.is_live:
            st.rerun()


def draw_job(job: Job) -> None:
    """One job with its progress, buttons and log."""
    jobs = open_jobs()
    alive = not job.is_live or has_worker(open_workspace().home)
    with st.container(border=True, key=f"job-{job.id}"):
        st.markdown(f"{_ICONS[job.state]} **{escape_markdown(job.title)}** — {_describe(job)}")
        if job.is_live:
            st.progress(min(job.done / job.total, 1.0) if job.total else 0.0, text=_progress_text(job))
            if not alive:
                st.warning("No worker is alive, so nothing moves. Start one; the work goes on where it stopped.")
        elif job.message:
            (st.error if job.state == "failed" else st.caption)(job.message)
        _draw_buttons(job, jobs, alive=alive)
        _draw_log(job)


def _describe(job: Job) -> str:
    if job.state == "done" and job.started_at and job.finished_at:
        return f"done in {format_duration(job.finished_at - job.started_at)}"
    if job.cancel_requested and job.is_live:
        return "stopping"
    return {"queued": "waiting", "running": "at work"}.get(job.state, job.state)


def _progress_text(job: Job) -> str:
    parts = [job.stage or "Waiting for the worker"]
    if job.total:
        parts.append(f"{job.done:,} of {job.total:,}")
    if job.rate and job.total:
        parts.append(format_rate(job.rate))
    if job.seconds_left is not None and job.done < job.total:
        parts.append(f"{format_duration(job.seconds_left)} left")
    return " · ".join(parts)


def _draw_buttons(job: Job, jobs: JobStore, *, alive: bool) -> None:
    with st.container(horizontal=True):
        if job.is_live and not job.cancel_requested:
            st.button("Cancel", key=f"cancel-{job.id}", icon=":material/stop:", on_click=jobs.cancel, args=(job.id,))
        if not alive:
            st.button("Start a worker", key=f"worker-{job.id}", on_click=ensure_worker, args=(open_workspace().home,))
        if job.state in ("failed", "cancelled"):
            st.button("Go on", key=f"resume-{job.id}", icon=":material/play_arrow:", on_click=_resume, args=(job.id,))


def _resume(job_id: str) -> None:
    with shown_errors():
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
