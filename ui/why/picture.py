"""The item's picture, and where in it a need finds what it looks for."""

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from core.errors import ExplainError
from core.explain.maps import Looked
from core.explain.overlay import overlay
from core.explain.words import drop_words
from core.store.catalogs import Catalog
from core.store.items import StoredItem
from core.suggest.need import Need
from ui.pictures import card_picture
from ui.resources import open_workspace
from ui.text import escape_markdown

_WIDTH = 260
_WHOLE = "The whole need"
_MOST_WORDS = 8


@st.fragment
def draw_picture(catalog: Catalog, stored: StoredItem, need: Need) -> None:
    """The picture; on demand with a map over it, for the whole need or for one of its words."""
    place = st.container()
    shown = st.toggle("Show where the model looked", key=f"look-{stored.id}", disabled=stored.main_picture is None)
    if not shown:
        place.image(card_picture(stored.main_picture), width=_WIDTH, alt=stored.item.title)
        return
    words = list(dict.fromkeys(word for word, _ in drop_words(need.text)))[:_MOST_WORDS]
    asked = _WHOLE
    if len(words) > 1:
        asked = (
            st.pills("Look for", [_WHOLE, *words], default=_WHOLE, key=f"look-for-{stored.id}-{need.text}") or _WHOLE
        )
    try:
        looked = _look(
            catalog.name,
            (catalog.revision, catalog.version),
            need.text if asked == _WHOLE else asked,
            need.avoid,
            stored.item.item_id,
        )
    except ExplainError as exc:
        place.image(card_picture(stored.main_picture), width=_WIDTH, alt=stored.item.title)
        st.info(escape_markdown(str(exc)), icon=":material/image_not_supported:")
        return
    _draw_looked(looked, stored, asked, place)


def _draw_looked(looked: Looked, stored: StoredItem, asked: str, place: DeltaGenerator) -> None:
    if not looked.map.faithful:
        place.image(Image.fromarray(looked.pixels), width=_WIDTH, alt=stored.item.title)
        st.info(
            "No map of this picture explains the score better than chance would, so none is shown. Its words and "
            "fields below say what counted.",
            icon=":material/help:",
        )
        return
    opacity = st.slider("Opacity of the map", 0, 100, 60, 10, format="%d %%", key=f"opacity-{stored.id}")
    about = "the whole need" if asked == _WHOLE else f"“{asked}”"
    place.image(
        overlay(looked.pixels, looked.map.grid, opacity / 100),
        width=_WIDTH,
        alt=f"{stored.item.title}, with what counted for {about} laid over it",
    )
    place.html('<div class="wl-legend"><span>counted little</span><i></i><span>counted most</span></div>')
    st.caption(
        f"Parts that raised the likeness to {escape_markdown(about)}: {looked.map.method}, and it passed the test of "
        "deleting them. The model's view, cut to its square."
    )


@st.cache_data(show_spinner="Covering parts of the picture and scoring it again", max_entries=128)
def _look(
    catalog: str,
    state: tuple[int, str],  # noqa: ARG001 - part of the cache's key
    text: str,
    avoid: tuple[str, ...],
    item_id: str,
) -> Looked:
    workspace = open_workspace()
    return workspace.explainer.look(workspace.catalogs.find(catalog), Need(text=text, avoid=avoid), item_id)
