"""Catalogues: what there is, which model serves each, and what can be made anew."""

import streamlit as st

from core.encode.registry import BACKBONES
from core.store.catalogs import Catalog
from core.wording import count_noun
from core.work.encode_catalog import EncodeSpec
from ui import visitor
from ui.address import CATALOG, go, read
from ui.backbones import draw_backbone
from ui.deletion import draw_goes
from ui.empty import draw_no_catalog
from ui.errors import shown_errors
from ui.jobs import draw_live_job, start_job
from ui.resources import open_jobs, open_workspace
from ui.sample import draw_sample_credits
from ui.text import escape_markdown


def draw_page() -> None:
    """A panel for each catalogue."""
    st.title("Catalogues", anchor=False)
    catalogs = open_workspace().catalogs.list()
    if not catalogs:
        draw_no_catalog()
        return
    for job in open_jobs().live():
        draw_live_job(job.id)
    for catalog in catalogs:
        _draw_catalog(catalog)
    with st.expander("Repair", icon=":material/build:"):
        st.markdown(
            "Makes thumbnails, the word index, missing embeddings and the vector indexes again, for all catalogues, "
            "from the items and pictures that are stored. Nothing is lost; it is only needed when files of the data "
            "folder were damaged or taken away."
        )
        if st.button("Rebuild the indexes", key="rebuild", icon=":material/build:"):
            _ask_rebuild(sum(catalog.items for catalog in catalogs))


@st.dialog("Rebuild all indexes?")
def _ask_rebuild(items: int) -> None:
    st.markdown(
        f"{count_noun(items, 'item is', 'items are')} read again, which can take a while. Suggestions go on meanwhile."
    )
    if st.button("Rebuild them", type="primary", key="rebuild-go", on_click=_rebuild):
        st.rerun()


@shown_errors()
def _rebuild() -> None:
    start_job("rebuild", "Rebuild the indexes", {}, key="rebuild")


def _draw_catalog(catalog: Catalog) -> None:
    with st.container(border=True, key=f"catalog-{catalog.id}"):
        words, buttons = st.columns([3, 2], vertical_alignment="center")
        with words:
            st.subheader(escape_markdown(catalog.name), anchor=False)
            st.markdown(
                f"{count_noun(catalog.items, 'item')} · {count_noun(catalog.pictures, 'picture')} · "
                f"{escape_markdown(catalog.domain)} · "
                f"model {escape_markdown(catalog.model_title)}"
            )
            draw_sample_credits(catalog)
        with buttons, st.container(horizontal=True, horizontal_alignment="right"):
            if st.button("Switch model", key=f"switch-{catalog.id}", icon=":material/swap_horiz:"):
                _draw_switch(catalog)
            if st.button("Delete", key=f"delete-{catalog.id}", icon=":material/delete:"):
                _draw_delete(catalog)


@st.dialog("Switch the image-text model")
def _draw_switch(catalog: Catalog) -> None:
    st.markdown("All items are encoded in the background; the present model serves until that is done.")
    names = [backbone.name for backbone in BACKBONES if backbone.name != catalog.backbone]
    owner = visitor.is_owner()
    chosen = st.selectbox("Model", names, key="switch-to", accept_new_options=owner)
    backbone = next((one for one in BACKBONES if one.name == chosen), None)
    if backbone is not None:
        draw_backbone(backbone)
    if owner:
        st.caption("Any open_clip name, hf-hub: id or local folder can be typed in.")
    if st.button("Encode and switch", type="primary", key="switch-go", on_click=_switch, args=(catalog,)):
        st.rerun()


@st.dialog("Delete this catalogue?")
def _draw_delete(catalog: Catalog) -> None:
    st.markdown(f"**{escape_markdown(catalog.name)}** goes for good, with everything that only it refers to:")
    with shown_errors():
        draw_goes(open_workspace().sweep.find.of_catalog(catalog).goes)
    if st.button("Delete it", type="primary", key="delete-go", on_click=_delete, args=(catalog,)):
        st.rerun()


def _delete(catalog: Catalog) -> None:
    with shown_errors():
        open_workspace().delete_catalog(catalog)
    if read(CATALOG).casefold() == catalog.name.casefold():
        go({CATALOG: ""})


def _switch(catalog: Catalog) -> None:
    chosen = st.session_state["switch-to"]
    payload = EncodeSpec(catalog=catalog.name, backbone=chosen).to_json()
    with shown_errors():
        title = f"Encode “{catalog.name}” with {chosen}"
        start_job("encode", title, payload, key=f"encode-{catalog.id}-{chosen}", units=catalog.items)


draw_page()
