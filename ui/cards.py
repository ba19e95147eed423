"""Suggestion cards, and the dialog that says why."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.explain.needs.ranks import say_need
from core.parts import PARTS
from core.store.items import StoredItem
from core.suggest.need import Need
from core.suggest.results import Suggestion
from ui.address import CATALOG, way_back
from ui.expect import draw_expect
from ui.like import look_for_like
from ui.navigation import find_page
from ui.pictures import card_picture
from ui.text import escape_markdown, format_price

CARD_WIDTH = 168
#: A longer description is folded in the dialog, which else would not fit a screen.
_LONG = 400
#: Characters of a badge that fit a card of that width.
_BADGE = 20
#: Smaller parts would be shown as 0.0.
_SMALLEST = 0.05
_COLOURS = {"Strong": "green", "Good": "blue", "Weak": "gray"}
_PART_NAMES = {
    "picture": "Picture fits the need",
    "text": "Words mean the same",
    "words": "Exact words and codes",
    "avoid": "What you wanted to avoid",
}

#: For "more like this", where nobody has said a need.
_LIKE_NAMES = _PART_NAMES | {"picture": "Picture is like it", "text": "Words are like its words"}


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
                _draw_item(stored, [*_stock_badge(stored), f":gray-badge[{_shorten(category[0])}]"], priced=priced)
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


@st.dialog("Why this suggestion?", width="medium")
def draw_why(suggestion: Suggestion, need: Need) -> None:
    """What the score is made of, and all that is known about the item."""
    item = suggestion.stored.item
    picture, words = st.columns([2, 3], gap="medium")
    with picture:
        st.image(card_picture(suggestion.stored.main_picture), width="stretch", alt=item.title)
    with words:
        st.html(f'<h3 class="wl-name">{escape(item.title)}</h3>')
        st.markdown(
            f"{_strength_badge(suggestion)} rank {suggestion.rank:,} · "
            f"score {suggestion.score:.1f}, where an average item of this catalogue has 0"
        )
        _draw_parts(suggestion, _LIKE_NAMES if need.like is not None and not need.text else _PART_NAMES)
        _draw_more(suggestion, need)
        draw_expect(suggestion, need)
        _draw_details(suggestion.stored)


def _draw_more(suggestion: Suggestion, need: Need) -> None:
    """The way to the whole explanation, which knows needs in words."""
    if need.image is not None or need.like is not None or not need.text:
        return
    draw_why_link(
        "Explain it in full", suggestion.catalog, say_need(need), suggestion.stored.item.item_id, back=way_back()
    )


def draw_why_link(
    label: str, catalog: str, need: str, item_id: str, *, back: Mapping[str, str | Iterable[str]] | None = None
) -> None:
    """A link to the whole explanation of an item for a need in words; `back` is the way back to the suggestions."""
    asked = {CATALOG: catalog, "need": need, "item": item_id, **(back or {})}
    st.page_link(find_page("Why?"), label=escape_markdown(label), icon=":material/lightbulb:", query_params=asked)


def _draw_parts(suggestion: Suggestion, part_names: Mapping[str, str]) -> None:
    widest = max(abs(part) for part in suggestion.parts.values()) or 1.0
    rows = []
    for name, part in suggestion.parts.items():
        if abs(part) < _SMALLEST:
            continue
        kind = "wl-bar" if part >= 0 else "wl-bar wl-bar-minus"
        label = part_names.get(name) or f"{PARTS[name].label} fits the need"
        rows.append(
            f'<div class="wl-part"><span>{label}</span><span class="{kind}" '
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
    if len(item.description) > _LONG:
        with st.expander("Description"):
            st.markdown(escape_markdown(item.description[:2000]))
    elif item.description:
        st.markdown(escape_markdown(item.description))
    if item.url:
        st.link_button("Open the item's page", item.url, icon=":material/open_in_new:")
    others = [link.picture for link in stored.pictures if link.picture][1:7]
    if others:
        st.image([card_picture(other) for other in others], width=96, alt=[""] * len(others))
    for link in stored.pictures:
        if link.picture is None:
            st.caption(f"Picture {escape_markdown(link.source[:80])}: {escape_markdown(link.message)}")


def _badges(suggestion: Suggestion, *, show_domain: bool) -> list[str]:
    """Whether it can be had stands first: nothing else is worth as much."""
    item = suggestion.stored.item
    badges = [*_stock_badge(suggestion.stored), _strength_badge(suggestion)]
    if show_domain:
        badges.append(f":gray-badge[{_shorten(suggestion.catalog)} · {escape_markdown(item.domain)}]")
    elif item.category:
        badges.append(f":gray-badge[{_shorten(item.category[-1])}]")
    return badges


def _strength_badge(suggestion: Suggestion) -> str:
    return f":{_COLOURS[suggestion.strength]}-badge[{escape_markdown(suggestion.strength)}]"


def _stock_badge(stored: StoredItem) -> list[str]:
    availability = stored.item.availability
    return [f":orange-badge[{_shorten(availability)}]"] if availability and availability != "in stock" else []


def _shorten(text: str) -> str:
    """A badge is one line of a card, so a longer name ends in dots."""
    return escape_markdown(text if len(text) <= _BADGE else text[: _BADGE - 1].rstrip() + "…")
