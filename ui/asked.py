"""The box for a need in words, and what it says now."""

from collections.abc import Callable

import streamlit as st

from core.suggest.need import MAX_NEED_LENGTH, cut_need, split_avoid
from ui.address import hold, read
from ui.text import escape_markdown

_CUT = "need-cut"


def draw_need_box(label: str, *, placeholder: str, on_change: Callable[[str], None]) -> tuple[str, tuple[str, ...]]:
    """The box, drawn from the address.

    Args:
        label: Of the box.
        placeholder: Shown while it is empty.
        on_change: Takes the need as it was typed, cut where it is too long; moves the page.

    Returns:
        What is wanted and what is to be avoided, as `split_avoid` gives them.
    """
    asked = cut_need(read("need"))
    hold("need", asked)
    st.text_input(
        escape_markdown(label),
        key="need",
        type="search",
        icon=":material/search:",
        placeholder=placeholder,
        on_change=_take,
        args=(on_change,),
    )
    length = len(read("need")) if asked != read("need") else st.session_state.get(_CUT, {}).get(asked, 0)
    if length:
        st.warning(
            f"A need may have {MAX_NEED_LENGTH:,} characters and this one had {length:,}: its end was cut off. Say it "
            "more briefly to have all of it count.",
            icon=":material/content_cut:",
        )
    return split_avoid(asked)


def _take(on_change: Callable[[str], None]) -> None:
    typed = (st.session_state["need"] or "").strip()
    asked = cut_need(typed)
    if asked != typed:
        st.session_state[_CUT] = {asked: len(typed)}
    on_change(asked)
