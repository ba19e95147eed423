"""Suggestion cards, and the dialog that says why."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.explain.ranks import say_need
from core.store.items import StoredItem
from core.suggest.need import Need
from core.suggest.results import Suggestion
from ui.expect import draw_expect
from ui.navigation import find_page
from ui.pictures import card_picture
from ui.text import escape_markdown, format_price

CARD_WIDTH = 168
_COLOURS = {"Strong": "green", "Good": "blue", "Weak": "gray"}
_PART_NAMES = {
    "picture": "Picture fits the need",
    "text": "Words mean the same",
    "words": "Exact words and codes",
    "avoid": "What you wanted to avoid",
}


def draw_cards(suggestions: Sequence[Suggestion], need: Need, *, show_domain: bool) -> None:
    """A responsive wall of cards.

    Args:
        suggestions: In order.
        need: What they were suggested for.
        show_domain: Whether each card names its catalogue and domain.
    """
    priced = any(suggestion.stored.item.price is not None for suggestion in suggestions)
    with st.grid("auto", min_column_width=CARD_WIDTH, gap="small"):
        for suggestion in suggestions:
            with _card(suggestion.stored):
                _draw_item(suggestion.stored, _badges(suggestion, show_domain=show_domain), priced=priced)
                with st.container(horizontal=True, gap="xsmall"):
                    _draw_like_button(suggestion.catalog, suggestion.stored)
                    title = escape_markdown(suggestion.stored.item.title)
                    key = f"why-{suggestion.stored.id}"
                    if st.button("Why?", key=key, type="tertiary", help=f"Why {title} is here"):
                        draw_why(suggestion, need)


def draw_plain_cards(items: Sequence[StoredItem], catalogs: Mapping[int, str]) -> None:
    """The same wall for items that nobody asked for yet.

    Args:
        items: In order.
        catalogs: Database id to name.
    """
    priced = any(stored.item.price is not None for stored in items)
    with st.grid("auto", min_column_width=CARD_WIDTH, gap="small"):
        for stored in items:
            with _card(stored):
                category = stored.item.category[-1:] or (stored.item.domain,)
                _draw_item(stored, [f":gray-badge[{escape_markdown(category[0][:24])}]"], priced=priced)
                _draw_like_button(catalogs[stored.catalog_id], stored)


def draw_ranked_cards(items: Sequence[tuple[StoredItem, str]], on_why: Callable[[str], None]) -> None:
    """The same wall for items that were not suggested for a need.

    Args:
        items: In order, each with its badge in Markdown.
        on_why: Takes the id of an item whose "Why?" is pressed.
    """
    priced = any(stored.item.price is not None for stored, _ in items)
    with st.grid("auto", min_column_width=CARD_WIDTH, gap="small"):
        for stored, badge in items:
            with _card(stored):
                _draw_item(stored, [badge], priced=priced)
                st.button(
                    "Why?",
                    key=f"why-{stored.id}",
                    type="tertiary",
                    help=f"Why {escape_markdown(stored.item.title)} is here",
                    on_click=on_why,
                    args=(stored.item.item_id,),
                )


def _card(stored: StoredItem) -> DeltaGenerator:
    return st.container(border=True, key=f"card-{stored.id}", gap="xsmall")


def _draw_item(stored: StoredItem, badges: Sequence[str], *, priced: bool) -> None:
    item = stored.item
    st.image(card_picture(stored.main_picture), width="stretch", alt=item.title)
    price = escape(format_price(item.price, item.currency)) or "&nbsp;"
    st.html(
        f'<div class="wl-title" title="{escape(item.title, quote=True)}">{escape(item.title)}</div>'
        + (f'<div class="wl-price">{price}</div>' if priced else "")
    )
    st.markdown(" ".join(badges))


def _draw_like_button(catalog: str, stored: StoredItem) -> None:
    st.button(
        "More like this",
        key=f"like-{stored.id}",
        type="tertiary",
        help=f"More like {escape_markdown(stored.item.title)}",
        on_click=look_for_like,
        args=(catalog, stored.item.item_id),
    )


def look_for_like(catalog: str, item_id: str) -> None:
    """Turn the page into "more like this"; a callback."""
    st.session_state["need"] = ""
    st.session_state["page"] = 1
    st.query_params["like"] = item_id
    st.query_params["like_in"] = catalog
    st.query_params.pop("picture", None)


@st.dialog("Why this suggestion?", width="medium")
def draw_why(suggestion: Suggestion, need: Need) -> None:
    """What the score is made of, and all that is known about the item."""
    item = suggestion.stored.item
    picture, words = st.columns([2, 3], gap="medium")
    with picture:
        st.image(card_picture(suggestion.stored.main_picture), width="stretch", alt=item.title)
    with words:
        st.subheader(escape_markdown(item.title), anchor=False)
        st.markdown(
            f":{_COLOURS[suggestion.strength]}-badge[{suggestion.strength}] rank {suggestion.rank} "
            f"with a score of {suggestion.score:.1f}, where 0 is any other item of this catalogue."
        )
        _draw_parts(suggestion)
        _draw_more(suggestion, need)
        draw_expect(suggestion, need)
        _draw_details(suggestion.stored)


def _draw_more(suggestion: Suggestion, need: Need) -> None:
    """The way to the whole explanation, which knows needs in words."""
    if need.image is not None or need.like is not None or not need.text:
        return
    draw_why_link("Explain it in full", suggestion.catalog, say_need(need), suggestion.stored.item.item_id)


def draw_why_link(label: str, catalog: str, need: str, item_id: str) -> None:
    """A link to the whole explanation of an item for a need in words."""
    asked = {"need": need, "item": item_id}
    if st.session_state.get("catalog") != catalog:  # else the link holds it already
        asked["catalog"] = catalog
    st.page_link(find_page("Why?"), label=label, icon=":material/lightbulb:", query_params=asked)


def _draw_parts(suggestion: Suggestion) -> None:
    widest = max(abs(part) for part in suggestion.parts.values()) or 1.0
    rows = []
    for name, part in suggestion.parts.items():
        if abs(part) < 0.005:
            continue
        kind = "wl-bar" if part >= 0 else "wl-bar wl-bar-minus"
        rows.append(
            f'<div class="wl-part"><span>{_PART_NAMES[name]}</span><span class="{kind}" '
            f'style="width:{38 * abs(part) / widest:.1f}%"></span><b>{part:+.1f}</b></div>'
        )
    st.html("".join(rows) or "<p>No part of the score stands out.</p>")


def _draw_details(stored: StoredItem) -> None:
    item = stored.item
    facts = {
        "Price": format_price(item.price, item.currency),
        "Category": " › ".join(item.category),
        "Brand": item.brand,
        "Availability": item.availability,
        "Tags": ", ".join(item.tags),
        **{name: ", ".join(values) for name, values in item.attributes.items()},
        **{name: ", ".join(values) for name, values in item.codes.items()},
        "Id": item.item_id,
    }
    lines = [f"**{escape_markdown(name)}** {escape_markdown(value[:300])}" for name, value in facts.items() if value]
    st.markdown("  \n".join(lines))
    if item.description:
        st.markdown(escape_markdown(item.description[:2000]))
    if item.url:
        st.link_button("Open the item's page", item.url, icon=":material/open_in_new:")
    others = [link.picture for link in stored.pictures if link.picture][1:7]
    if others:
        st.image([card_picture(other) for other in others], width=96, alt=[""] * len(others))
    for link in stored.pictures:
        if link.picture is None:
            st.caption(f"Picture {escape_markdown(link.source[:80])}: {escape_markdown(link.message)}")


def _badges(suggestion: Suggestion, *, show_domain: bool) -> list[str]:
    item = suggestion.stored.item
    badges = [f":{_COLOURS[suggestion.strength]}-badge[{suggestion.strength}]"]
    if show_domain:
        badges.append(f":gray-badge[{escape_markdown(suggestion.catalog)} · {item.domain}]")
    elif item.category:
        badges.append(f":gray-badge[{escape_markdown(item.category[-1][:24])}]")
    if item.availability and item.availability != "in stock":
        badges.append(f":orange-badge[{item.availability}]")
    return badges
