"""Suggestions: type a need, see what fits. The URL holds all of it, so a link shows the same page."""

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.errors import NeedError
from core.store.catalogs import Catalog
from core.store.filters import Filter
from core.suggest.examples import MOST_EXAMPLES, find_examples
from core.suggest.need import MATCHES, Need, split_avoid
from core.suggest.results import Suggestions
from ui.cards import draw_cards, draw_plain_cards
from ui.empty import draw_no_catalog
from ui.filters import draw_chips, draw_filters, first_page, gather_facets
from ui.need_picture import draw_need_picture, read_need_picture
from ui.resources import open_workspace
from ui.sample import draw_sample_note
from ui.sidebar import chosen_catalogs
from ui.text import escape_markdown

PAGE_SIZE = 24
_MATCH_NAMES = {"both": "Picture and text", "picture": "Picture only", "text": "Text only"}


def draw_page() -> None:
    """The whole page."""
    catalogs = [catalog for catalog in chosen_catalogs() if catalog.items]
    if not catalogs:
        draw_no_catalog()
        return
    examples = _gather_examples(catalogs)
    st.text_input(
        "What do you need?",
        key="need",
        type="search",
        icon=":material/search:",
        placeholder="Say it in your own words" + (f", e.g. {examples[0]}" if examples else ""),
        max_chars=1000,
        on_change=_new_need,
        bind="query-params",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("Filters", icon=":material/filter_list:"):
            filters = draw_filters(gather_facets(catalogs))
        with st.popover("Picture", icon=":material/image:"):
            draw_need_picture()
        with st.popover("Options", icon=":material/tune:"):
            _draw_options()
    draw_chips(filters)
    need = _read_need(tuple(catalog.name for catalog in catalogs), filters)
    if need is None:
        _draw_examples(examples)
        _draw_browse(catalogs, filters)
    else:
        _draw_suggestions(need)
    draw_sample_note(catalogs)


def _draw_options() -> None:
    st.segmented_control(
        "Compare with an item's",
        MATCHES,
        key="match",
        default="both",
        format_func=_MATCH_NAMES.get,
        required=True,
        on_change=first_page,
        bind="query-params",
    )
    st.text_input("Avoid", key="avoid", placeholder="What it should not be", on_change=first_page, bind="query-params")
    st.slider(
        "Variety",
        0.0,
        0.9,
        0.0,
        0.1,
        key="variety",
        help="0 shows the best first, even where they are alike; higher values mix in different ones.",
        on_change=first_page,
        bind="query-params",
    )
    st.slider(
        "Weight of the picture against the words",
        0.0,
        1.0,
        0.5,
        0.1,
        key="blend",
        help="Counts when the need has both a picture and words.",
        on_change=first_page,
        bind="query-params",
    )


def _read_need(catalogs: tuple[str, ...], filters: tuple[Filter, ...]) -> Need | None:
    """The need that the URL and the controls make up; None when there is nothing to look for yet."""
    text, avoid = split_avoid(st.session_state.get("need") or "")
    image = read_need_picture()
    like = _read_like()
    if not text and image is None and like is None:
        return None
    more = (st.session_state.get("avoid") or "").strip()
    return Need(
        text=text,
        avoid=(*avoid, more) if more else avoid,
        image=image,
        like=like,
        blend=float(st.session_state.get("blend", 0.5)),
        catalogs=catalogs if like is None else (like[0],),
        filters=filters,
        match=st.session_state.get("match") or "both",
        variety=float(st.session_state.get("variety", 0.0)),
    )


def _read_like() -> tuple[str, str] | None:
    item_id, catalog = st.query_params.get("like"), st.query_params.get("like_in")
    return (catalog, item_id) if item_id and catalog else None


def _draw_suggestions(need: Need) -> None:
    if need.like is not None:
        _draw_like(need.like)
    page = max(int(st.session_state.get("page") or 1), 1)
    found = open_workspace().suggester.suggest(need, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    for note in found.notes:
        st.info(note, icon=":material/translate:")
    if not found.page:
        _draw_nothing(need, found)
        return
    st.caption(_describe(need, found, page))
    draw_cards(found.page, need, show_domain=len(need.catalogs) > 1)
    _draw_pages(found.ranked)


def _draw_like(like: tuple[str, str]) -> None:
    catalog, item_id = like
    stored = open_workspace().items.find(open_workspace().catalogs.find(catalog).id, item_id)
    if stored is None:
        raise NeedError(f"The item “{item_id}” is no longer in “{catalog}”. Start from another item or a need.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"More like **{escape_markdown(stored.item.title)}**")
        st.button("Clear", key="clear-like", icon=":material/close:", type="tertiary", on_click=_clear_like)


def _describe(need: Need, found: Suggestions, page: int) -> str:
    first = (page - 1) * PAGE_SIZE + 1
    parts = [
        f"{first}–{first + len(found.page) - 1} of the best {found.ranked:,}",
        f"{found.candidates:,} items",
        f"{found.milliseconds:,.0f} ms",
        f"model {escape_markdown(', '.join(found.models))}",
    ]
    if need.avoid:
        parts.append(f"avoiding {escape_markdown(', '.join(need.avoid))}")
    return " · ".join(parts)


def _draw_nothing(need: Need, found: Suggestions) -> None:
    if found.ranked:
        st.info("There is nothing on this page. Go back to the first one.", icon=":material/search_off:")
        st.button("First page", key="first-page", on_click=first_page)
    elif need.filters:
        st.info("No item passes all filters. Take one away.", icon=":material/search_off:")
    else:
        st.info("Nothing was found. Say it in other words.", icon=":material/search_off:")


@st.cache_data(show_spinner=False, max_entries=64)
def read_examples(catalog_id: int, revision: int) -> tuple[str, ...]:
    """Needs to offer for a catalogue at a revision."""
    del revision  # part of the cache's key: a write makes the answer stale
    workspace = open_workspace()
    catalog = next(one for one in workspace.catalogs.list() if one.id == catalog_id)
    return find_examples(workspace.database, catalog)


def _gather_examples(catalogs: Sequence[Catalog]) -> list[str]:
    share = max(MOST_EXAMPLES // len(catalogs), 1)
    found = (example for catalog in catalogs for example in read_examples(catalog.id, catalog.revision)[:share])
    return list(dict.fromkeys(found))[:MOST_EXAMPLES]


def _draw_examples(examples: Sequence[str]) -> None:
    if not examples:
        return
    st.caption("For example")
    with st.container(horizontal=True, gap="xsmall"):
        for number, example in enumerate(examples):
            st.button(example, key=f"example-{number}", on_click=_take_example, args=(example,))


def _draw_browse(catalogs: Sequence[Catalog], filters: tuple[Filter, ...]) -> None:
    """What there is, newest first, before anything is asked for."""
    items = open_workspace().items
    ids = np.concatenate([items.select(catalog.id, filters) for catalog in catalogs])[::-1]
    page = max(int(st.session_state.get("page") or 1), 1)
    st.caption(f"{len(ids):,} items, the newest first")
    shown = ids[(page - 1) * PAGE_SIZE : page * PAGE_SIZE].tolist()
    draw_plain_cards(items.fetch(shown), {catalog.id: catalog.name for catalog in catalogs})
    _draw_pages(len(ids))


def _draw_pages(count: int) -> None:
    pages = math.ceil(count / PAGE_SIZE)
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key="page", bind="query-params")


def _take_example(example: str) -> None:
    st.session_state["need"] = example
    _new_need()


def _new_need() -> None:
    """Words typed anew are the need from now on, not "more like this"."""
    _clear_like()
    first_page()


def _clear_like() -> None:
    st.query_params.pop("like", None)
    st.query_params.pop("like_in", None)


draw_page()
