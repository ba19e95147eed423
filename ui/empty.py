"""What a person sees before there is any catalogue."""

import streamlit as st

from core.catalog.sample import SAMPLE_NAME, SAMPLE_NOTE, sample_spec
from core.encode.registry import EMBEDDED
from ui.errors import shown_errors
from ui.jobs import draw_live_job, start_job
from ui.navigation import find_page
from ui.resources import open_jobs


def draw_no_catalog() -> None:
    """One sentence and the two ways on; the live panel once work has begun."""
    live = [job for job in open_jobs().live() if job.kind == "import"]
    with st.container(horizontal_alignment="center", width="stretch"):
        st.html('<div class="wl-hero"><h1>Say what you need, see what fits</h1></div>')
        st.markdown("There is no catalogue yet: load the sample, or import your own.", text_alignment="center")
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.button(
                "Load the sample catalogue",
                type="primary",
                icon=":material/storefront:",
                key="load-sample",
                on_click=_load_sample,
                disabled=bool(live),
            )
            if st.button("Import a CSV", icon=":material/upload_file:", key="go-import"):
                st.switch_page(find_page("Import"))
        st.caption(f"The sample: {SAMPLE_NOTE[:1].lower()}{SAMPLE_NOTE[1:]}", text_alignment="center")
    for job in live[:1]:
        draw_live_job(job.id)


def _load_sample() -> None:
    with shown_errors():
        spec = sample_spec(backbone=EMBEDDED)
        start_job("import", f"Load “{SAMPLE_NAME}”", spec.to_json(), key=f"import-{spec.key()}")
