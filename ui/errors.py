"""Expected failures as sentences on the page; everything else in the log, never in the page."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException, StopException

from core.errors import WishlightError
from core.failures import explain_failure
from ui.text import escape_markdown

_log = logging.getLogger("wishlight")


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show what goes wrong inside as one sentence."""
    try:
        yield
    except (RerunException, StopException):
        raise
    except Exception as exc:
        show_failure(exc)


def show_failure(exc: Exception) -> bool:
    """Show one failure as a sentence; what nobody expected goes to the log whole.

    Returns:
        True: it has been shown.
    """
    said = str(exc) if isinstance(exc, WishlightError) else explain_failure(exc)
    if said:
        st.error(escape_markdown(said), icon=":material/error:")
        return True
    _log.error("A page failed", exc_info=exc)
    st.error(
        "Something went wrong inside, and nothing was lost. Reload the page; if it happens again, the server's log "
        "says what it was.",
        icon=":material/error:",
    )
    return True
