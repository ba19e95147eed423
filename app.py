"""Wishlight's server: `streamlit run app.py`. The script that every visit runs is `ui/main.py`.

The script stands apart so that Streamlit does not take `pages/` for its old automatic navigation, which breaks links
to a page on a freshly started server.
"""

import streamlit as st
from starlette.middleware import Middleware

from ui.errors import show_failure
from ui.headers import SecurityHeaders

app = st.App("ui/main.py", middleware=[Middleware(SecurityHeaders)], on_script_error=show_failure)
