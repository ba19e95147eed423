"""The item's picture, and where in it a need finds what it looks for."""

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from core.errors import ExplainError
from core.explain.dropped_words import is_stop_word
from core.explain.explanation import FAINT, PICTURE_COUNTS, Explanation
from core.explain.pictures.maps import METHODS, REMOVED, Looked, PictureMap
from core.explain.pictures.overlay import overlay
from core.store.catalogs import Catalog
from core.store.items import StoredItem
from core.suggest.need import Need
from ui.pictures import card_picture
from ui.resources import open_workspace
from ui.text import escape_markdown
from ui.why.downloads import draw_downloads
from ui.why.tables import say_rank

_WIDTH = 260
_WHOLE = "The whole need"
_MOST_WORDS = 8
_METHOD_NAMES = {
    "": "Automatic",
    "fast": "Gradients",
    "faithful": "Parts that add up to the score",
    "audit": "Regression on covered pictures",
    "rollout": "Attention rollout: the same for every need",
    "game": "Attention, GAME (Chefer)",
}


@st.fragment
def draw_picture(catalog: Catalog, stored: StoredItem, need: Need, found: Explanation) -> None:
    """The picture; on demand with a map over it, for the whole need or for one of its words. Below it the downloads."""
    place = st.container()
    if stored.main_picture is not None and found.picture_share < PICTURE_COUNTS:
        place.image(card_picture(stored.main_picture), width=_WIDTH, alt=stored.item.title)
        st.caption(
            f"The picture hardly counted: {100 * found.picture_share:.0f} % of what moved the score. So there is no "
            "map of where the model looked; the words and fields say what counted."
        )
        draw_downloads(found, stored.item, None)
        return
    shown = st.toggle("Show where the model looked", key=f"look-{stored.id}", disabled=stored.main_picture is None)
    if not shown:
        place.image(card_picture(stored.main_picture), width=_WIDTH, alt=stored.item.title)
        draw_downloads(found, stored.item, None)
        return
    method = st.session_state.get(_method_key(stored)) or ""
    asked = _choose_word(stored, found)
    looked = None
    try:
        looked = _look(
            catalog.name,
            catalog.state,
            need.text if asked == _WHOLE else asked,
            need.avoid,
            stored.item.item_id,
            method,
        )
        _draw_looked(looked, found, asked, place)
    except ExplainError as exc:
        place.image(card_picture(stored.main_picture), width=_WIDTH, alt=stored.item.title)
        st.info(escape_markdown(str(exc)), icon=":material/image_not_supported:")
    with st.container(horizontal=True):
        _draw_methods(stored, looked)
        draw_downloads(found, stored.item, looked)


def _choose_word(stored: StoredItem, found: Explanation) -> str:
    """`_WHOLE`, or a word of the need that moves the score."""
    effects = {one.word: abs(one.value) for one in found.list_effects("need") if not is_stop_word(one.word)}
    words = [word for word, value in effects.items() if value >= FAINT * max(effects.values())][:_MOST_WORDS]
    if len(effects) < 2 or not words:
        return _WHOLE
    key = f"look-for-{stored.id}-{found.need}"
    return (
        st.pills("Look for", [_WHOLE, *words], default=_WHOLE, format_func=escape_markdown, key=key, required=True)
        or _WHOLE
    )


def _draw_looked(looked: Looked, found: Explanation, asked: str, place: DeltaGenerator) -> None:
    if not looked.map.faithful:
        place.image(Image.fromarray(looked.pixels), width=_WIDTH, alt=found.title)
        st.info(
            "No map of this picture explains the score better than chance would, so none is shown. Its words and "
            "fields below say what counted.",
            icon=":material/help:",
        )
        return
    opacity = st.slider("Opacity of the map", 0, 100, 60, 10, format="%d %%", key=f"opacity-{found.item_id}")
    about = "the whole need" if asked == _WHOLE else f"“{asked}”"
    place.image(
        overlay(looked.pixels, looked.map.grid, opacity / 100),
        width=_WIDTH,
        alt=f"{found.title}, with what counted for {about} laid over it",
    )
    place.html('<div class="wl-legend"><span>counted little</span><i></i><span>counted most</span></div>')
    st.markdown(_say_removed(looked))
    st.caption(
        f"Parts that raised the likeness to {escape_markdown(about)}: {escape_markdown(looked.map.method)}, and it "
        "passed the test of deleting them. The whole picture gives "
        f"{found.modalities.get('picture', 0.0):+.2f} of the score. The model's view, cut to its square."
    )


def _say_removed(looked: Looked) -> str:
    """What the strongest part of the map does for the rank."""
    without = f"Without the brightest {100 * REMOVED:.0f} % of it"
    if looked.rank == looked.rank_without:
        return f"{without} the item stays at {say_rank(looked.rank).lower()}."
    return f"{without} the item goes from {say_rank(looked.rank).lower()} to {say_rank(looked.rank_without).lower()}."


def _method_key(stored: StoredItem) -> str:
    return f"look-how-{stored.id}"


def _draw_methods(stored: StoredItem, looked: Looked | None) -> None:
    """Other ways to make the map, for those who know them."""
    with st.popover("Method", icon=":material/tune:"):
        st.selectbox(
            "How the map is made",
            ["", *METHODS],
            format_func=lambda name: _METHOD_NAMES.get(name, name),
            key=_method_key(stored),
            help="Automatic takes the gradient, and the regression where that map fails. Whatever makes a map, it is "
            "shown only where it passes the test of deleting what it marks.",
        )
        if looked is not None:
            st.caption(_say_trust(looked.map))


def _say_trust(found: PictureMap) -> str:
    """How well the map did, and what it cost."""
    passed = "passed" if found.faithful else "did not pass"
    gain = f"Deleting in its order, the score falls by {found.gain:+.3f} more than in random orders: it {passed}."
    sums = "" if found.completeness is None else f" Its parts miss the score by {100 * found.completeness:.0f} %."
    return f"{gain}{sums} Made in {found.seconds:.1f} s."


@st.cache_data(show_spinner="Covering parts of the picture and scoring it again", max_entries=128)
def _look(
    catalog: str,
    state: tuple[int, int, str],  # noqa: ARG001 - part of the cache's key
    text: str,
    avoid: tuple[str, ...],
    item_id: str,
    method: str,
) -> Looked:
    workspace = open_workspace()
    need = Need(text=text, avoid=avoid)
    return workspace.explainer.look(workspace.catalogs.find(catalog), need, item_id, method=method)
