"""The pages, in groups. A new page is one script in `pages/` and one line here."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

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
