"""Wishlight's server: `streamlit run app.py`. The script that every visit runs is `ui/main.py`.

The script stands apart so that Streamlit does not take `pages/` for its old automatic navigation, which breaks links
to a page on a freshly started server.
"""

import logging

import streamlit as st
from starlette.middleware import Middleware

from ui.errors import show_failure
from ui.headers import SecurityHeaders
from ui.hosts import HostGuard, is_local_address
from ui.password import PASSWORD_VARIABLE, PasswordGuard, read_password

_password = read_password()
if _password is None and not is_local_address(st.get_option("server.address")):
    logging.getLogger("wishlight").warning(
        "Everybody who reaches this computer can open the page. Set %s to ask for a password.", PASSWORD_VARIABLE
    )

app = st.App(
    "ui/main.py",
    middleware=[Middleware(SecurityHeaders), Middleware(HostGuard), Middleware(PasswordGuard, password=_password)],
    on_script_error=show_failure,
)
