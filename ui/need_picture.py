"""A picture as the need: uploaded or pasted, stored by content, named in the URL."""

import re

import streamlit as st
from PIL import Image

from ui.address import go, read
from ui.errors import shown_errors
from ui.paste import draw_paste_box
from ui.pictures import need_picture
from ui.resources import open_workspace

_THUMBNAIL = 64
_HASH = re.compile(r"[0-9a-f]{64}")


def draw_need_picture() -> None:
    """The uploader and the box to paste into."""
    key = f"need-picture-{st.session_state.get('need-picture-round', 0)}"
    st.file_uploader(
        "A picture of what you want",
        type=["jpg", "jpeg", "png", "webp", "gif", "bmp", "avif", "tiff"],
        key=key,
        max_upload_size=30,
        help="Drop a file here or choose one.",
        on_change=_take_upload,
        args=(key,),
    )
    pasted = draw_paste_box()
    if pasted is not None:
        _take(pasted)


def draw_chosen_picture() -> None:
    """The picture that counts now, and the way to take it away; nothing without one."""
    picture = read("picture")
    if not _HASH.fullmatch(picture):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="looking-with"):
        st.image(need_picture(picture), width=_THUMBNAIL, alt="The picture you are looking with")
        st.markdown("Looking with this picture", width="content")
        label = "Take the picture away"
        st.button(label, key="clear-picture", icon=":material/close:", type="tertiary", on_click=_clear)


def read_need_picture() -> Image.Image | None:
    """The picture that the URL names, None when it names none.

    Raises:
        NeedError: The picture is not on this server.
    """
    picture = read("picture")
    if not picture:
        return None
    return open_workspace().open_need_picture(picture)


def _take_upload(key: str) -> None:
    """Take a file once and empty the box, so that Back and "Take the picture away" are not undone by it."""
    upload = st.session_state[key]
    if upload is not None:
        _take(upload.getvalue())
        st.session_state["need-picture-round"] = st.session_state.get("need-picture-round", 0) + 1


def _take(data: bytes) -> None:
    with shown_errors():
        picture = open_workspace().keep_need_picture(data)
        go(picture=picture, like="", like_in="", back="", page="")


def _clear() -> None:
    """Take it away for good: nobody else knows of it but by this address."""
    with shown_errors():
        open_workspace().sweep.drop_need_picture(read("picture"))
    go(picture="", page="")
