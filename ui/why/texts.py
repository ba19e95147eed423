"""Texts with their words marked for and against."""

import streamlit as st

from core.explain.explanation import Explanation
from core.explain.report.html_file import MARK_STYLE, mark_text


def draw_marked(found: Explanation, texts: dict[str, str]) -> None:
    """Texts whose words are marked by what they do to the score.

    Args:
        found: The explanation.
        texts: Field to text, as `WordEffect.field` names it; never trusted.
    """
    st.html(f"<style>{MARK_STYLE}</style>")
    for field, text in texts.items():
        if text:
            st.html(mark_text(field.capitalize(), text, found.list_effects(field)))
