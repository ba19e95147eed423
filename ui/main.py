"""The page config, the navigation and the side bar; the page does the rest."""

from pathlib import Path

import streamlit as st

from ui.errors import shown_errors
from ui.navigation import build_pages
from ui.sidebar import draw_sidebar

ASSETS = Path(__file__).resolve().parents[1] / "assets"

st.set_page_config(page_title="Wishlight", page_icon=str(ASSETS / "icon.png"), layout="wide")
st.html(ASSETS / "theme.css")
st.logo(str(ASSETS / "logo.png"), size="large")
page = st.navigation(build_pages())
with shown_errors():
    draw_sidebar()
with shown_errors():
    page.run()
