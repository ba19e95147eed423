"""Expected failures as sentences on the page; everything else in the log, never in the page."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException, StopException

from core.errors import WishlightError

_log = logging.getLogger("wishlight")


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show what goes wrong inside as one sentence."""
    try:
        yield
    except (RerunException, StopException):
        raise
    except WishlightError as exc:
        st.error(str(exc), icon=":material/error:")
    except Exception:
        _log.exception("A page failed")
        st.error(
            "Something went wrong inside, and nothing was lost. Reload the page; if it happens again, the server's "
            "log says what it was.",
            icon=":material/error:",
        )
