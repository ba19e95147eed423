"""More like one item: what the address says of it, and the ways out of it."""

from collections.abc import Sequence

import streamlit as st

from core.errors import NeedError
from core.store.catalogs import Catalog
from core.store.items import StoredItem
from ui.address import CATALOG, go, go_whole, read, read_back, read_whole, way_back
from ui.pictures import card_picture
from ui.resources import open_workspace
from ui.text import escape_markdown

_THUMBNAIL = 64
#: Of the page that is left; the rest of it comes back with its way back.
_LEFT = ("need", "picture", "page", "like", "like_in")


def look_for_like(catalog: str, item_id: str) -> None:
    """Turn the page into "more like this"; a callback."""
    kept = {name: values for name, values in read_whole().items() if name not in _LEFT}
    go_whole({CATALOG: catalog, **kept, "like": item_id, "like_in": catalog, **way_back()})


def find_like(catalogs: Sequence[Catalog]) -> tuple[Catalog, StoredItem] | None:
    """The item that the address names, None when it names none.

    Raises:
        NeedError: It is in none of these catalogues.
    """
    item_id, named = read("like"), read("like_in")
    if not item_id:
        return None
    for catalog in catalogs:
        stored = None if named not in ("", catalog.name) else open_workspace().items.find(catalog.id, item_id)
        if stored is not None:
            return catalog, stored
    draw_ways_out()
    where = " or ".join(f"“{name}”" for name in ([named] if named else [catalog.name for catalog in catalogs]))
    raise NeedError(f"There is no item “{item_id}” in {where} to look for more like it.")


def draw_like(like: tuple[Catalog, StoredItem]) -> None:
    """The item, and the ways out."""
    stored = like[1]
    with st.container(horizontal=True, vertical_alignment="center", key="like"):
        st.image(card_picture(stored.main_picture), width=_THUMBNAIL, alt=stored.item.title)
        st.markdown(f"More like **{escape_markdown(stored.item.title)}**", width="content")
        draw_ways_out()


def draw_ways_out() -> None:
    """Back to what was there before, or on without the item."""
    before = read_back()
    if before:
        need = before.get("need", [""])[0]
        label = f"Back to “{escape_markdown(need[:40])}”" if need else "Back to where you were"
        st.button(
            label, key="back-from-like", icon=":material/arrow_back:", type="tertiary",
            on_click=go_whole, args=(before,),
        )  # fmt: skip
    st.button("Clear", key="clear-like", icon=":material/close:", type="tertiary", on_click=_clear)


def _clear() -> None:
    go(like="", like_in="", back="", page="")
