"""Suggestions: type a need, see what fits. The address holds all of it, so a link shows the same page."""

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.explain.dropped_words import strip_stop_words
from core.store.catalogs import Catalog
from core.store.filters import Filter
from core.store.items import StoredItem
from core.suggest.examples import MOST_EXAMPLES, find_examples
from core.suggest.need import Need
from core.suggest.results import Suggestions
from core.wording import count_noun
from ui.address import go
from ui.asked import draw_need_box
from ui.cards import draw_cards, draw_plain_cards
from ui.empty import draw_no_catalog
from ui.filters import (
    draw_chips,
    draw_filters,
    draw_problems,
    draw_stock_switch,
    gather_facets,
    read_filters,
)
from ui.like import draw_like, find_like
from ui.need_picture import draw_chosen_picture, draw_need_picture, read_need_picture
from ui.options import draw_options, read_options
from ui.paging import draw_no_page, draw_pages, read_page
from ui.resources import open_workspace
from ui.sample import draw_sample_note
from ui.sidebar import chosen_catalogs
from ui.text import escape_markdown

PAGE_SIZE = 24


def draw_page() -> None:
    """The whole page."""
    catalogs = [catalog for catalog in chosen_catalogs() if catalog.items]
    if not catalogs:
        draw_no_catalog()
        return
    examples = _gather_examples(catalogs)
    text, avoid = draw_need_box(
        "What do you need?",
        placeholder="Say it in your own words" + (f", e.g. {examples[0]}" if examples else ""),
        on_change=_ask,
    )
    facets = gather_facets(catalogs)
    filters, problems = read_filters(catalogs, facets)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        count = f" ({len(filters)})" if filters else ""
        with st.popover(f"Filters{count}", icon=":material/filter_list:", key="filters"):
            draw_filters(facets)
        with st.popover("Picture", icon=":material/image:"):
            draw_need_picture()
        with st.popover("Options", icon=":material/tune:"):
            draw_options()
        draw_stock_switch(facets)
    draw_problems(problems)
    draw_chips(filters)
    draw_chosen_picture()
    like = find_like(catalogs)
    if like is not None:
        draw_like(like)
    need = _read_need(text, avoid, catalogs, filters, like)
    if need is None:
        _draw_examples(examples)
        _draw_browse(catalogs, filters, avoid)
    else:
        _draw_suggestions(need)
    draw_sample_note(catalogs)


def _read_need(
    text: str,
    avoid: tuple[str, ...],
    catalogs: Sequence[Catalog],
    filters: tuple[Filter, ...],
    like: tuple[Catalog, StoredItem] | None,
) -> Need | None:
    """The need that the address makes up; None when there is nothing to look for yet."""
    image = read_need_picture()
    if not text and image is None and like is None:
        return None
    options = read_options()
    return Need(
        text=text,
        avoid=(*avoid, options.avoid) if options.avoid else avoid,
        image=image,
        like=None if like is None else (like[0].name, like[1].item.item_id),
        blend=options.blend,
        catalogs=tuple(one.name for one in catalogs) if like is None else (like[0].name,),
        filters=filters,
        match=options.match,
        variety=options.variety,
    )


def _draw_suggestions(need: Need) -> None:
    page = read_page()
    found = open_workspace().suggester.suggest(need, offset=((page or 1) - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    for note in found.notes:
        st.info(escape_markdown(note), icon=":material/translate:")
    if not found.page or page is None:
        _draw_nothing(need, found)
        return
    st.caption(_describe(need, found, page))
    draw_cards(found.page, need, show_domain=len(need.catalogs) > 1)
    draw_pages(math.ceil(found.ranked / PAGE_SIZE), page)


def _describe(need: Need, found: Suggestions, page: int) -> str:
    first = (page - 1) * PAGE_SIZE + 1
    parts = [
        f"{first}–{first + len(found.page) - 1} of the best {found.ranked:,}",
        count_noun(found.candidates, "item"),
    ]
    if need.avoid:
        parts.append(f"avoiding {escape_markdown(', '.join(need.avoid))}")
    return " · ".join(parts)


def _draw_nothing(need: Need, found: Suggestions) -> None:
    if found.ranked:
        draw_no_page(math.ceil(found.ranked / PAGE_SIZE))
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
    return find_examples(workspace.items, catalog)


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
            st.button(escape_markdown(example), key=f"example-{number}", on_click=_ask, args=(example,))


def _draw_browse(catalogs: Sequence[Catalog], filters: tuple[Filter, ...], avoid: Sequence[str]) -> None:
    """What there is, newest first, before anything is asked for; without what holds the words to avoid."""
    items = open_workspace().items
    ids = np.concatenate([items.select(catalog.id, filters) for catalog in catalogs])[::-1]
    ids = _leave_out(ids, avoid)
    pages, page = math.ceil(len(ids) / PAGE_SIZE), read_page()
    if not len(ids):
        st.info(
            "No item is left by the filters and what is to be avoided. Take one away.", icon=":material/search_off:"
        )
    elif page is None or page > pages:
        draw_no_page(pages)
    else:
        st.caption(f"{count_noun(len(ids), 'item')}, the newest first")
        shown = ids[(page - 1) * PAGE_SIZE : page * PAGE_SIZE].tolist()
        draw_plain_cards(items.fetch(shown), {catalog.id: catalog.name for catalog in catalogs})
        draw_pages(pages, page)


def _leave_out(ids: NDArray[np.int64], avoid: Sequence[str]) -> NDArray[np.int64]:
    """The items that hold none of the phrases, and a word on why there are fewer."""
    if not avoid:
        return ids
    held = (open_workspace().words.holding(ids.tolist(), strip_stop_words(phrase)) for phrase in avoid)
    left = ids[~np.isin(ids, list(frozenset().union(*held)))]
    st.info(
        f"This need says only what to avoid: {len(ids) - len(left):,} of {count_noun(len(ids), 'item')} that say "
        f"{' or '.join(f'“{escape_markdown(phrase)}”' for phrase in avoid)} are left out. Say what is wanted as well, "
        "and what fits best comes first.",
        icon=":material/help:",
    )
    return left


def _ask(need: str) -> None:
    """Words typed anew are the need from now on, not "more like this"."""
    go(need=need, like="", like_in="", back="", page="")


draw_page()
