"""What goes with a thing, listed before it goes."""

import streamlit as st

from core.deletion.goes import Goes
from ui.text import escape_markdown


def draw_goes(goes: Goes) -> None:
    """One line a kind of thing, then what ends and what stays."""
    if lines := goes.tell():
        st.markdown("\n".join(f"- {escape_markdown(line)}" for line in lines))
    if goes.ends:
        st.warning(f"Work on it ends: {escape_markdown(', '.join(goes.ends))}.")
    if stays := goes.tell_stays():
        st.caption(escape_markdown(stays))
