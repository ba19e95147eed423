"""A line of small pictures."""

from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from core.store.items import StoredItem
from ui.pictures import card_picture
from ui.text import escape_markdown

_WIDTH = 84


def draw_strip(
    items: Sequence[StoredItem], *, name: str, label: str = "", on_click: Callable[[str], None] | None = None
) -> None:
    """Small pictures with titles side by side.

    Args:
        items: In order.
        name: Part of the widgets' keys.
        label: Of the button below each.
        on_click: Takes the item's id; None for no buttons.
    """
    with st.grid("auto", min_column_width=_WIDTH, gap="small"):
        for stored in items:
            with st.container(key=f"strip-{name}-{stored.id}", gap="xsmall"):
                title = stored.item.title
                st.image(card_picture(stored.main_picture), width="stretch", alt=title)
                st.html(f'<div class="wl-small" title="{escape(title, quote=True)}">{escape(title)}</div>')
                if on_click is not None:
                    st.button(
                        escape_markdown(label),
                        key=f"{name}-{stored.id}",
                        type="tertiary",
                        help=escape_markdown(f"{label} {title}"),
                        on_click=on_click,
                        args=(stored.item.item_id,),
                    )
