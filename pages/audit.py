"""What the model relies on over a whole catalogue: parts, words, pictures, and how often no map can be trusted."""

import streamlit as st

from core.store.catalogs import Catalog
from ui.audit.report_panel import draw_report
from ui.audit.start_panel import draw_start
from ui.empty import draw_no_catalog
from ui.jobs import draw_job, draw_live_job
from ui.resources import open_jobs
from ui.sidebar import chosen_catalogs
from ui.text import escape_markdown


def draw_page() -> None:
    """How to start an audit, and below it the one at work or the last one."""
    catalogs = [catalog for catalog in chosen_catalogs() if catalog.items]
    if not catalogs:
        draw_no_catalog()
        return
    st.title("What the model relies on", anchor=False)
    catalog = catalogs[0]
    if len(catalogs) > 1:
        st.info(
            f"An audit looks at one catalogue: this is “{escape_markdown(catalog.name)}”. "
            "Choose another in the side bar."
        )
    st.markdown(
        "Explains many suggestions and sums them up: which parts, words and pictures matter, and which pictures hurt."
    )
    draw_start(catalog)
    _draw_last(catalog)


def _draw_last(catalog: Catalog) -> None:
    jobs = open_jobs().of_catalog(catalog.id, "audit", limit=1)
    if not jobs:
        return
    if jobs[0].is_live:
        draw_live_job(jobs[0].id)
        return
    draw_job(jobs[0])
    draw_report(catalog, jobs[0])


draw_page()
