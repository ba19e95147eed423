"""The pages, the catalogue that is looked at and the model that serves it, on every page."""

import os

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core.store.catalogs import Catalog
from core.wording import count_noun
from ui.address import CATALOG, go_whole, hold, read
from ui.jobs import describe_wait
from ui.navigation import draw_navigation, find_page
from ui.password import PASSWORD_VARIABLE, SIGN_OUT
from ui.resources import open_jobs, open_workspace
from ui.text import escape_markdown

ALL = "All catalogues"
#: What stays when another catalogue is chosen; the rest of an address names things of the old one.
_KEPT = ("need", "avoid", "match", "variety", "blend", "picture")
#: A page left open asks for the password again when its visit has ended, where Streamlit would only say "status 401".
_SIGN_OUT = f"""<a class="wl-out" href="{SIGN_OUT}" target="_self">Sign out</a><script>
window.wishlightVisit ??= setInterval(async () => {{
  const app = document.querySelector("[data-testid=stApp]");
  if (app && app.getAttribute("data-test-connection-state") !== "CONNECTED" &&
      (await fetch("_stcore/health").catch(() => ({{}}))).status === 401) location.reload();
}}, 1000);
</script>"""


def draw_sidebar(page: StreamlitPage) -> None:
    """The links, the picker, and a word on work under way."""
    catalogs = open_workspace().catalogs.list()
    chosen = _chosen_name(catalogs)
    with st.sidebar:
        draw_navigation(page, chosen or "")
        if catalogs:
            names = [catalog.name for catalog in catalogs]
            hold(CATALOG, chosen)
            st.selectbox(
                "Catalogue",
                [*names, ALL] if len(names) > 1 else names,
                key=CATALOG,
                index=None if chosen is None else 0,
                placeholder="Choose one",
                on_change=_choose,
            )
            st.caption(_describe(chosen_catalogs()))
        _draw_work()
        if os.environ.get(PASSWORD_VARIABLE):
            st.html(_SIGN_OUT, unsafe_allow_javascript=True)


def chosen_catalogs() -> list[Catalog]:
    """The catalogues that are looked at; none before the first import, or where the address names one that is gone."""
    catalogs = open_workspace().catalogs.list()
    chosen = _chosen_name(catalogs)
    return [catalog for catalog in catalogs if chosen in (catalog.name, ALL)]


def find_missing() -> str:
    """The name of the catalogue that the address asks for and that is not there; "" where all is well."""
    catalogs = open_workspace().catalogs.list()
    return _named() if _chosen_name(catalogs) is None and catalogs else ""


def draw_missing(name: str) -> None:
    """Say that a catalogue is not there, and offer those that are; nothing is answered from another one."""
    st.error(f"There is no catalogue “{escape_markdown(name)}” here.", icon=":material/error:")
    st.markdown("It may have been renamed or deleted. These are here:")
    with st.container(horizontal=True, gap="xsmall"):
        for catalog in open_workspace().catalogs.list():
            st.button(
                escape_markdown(catalog.name),
                key=f"take-catalog-{catalog.id}",
                on_click=choose_catalog,
                args=(catalog.name,),
            )


def choose_catalog(name: str) -> None:
    """Look at another catalogue with the same need; a callback."""
    kept = {key: read(key) for key in _KEPT}
    go_whole({**kept, CATALOG: name})


def _choose() -> None:
    choose_catalog(st.session_state[CATALOG] or "")


def _chosen_name(catalogs: tuple[Catalog, ...]) -> str | None:
    """As the catalogue is written, however the address writes it; None where there is no such one."""
    if not catalogs:
        return None
    wanted = _named().casefold() or catalogs[0].name.casefold()
    names = [*(catalog.name for catalog in catalogs), *([ALL] if len(catalogs) > 1 else [])]
    return next((name for name in names if name.casefold() == wanted), None)


def _named() -> str:
    """The catalogue that the address asks for, if only by an item of it."""
    return (read(CATALOG) or read("like_in")).strip()


def _describe(catalogs: list[Catalog]) -> str:
    items = sum(catalog.items for catalog in catalogs)
    models = ", ".join(dict.fromkeys(catalog.model_title for catalog in catalogs))
    return f"{count_noun(items, 'item')} · model {escape_markdown(models)}" if catalogs else ""


def _draw_work() -> None:
    live = open_jobs().live()
    running = sum(job.state == "running" for job in live)
    parts = [f"{running:,} at work"] if running else []
    parts += [f"{len(live) - running:,} waiting"] if len(live) > running else []
    if parts:
        waits = [f"{escape_markdown(job.title)}. {describe_wait(job)}" for job in live if job.state == "queued"]
        st.page_link(
            find_page("Activity"),
            label=", ".join(parts),
            icon=":material/progress_activity:",
            help="\n\n".join(waits) or None,
        )
