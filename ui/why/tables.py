"""What would change an item's rank."""

import streamlit as st

from core.explain.explanation import Explanation, Flip
from ui.tables import draw_table
from ui.text import escape_markdown

#: Rows of a table before it scrolls.
_MOST_ROWS = 16


def draw_counterfactuals(found: Explanation) -> None:
    """A table: without this, that rank."""
    rows = [
        {
            "Without": one.label,
            "Rank": say_rank(one.rank),
            "Change": say_change(found.rank, one.rank),
            "It alone": say_rank(found.alone[one.removed]) if one.removed in found.alone and not one.need else "",
        }
        for one in found.listed
    ]
    draw_table(
        rows,
        width="stretch",
        height="content" if len(rows) <= _MOST_ROWS else 35 * _MOST_ROWS,
        column_config={
            "Without": st.column_config.TextColumn(width=150),
            "Rank": st.column_config.TextColumn(width=60),
            "Change": st.column_config.TextColumn(width=85),
            "It alone": st.column_config.TextColumn(width=85),
        },
    )
    st.caption(
        "Each need was asked again over the whole catalogue. Without a field the item is read anew, and words that "
        "match exactly count as before unless they are what is left out. “It alone” is the rank with nothing else."
    )


def draw_flips(found: Explanation) -> None:
    """The nearest flip, and what the owner of the catalogue could add."""
    if found.nearest_flip is not None:
        inside = found.rank is not None and found.rank <= found.nearest_flip.across
        way = "out of" if inside else "among"
        st.markdown(
            f":material/swap_vert: **Nearest flip** Without {_list_words(found.nearest_flip)} it goes {way} the first "
            f"{found.nearest_flip.across:,}, {say_where(found.nearest_flip.rank)}."
        )
    else:
        st.markdown(
            ":material/swap_vert: **Nearest flip** No removal of up to four words was found that brings it across "
            "the tenth rank."
        )
    if found.lift is not None:
        st.markdown(
            f":material/trending_up: **For the catalogue's owner** With {_list_words(found.lift)} in its title it "
            f"would stand at rank {found.lift.rank:,} or better."
        )


def say_rank(rank: int | None) -> str:
    """A rank in words."""
    return "Not ranked" if rank is None else f"{rank:,}"


def say_where(rank: int | None) -> str:
    return "and is no longer ranked" if rank is None else f"to rank {rank:,}"


def say_change(before: int | None, after: int | None) -> str:
    if before == after:
        return "stays"
    if after is None or (before is not None and after > before):
        return "falls" if after is None or before is None else f"falls by {after - before:,}"
    return "rises" if before is None else f"rises by {before - after:,}"


def _list_words(flip: Flip) -> str:
    return ", ".join(f"“{escape_markdown(word)}”" for word in flip.changed)
