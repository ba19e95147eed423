"""The pages, in groups. A new page is one script in `pages/` and one line here."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui.address import CATALOG, Value, read, read_all, read_back, read_whole, way_back
from ui.text import escape_markdown

#: On a phone the side bar lies over the page, and only Streamlit's own links fold it.
_FOLD = """<script>
if (!window.wishlightFolds) {
  window.wishlightFolds = true;
  document.addEventListener("click", (event) => {
    if (window.innerWidth < 768 && event.target.closest("[data-testid=stSidebar] a[data-testid=stPageLink-NavLink]"))
      document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
  });
}
</script>"""
_FOLDER = Path(__file__).resolve().parents[1] / "pages"


def build_pages() -> dict[str, list[StreamlitPage]]:
    """The navigation: group to its pages."""
    return {
        "Find": [
            st.Page(_FOLDER / "suggest.py", title="Suggestions", icon=":material/search:", default=True),
            st.Page(_FOLDER / "explain.py", title="Why?", icon=":material/lightbulb:", url_path="why"),
            st.Page(_FOLDER / "people.py", title="For a person", icon=":material/person:", url_path="person"),
        ],
        "Build": [
            st.Page(_FOLDER / "import_catalog.py", title="Import", icon=":material/upload_file:", url_path="import"),
            st.Page(_FOLDER / "catalogs.py", title="Catalogues", icon=":material/inventory_2:"),
            st.Page(_FOLDER / "training.py", title="Training", icon=":material/model_training:"),
        ],
        "Inspect": [
            st.Page(_FOLDER / "audit.py", title="Audit", icon=":material/fact_check:"),
            st.Page(_FOLDER / "activity.py", title="Activity", icon=":material/list_alt:"),
        ],
    }


def find_page(name: str) -> StreamlitPage:
    """The page of a script, for links and buttons that lead there.

    Raises:
        KeyError: There is no such page.
    """
    pages = {str(page.title): page for group in build_pages().values() for page in group}
    return pages[name]


def draw_navigation(current: StreamlitPage, catalog: str) -> None:
    """Links to every page. Each names the catalogue, which Streamlit's own links would lose."""
    for group, pages in build_pages().items():
        with st.container(gap=None, key=f"nav-{group.lower()}"):
            st.caption(escape_markdown(group))
            for page in pages:
                st.page_link(page, query_params=_address(str(page.title), str(current.title), catalog))
    st.html(_FOLD, unsafe_allow_javascript=True)


def _address(page: str, current: str, catalog: str) -> Mapping[str, Value]:
    """What a link to a page carries: the catalogue, and between a need and its explanations the need."""
    if page == current:
        return read_whole()
    kept: dict[str, Value] = {CATALOG: catalog}
    if (page, current) == ("Suggestions", "Why?"):
        return read_back() or kept | {"need": read_all("need")}
    if (page, current) == ("Why?", "Suggestions") and read("need"):
        return kept | {"need": read_all("need")} | way_back()
    return kept if catalog else {}
