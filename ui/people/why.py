"""Why an item was suggested to a person."""

import json

import streamlit as st

from core.explain.people.history import MOST_ITEMS
from core.explain.people.person_explanation import PersonExplanation
from core.explain.report.sentence import describe_person
from core.store.items import StoredItem
from ui.pictures import card_picture
from ui.tables import draw_table
from ui.text import escape_markdown
from ui.why.charts import draw_waterfall
from ui.why.method import draw_method
from ui.why.tables import say_change, say_rank, say_where

#: Digits of scores of people, which are smaller than those of needs.
DIGITS = 4
_WIDTH = 220
#: An item whose score would move by this share of itself was edited after the training.
_DRIFTED = 0.1


def draw_why(found: PersonExplanation, stored: StoredItem) -> None:
    """The whole explanation."""
    _draw_head(found, stored)
    score, changes = st.columns(2, gap="large")
    with score:
        st.subheader("What the score is made of", anchor=False)
        draw_waterfall(found, digits=DIGITS)
    with changes:
        st.subheader("What would change its rank", anchor=False)
        _draw_removals(found)
        _draw_flip(found)
    with st.expander("Method, and how far to trust it", icon=":material/science:"):
        draw_method(found, digits=DIGITS)
        st.download_button(
            "As JSON",
            json.dumps(found.to_json(), ensure_ascii=False, indent=1),
            file_name="why.json",
            mime="application/json",
            icon=":material/download:",
        )


def _draw_head(found: PersonExplanation, stored: StoredItem) -> None:
    picture, words = st.columns([1, 4], gap="medium", vertical_alignment="center")
    with picture:
        st.image(card_picture(stored.main_picture), width=_WIDTH, alt=stored.item.title)
    with words:
        st.header(f"Why “{escape_markdown(stored.item.title)}”?", anchor=False)
        st.markdown(f"##### {escape_markdown(describe_person(found))}")
        ranked = f"rank **{say_rank(found.rank)}**" if found.rank else "**not suggested**: this person has had it"
        st.markdown(f"{ranked} in {escape_markdown(found.catalog)} · score **{found.score:.{DIGITS}f}**")
        st.caption("This is what the model relied on. It says nothing about why people buy.")
        if abs(found.drift) > _DRIFTED * abs(found.score):
            st.warning(
                "This item was changed after the training, and the version still ranks it as it was. What its fields "
                "add is not to be trusted; train again."
            )


def _draw_removals(found: PersonExplanation) -> None:
    if not found.counterfactuals:
        st.info("There is no history, so popularity alone speaks.", icon=":material/history:")
        return
    rows = [
        {
            "Without": one.title or one.removed,
            "Rank": say_rank(one.rank),
            "Change": say_change(found.rank, one.rank),
            "Score": one.score,
        }
        for one in sorted(found.counterfactuals, key=lambda one: one.score)
    ]
    draw_table(
        rows,
        width="stretch",
        column_config={
            "Without": st.column_config.TextColumn(width=175),
            "Rank": st.column_config.TextColumn(width=50),
            "Change": st.column_config.TextColumn(width=75),
            "Score": st.column_config.NumberColumn(format=f"%.{DIGITS}f", width=60),
        },
        alt="The rank without each item of the history",
    )
    some = f"The newest {MOST_ITEMS} of {found.history:,} items were tried. " if found.history > MOST_ITEMS else ""
    st.caption(
        f"{some}Each was left out of the history and all items were ranked again; what was left out can then be "
        "suggested again and may stand above."
    )


def _draw_flip(found: PersonExplanation) -> None:
    if found.nearest_flip is None:
        st.markdown(
            ":material/swap_vert: **Nearest flip** No removal of up to four items of the history was found that brings "
            "it across the tenth rank."
        )
        return
    titles = {one.removed: one.title or one.removed for one in found.counterfactuals}
    words = ", ".join(f"“{escape_markdown(titles[item_id])}”" for item_id in found.nearest_flip.changed)
    inside = found.rank is not None and found.rank <= found.nearest_flip.across
    way = "out of" if inside else "among"
    st.markdown(
        f":material/swap_vert: **Nearest flip** Without {words} in the history it goes {way} the first "
        f"{found.nearest_flip.across:,}, {say_where(found.nearest_flip.rank)}."
    )
