"""The catalogue that is looked at and the model that serves it, on every page."""

import streamlit as st

from core.store.catalogs import Catalog
from ui.filters import first_page
from ui.navigation import find_page
from ui.resources import open_jobs, open_workspace
from ui.text import escape_markdown

ALL = "All catalogues"


def draw_sidebar() -> None:
    """The picker, and a word on work under way."""
    catalogs = open_workspace().catalogs.list()
    with st.sidebar:
        if catalogs:
            names = [catalog.name for catalog in catalogs]
            options = [*names, ALL] if len(names) > 1 else names
            chosen = st.selectbox("Catalogue", options, key="catalog", on_change=first_page, bind="query-params")
            st.caption(_describe([one for one in catalogs if chosen in (one.name, ALL)]))
        live = open_jobs().live()
        if live:
            st.page_link(find_page("Activity"), label=f"{len(live)} at work", icon=":material/progress_activity:")


def chosen_catalogs() -> list[Catalog]:
    """The catalogues that are looked at; none before the first import."""
    catalogs = open_workspace().catalogs.list()
    chosen = st.session_state.get("catalog")
    if chosen == ALL:
        return list(catalogs)
    return [catalog for catalog in catalogs if catalog.name == chosen] or list(catalogs[:1])


def _describe(catalogs: list[Catalog]) -> str:
    items = sum(catalog.items for catalog in catalogs)
    models = ", ".join(dict.fromkeys(catalog.model_title for catalog in catalogs))
    return f"{items:,} items · model {escape_markdown(models)}"
