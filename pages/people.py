"""Suggestions to a person. The URL holds the catalogue, the person and the item, so a link shows the same page."""

import streamlit as st

from core.explain.people.person_explanation import PersonExplanation
from core.store.catalogs import Catalog
from core.store.items import StoredItem
from core.wording import count_noun
from core.work.recommend import Person, suggest_to
from ui.address import go, read, read_all
from ui.cards import draw_ranked_cards
from ui.empty import draw_no_catalog
from ui.navigation import find_page
from ui.people.chooser import choose_person, forget, leave_item
from ui.people.strip import draw_strip
from ui.people.why import DIGITS, draw_why
from ui.resources import open_workspace
from ui.sidebar import chosen_catalogs
from ui.text import escape_markdown

_SHOWN, _STRIP = 24, 9


def draw_page() -> None:
    """The whole page."""
    st.title("For a person", anchor=False)
    catalogs = [catalog for catalog in chosen_catalogs() if catalog.items]
    if not catalogs:
        draw_no_catalog()
        return
    knowing = [one for one in catalogs if any(version.has_log for version in open_workspace().versions.list(one.id))]
    if not knowing:
        _draw_nobody(catalogs[0])
        return
    catalog = knowing[0]
    if len(catalogs) > 1:
        st.info(
            f"A log belongs to one catalogue: this is “{escape_markdown(catalog.name)}”. "
            "Choose another in the side bar."
        )
    person = choose_person(catalog)
    if person is None:
        st.info("Choose a person, or add what somebody liked, and suggestions follow.", icon=":material/person:")
        return
    _draw_history(person)
    item_id = read("item")
    if item_id:
        st.button("All suggestions", key="back", icon=":material/arrow_back:", type="tertiary", on_click=leave_item)
        found, stored = _explain(person, item_id), open_workspace().items.find(catalog.id, item_id)
        if stored is not None:
            draw_why(found, stored)
    else:
        _draw_suggestions(person)


def _draw_nobody(catalog: Catalog) -> None:
    st.info(
        f"No version of “{escape_markdown(catalog.name)}” knows people yet. Train one with an interaction log, and "
        "this page suggests to anybody in it.",
        icon=":material/group:",
    )
    st.page_link(find_page("Training"), label="Go to the training", icon=":material/model_training:")


def _draw_history(person: Person) -> None:
    """What the person liked, newest first."""
    item_ids = open_workspace().open_version(person.version).item_ids
    rows = dict.fromkeys(person.history.items[person.history.liked][::-1].tolist())
    liked = [item_ids[row] for row in rows]
    st.subheader("What this person liked", anchor=False)
    draw_strip(
        _find(person, liked[:_STRIP]),
        name="history",
        label="Remove",
        on_click=forget if read_all("liked") else None,
    )
    shown = f"The newest {_STRIP} of {len(liked):,} items" if len(liked) > _STRIP else count_noun(len(liked), "item")
    st.caption(f"{shown}, newest first · {count_noun(len(person.history), 'event')} in all")


def _draw_suggestions(person: Person) -> None:
    st.subheader("Suggestions", anchor=False)
    found = suggest_to(open_workspace(), person, _SHOWN)
    stored = {one.item.item_id: one for one in _find(person, [one.item_id for one in found])}
    cards = [
        (stored[one.item_id], f":gray-badge[{one.rank:,}] :blue-badge[score {one.score:.{DIGITS}f}]")
        for one in found
        if one.item_id in stored
    ]
    gone = len(found) - len(cards)
    note = f" · {gone} of them are no longer in the catalogue" if gone else ""
    items = len(open_workspace().open_version(person.version).item_ids)
    st.caption(
        f"The best {len(found)} of {count_noun(items, 'item')} · version {escape_markdown(person.version.id)}{note}"
    )
    draw_ranked_cards(cards, _ask_why)


def _ask_why(item_id: str) -> None:
    go(item=item_id)


def _find(person: Person, item_ids: list[str]) -> list[StoredItem]:
    """Those of these items that the catalogue still has, in order."""
    found = (open_workspace().items.find(person.catalog.id, item_id) for item_id in item_ids)
    return [stored for stored in found if stored is not None]


def _explain(person: Person, item_id: str) -> PersonExplanation:
    history = person.history
    columns = (history.items, history.events, history.values, history.liked, history.times)
    state = (person.catalog.id, person.catalog.revision, person.version.id, *(column.tobytes() for column in columns))
    return _explain_once(person, state, item_id)


@st.cache_data(show_spinner="Reading the item anew and ranking without each item of the history", max_entries=64)
def _explain_once(
    _person: Person,
    state: tuple[int | str | bytes, ...],  # noqa: ARG001 - stands for the person in the cache's key
    item_id: str,
) -> PersonExplanation:
    return open_workspace().person_explainer.explain(_person.catalog, _person.version, _person.history, item_id)


draw_page()
