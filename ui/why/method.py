"""How an explanation was made, and how far it can be trusted."""

import streamlit as st

from core.explain.explanation import Explanation
from core.explain.people.person_explanation import PersonExplanation, all_player_names
from ui.tables import draw_table
from ui.text import escape_markdown


def draw_method(found: Explanation | PersonExplanation, *, digits: int = 2) -> None:
    """The method, what it misses and costs, and the pairs that count together."""
    st.markdown(
        f"- {escape_markdown(found.method[:1].upper() + found.method[1:])}.\n"
        f"- Base value and parts miss the score by {found.completeness:.4f}.\n"
        f"- Made in {found.seconds:.2f} s."
    )
    if found.interactions:
        st.caption("Pairs that add more (or less) together than each alone")
        names = all_player_names()
        pairs = ((f"{names[one]} × {names[other]}", value) for one, other, value in found.interactions[:6])
        rows = [{"Pair": pair, "Together": value} for pair, value in pairs]
        number = st.column_config.NumberColumn(format=f"%+.{digits}f")
        draw_table(rows, column_config={"Together": number})
