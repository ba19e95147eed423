"""Needs that must keep working: what a person expects, and where it stands now."""

from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from core.errors import WishlightError
from core.store.catalogs import Catalog
from core.store.expectations import Expectation
from core.suggest.expected import ExpectedRank, rank_expected
from core.wording import count_noun
from ui.errors import shown_errors
from ui.navigation import find_page
from ui.resources import open_workspace
from ui.text import escape_markdown

PAGE_SIZE = 20


def draw_expectations(catalog: Catalog) -> None:
    """One line an expected item under its need, with its rank and a button that takes it away."""
    st.subheader("Needs that must keep working", anchor=False)
    expectations = open_workspace().expectations.list(catalog.id)
    with st.container(border=True, key="expectations"):
        if not expectations:
            st.markdown(
                "None is saved yet. Look for something on the Suggestions page, press **Why?** under an item that must "
                "be there, then **Expect this item for this need**."
            )
            st.page_link(find_page("Suggestions"), label="Go to Suggestions", icon=":material/search:")
            return
        standings = _find_standings(catalog, expectations)
        if not standings:
            return
        _draw_summary(standings)
        for need, group in groupby(_choose_page(standings), key=lambda one: one.expectation.need):
            with st.container(gap="xxsmall"):
                st.markdown(f"**“{escape_markdown(need.title)}”**")
                for standing in group:
                    _draw_standing(standing)


def _find_standings(catalog: Catalog, expectations: Sequence[Expectation]) -> tuple[ExpectedRank, ...]:
    try:
        return _rank(catalog, tuple(one.id for one in expectations))
    except WishlightError as exc:
        st.warning(f"Where they stand cannot be told now. {escape_markdown(str(exc))}", icon=":material/warning:")
        return ()


@st.cache_data(show_spinner="Asking the saved needs", max_entries=8)
def _rank(catalog: Catalog, numbers: tuple[int, ...]) -> tuple[ExpectedRank, ...]:
    workspace = open_workspace()
    saved = [one for one in workspace.expectations.list(catalog.id) if one.id in numbers]
    return rank_expected(workspace.suggester, workspace.items, workspace.serving.of(catalog), saved)


def _draw_summary(standings: Sequence[ExpectedRank]) -> None:
    found = sum(one.found for one in standings)
    st.caption(
        f"Among the first ten now: {found:,} of {count_noun(len(standings), 'expected item')}. Every training asks "
        "these needs again and says on the version's card what it would lose and gain."
    )


def _choose_page(standings: Sequence[ExpectedRank]) -> Sequence[ExpectedRank]:
    pages = -(-len(standings) // PAGE_SIZE)
    page = st.pagination(pages, key="expectations-page") if pages > 1 else 1
    return standings[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]


def _draw_standing(standing: ExpectedRank) -> None:
    title = escape_markdown(standing.title or standing.expectation.item_id)
    text, colour = _describe(standing)
    expectation = standing.expectation
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", key=f"expectation-{expectation.id}"):
        st.markdown(f":{colour}-badge[{text}] {title}", width="stretch")
        st.button(
            "Remove",
            key=f"unexpect-{expectation.id}",
            type="tertiary",
            help=f"Expect {title} no longer for this need",
            on_click=shown_errors()(open_workspace().expectations.remove),
            args=(expectation.catalog_id, expectation.id),
        )


def _describe(standing: ExpectedRank) -> tuple[str, str]:
    """Where an item stands, and the colour that goes with it."""
    if not standing.title:
        return "no longer in the catalogue", "gray"
    if standing.rank is None:
        return "not found", "red"
    return f"rank {standing.rank:,}", "green" if standing.found else "orange"
