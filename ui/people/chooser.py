"""Whom the page is about: somebody of the log, or a history that is made up."""

import streamlit as st

from core.store.catalogs import Catalog
from core.suggest.need import Need, split_avoid
from core.work.recommend import Person, find_person, invent_person
from ui.address import go, hold, read, read_all
from ui.people.strip import draw_strip
from ui.resources import open_workspace
from ui.text import escape_markdown

#: A log may hold more people than a select box can; any other id is typed.
_LISTED = 300
_FOUND, _EXAMPLES = 8, 3
_LOG, _NEW = "log", "new"
_WAYS = {_LOG: "Somebody in the log", _NEW: "Make up a history"}


def choose_person(catalog: Catalog) -> Person | None:
    """The widgets, and the person; None until there is one."""
    if open_workspace().interactions.is_simulated(catalog.id):
        st.warning("The shoppers of this log are simulated. What is suggested here says nothing about real people.")
    liked = read_all("liked")
    hold("who", _NEW if liked or read("who") == _NEW else _LOG)
    ways, choice = st.columns([2, 3], gap="medium")
    with ways:
        way = st.radio(
            "Suggest to",
            list(_WAYS),
            key="who",
            format_func=lambda way: _WAYS[way],
            horizontal=True,
            on_change=_change_way,
        )
    with choice:
        if way == _NEW:
            return _choose_items(catalog, liked)
        return _choose_from_log(catalog)


def _change_way() -> None:
    """The address names either a person of the log or items, never both."""
    way = st.session_state["who"]
    go(who=_NEW if way == _NEW else "", item="", liked="", user="")


def leave_item() -> None:
    """Back from an explanation to all suggestions; a callback."""
    go(item="")


def _choose_from_log(catalog: Catalog) -> Person | None:
    workspace = open_workspace()
    users = workspace.interactions.first_users(catalog.id, _LISTED)
    named = read("user") or None
    hold("user", named)
    user = st.selectbox(
        "Person",
        users if named is None or named in users else (named, *users),
        index=None,
        key="user",
        accept_new_options=True,
        placeholder="Choose or type an id" if users else "This catalogue has no log: make up a history",
        help=f"As the log names this person. At most {_LISTED:,} are listed; type the id of any other.",
        on_change=_take_user,
    )
    if user:
        return find_person(workspace, user, catalog.name)
    _draw_examples(users[:_EXAMPLES])
    return None


def _draw_examples(users: tuple[str, ...]) -> None:
    if users:
        st.caption("For example")
    with st.container(horizontal=True, gap="xsmall"):
        for user in users:
            st.button(escape_markdown(user), key=f"example-{user}", on_click=_take_example, args=(user,))


def _take_user() -> None:
    go(user=st.session_state["user"] or "", item="")


def _take_example(user: str) -> None:
    go(user=user, item="")


def _choose_items(catalog: Catalog, liked: list[str]) -> Person | None:
    """Items are looked for in words and added one by one; the address holds them, oldest first."""
    asked = st.text_input(
        "Find items that this person liked",
        key="liking",
        icon=":material/search:",
        placeholder="Say what it is; add it; look for the next",
        max_chars=200,
    )
    text, avoid = split_avoid(asked or "")
    if text and not read("item"):
        need = Need(text=text, avoid=avoid, catalogs=(catalog.name,))
        found = [one.stored for one in open_workspace().suggester.suggest(need, limit=_FOUND + len(liked)).page]
        new = [stored for stored in found if stored.item.item_id not in liked][:_FOUND]
        draw_strip(new, label="Add", on_click=_add, name="found")
    return invent_person(open_workspace(), liked, catalog.name) if liked else None


def _add(item_id: str) -> None:
    _keep([*read_all("liked"), item_id])


def forget(item_id: str) -> None:
    """Take an item out of the history that is made up; a callback."""
    _keep([one for one in read_all("liked") if one != item_id])


def _keep(liked: list[str]) -> None:
    go(liked=liked, who=_NEW, item="")
