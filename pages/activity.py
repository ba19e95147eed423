"""Activity: every piece of long work, at work or ended, with its log."""

import streamlit as st

from ui.jobs import draw_job, draw_live_job
from ui.resources import open_jobs


def draw_page() -> None:
    """Jobs, the newest first."""
    st.title("Activity", anchor=False)
    jobs = open_jobs().list()
    if not jobs:
        st.info("Nothing has been started yet. Imports and encoding show here.", icon=":material/list_alt:")
    for job in jobs:
        if job.is_live:
            draw_live_job(job.id, listed=True)
        else:
            draw_job(job, listed=True)


draw_page()
