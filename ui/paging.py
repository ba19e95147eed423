"""Turning pages, by number in the address."""

import streamlit as st

from ui.address import go, read
from ui.text import escape_markdown

#: Streamlit scrolls the page in an element of its own, and leaves it where it was when a new page of cards comes.
_TO_TOP = '<script data-page="{page}">document.querySelector("[data-testid=stMain]")?.scrollTo({{top: 0}});</script>'


def read_page() -> int | None:
    """The page that the address names, from 1 on; None where it names no number."""
    text = read("page") or "1"
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 1e9 else None


def draw_pages(pages: int, page: int) -> None:
    """The control, and the way to the top of a page that has just been turned to."""
    if pages < 2:
        return
    st.html(_TO_TOP.format(page=page), unsafe_allow_javascript=True)
    key = f"page-{page}"  # a control of its own for each page: it always begins at its page
    with st.container(horizontal_alignment="center"):
        st.pagination(pages, default=page, key=key, on_change=_turn, args=(key,))


def draw_no_page(pages: int) -> None:
    """Say that the page of a link is not there, and offer the first one."""
    count = "There is one page." if pages == 1 else f"There are {pages:,} pages."
    st.info(f"There is no page “{escape_markdown(read('page')[:20])}”. {count}", icon=":material/search_off:")
    st.button("First page", key="first-page", on_click=go, kwargs={"page": ""})


def _turn(key: str) -> None:
    page = st.session_state[key]
    go(page="" if page == 1 else str(page))
