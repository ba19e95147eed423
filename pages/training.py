"""Training: a log or none, one button, a live run, and an honest answer."""

import streamlit as st

from ui.empty import draw_no_catalog
from ui.jobs import draw_live_job
from ui.resources import open_jobs
from ui.sidebar import chosen_catalogs
from ui.text import escape_markdown
from ui.training.expectations_panel import draw_expectations
from ui.training.log_panel import draw_log
from ui.training.run_panel import draw_runs, draw_start
from ui.training.search_panel import draw_search
from ui.training.version_panel import draw_versions


def draw_page() -> None:
    """The chosen catalogue's log, runs and versions."""
    st.title("Training", anchor=False)
    catalogs = chosen_catalogs()
    if not catalogs:
        draw_no_catalog()
        return
    catalog = catalogs[0]
    if len(catalogs) > 1:
        st.info(
            f"A version is trained for one catalogue: this is “{escape_markdown(catalog.name)}”. "
            "Choose another in the side bar."
        )
    for job in open_jobs().live():
        if job.kind == "activate":
            draw_live_job(job.id)
    log, start = st.columns(2, gap="medium")
    with log:
        summary = draw_log(catalog)
    with start:
        effort = draw_start(catalog, summary)
    draw_search(catalog, effort)
    draw_runs(catalog)
    draw_expectations(catalog)
    draw_versions(catalog)


draw_page()
