"""What a person sees before there is any catalogue."""

import streamlit as st

from core.catalog.importing.sample import SAMPLE_NAME, SAMPLE_NOTE, list_sample_pictures, sample_spec
from core.encode.registry import EMBEDDED
from ui.errors import shown_errors
from ui.jobs import draw_live_job, start_job
from ui.navigation import find_page
from ui.pictures import asset_picture
from ui.resources import open_jobs

_STEPS = (
    ("Bring your items", "a CSV, Excel, Parquet or JSON file, or a ZIP with the pictures in it; or the sample"),
    ("Ask in your own words", "or with a picture, and see what fits, each with its reasons"),
    ("Teach it", "with clicks and purchases, and see in numbers whether that helped"),
)
_SHOWN = 6


def draw_no_catalog() -> None:
    """What this is for and the two ways on; the live panel once work has begun."""
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
            if st.button("Import a file", icon=":material/upload_file:", key="go-import"):
                st.switch_page(find_page("Import"))
        _draw_sample()
    for job in live[:1]:
        draw_live_job(job.id)
    with st.grid("auto", min_column_width=220, gap="medium"):
        for number, (title, text) in enumerate(_STEPS, start=1):
            with st.container(border=True, key=f"step-{number}"):
                st.markdown(f"**{number}. {title}**  \n{text[:1].upper()}{text[1:]}.")


def _draw_sample() -> None:
    """A few of the sample's pictures, and what they are."""
    with st.container(horizontal=True, horizontal_alignment="center", gap="small", key="card-sample"):
        for path in list_sample_pictures(_SHOWN):
            st.image(asset_picture(path), width=108, alt="")
    st.caption(f"The sample: {SAMPLE_NOTE[:1].lower()}{SAMPLE_NOTE[1:]}", text_alignment="center")


def _load_sample() -> None:
    with shown_errors():
        spec = sample_spec(backbone=EMBEDDED)
        start_job("import", f"Load “{SAMPLE_NAME}”", spec.to_json(), key=f"import-{spec.key()}")
