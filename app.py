"""Wishlight's page: `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from ui.errors import shown_errors
from ui.sidebar import draw_sidebar

ASSETS = Path(__file__).parent / "assets"

st.set_page_config(page_title="Wishlight", page_icon=str(ASSETS / "icon.png"), layout="wide")
st.html(ASSETS / "theme.css")
st.logo(str(ASSETS / "logo.png"), size="large")
page = st.navigation(
    {
        "Find": [st.Page("pages/suggest.py", title="Suggestions", icon=":material/search:", default=True)],
        "Build": [
            st.Page("pages/import_catalog.py", title="Import", icon=":material/upload_file:", url_path="import"),
            st.Page("pages/catalogs.py", title="Catalogues", icon=":material/inventory_2:", url_path="catalogs"),
        ],
        "Inspect": [st.Page("pages/activity.py", title="Activity", icon=":material/list_alt:", url_path="activity")],
    }
)
with shown_errors():
    draw_sidebar()
with shown_errors():
    page.run()
