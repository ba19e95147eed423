"""The page config, the navigation and the side bar; the page does the rest."""

from pathlib import Path

import streamlit as st

from ui.errors import shown_errors
from ui.navigation import build_pages
from ui.sidebar import draw_missing, draw_sidebar, find_missing

ASSETS = Path(__file__).resolve().parents[1] / "assets"
#: These show no catalogue's items, so they need none that is there.
_WITHOUT_CATALOG = ("Import", "Catalogues", "Activity")


def draw_app() -> None:
    """What every page has, around the page."""
    st.set_page_config(page_icon=str(ASSETS / "icon.png"), layout="wide")  # first: a page's icon would be fetched
    page = st.navigation(build_pages(), position="hidden")
    st.set_page_config(page_title=f"{page.title} · Wishlight")
    st.html(ASSETS / "theme.css")
    st.logo(str(ASSETS / "logo.png"), size="large")
    with shown_errors():
        draw_sidebar(page)
    with shown_errors():
        missing = "" if page.title in _WITHOUT_CATALOG else find_missing()
        if missing:
            draw_missing(missing)
        else:
            page.run()


if __name__ == "__main__":  # not in the processes that decode pictures, which import it under another name
    draw_app()
