"""Pictures for cards: our own thumbnails on a neutral square ground, never a path or an address from a catalogue."""

import io
import logging
from pathlib import Path

import streamlit as st
from PIL import Image, ImageDraw

from core.catalog.pictures.picture_store import PictureStore
from core.errors import PictureError
from ui.resources import open_workspace

CARD_SIDE = 320
_GROUND = (255, 255, 255)
_EMPTY_GROUND = (233, 236, 242)
_EMPTY_INK = (168, 176, 190)
#: What Pillow raises for files that are none of its own.
_DAMAGE = (OSError, ValueError, SyntaxError)
_log = logging.getLogger("wishlight")


def card_picture(picture: str | None) -> bytes:
    """A square WebP of a stored picture, the whole of it on white; a placeholder where there is none.

    Args:
        picture: Content hash.
    """
    is_there = picture is not None and open_workspace().pictures.thumbnail_path(picture).is_file()
    return _card(picture if is_there else None)


def need_picture(picture: str) -> bytes:
    """The same of a picture that somebody looks with."""
    is_there = open_workspace().need_pictures.thumbnail_path(picture).is_file()
    return _card(picture if is_there else None, of_need=True)


@st.cache_data(show_spinner=False, max_entries=4_000)
def _card(picture: str | None, *, of_need: bool = False) -> bytes:
    workspace = open_workspace()
    store = workspace.need_pictures if of_need else workspace.pictures
    return _encode(_placeholder() if picture is None else _open(picture, store))


def _open(picture: str, store: PictureStore) -> Image.Image:
    """A stored picture's card; its thumbnail is made again where a power cut or the disk has damaged it."""
    path = store.thumbnail_path(picture)
    try:
        return _square(path)
    except _DAMAGE:
        _log.warning("The thumbnail %s is damaged; it is made again", path.name)
    try:
        store.rebuild_thumbnail(picture)
        return _square(path)
    except (PictureError, *_DAMAGE):
        return _placeholder()


@st.cache_data(show_spinner=False, max_entries=32)
def asset_picture(path: Path) -> bytes:
    """The same of a picture that comes with Wishlight."""
    return _encode(_square(path))


def _encode(square: Image.Image) -> bytes:
    buffer = io.BytesIO()
    square.save(buffer, "WEBP", quality=84, method=2)
    return buffer.getvalue()


def _square(path: Path) -> Image.Image:
    square = Image.new("RGB", (CARD_SIDE, CARD_SIDE), _GROUND)
    with Image.open(path) as thumbnail:
        scale = min(CARD_SIDE / thumbnail.width, CARD_SIDE / thumbnail.height)
        size = (max(round(thumbnail.width * scale), 1), max(round(thumbnail.height * scale), 1))
        fitted = thumbnail.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    square.paste(fitted, ((CARD_SIDE - size[0]) // 2, (CARD_SIDE - size[1]) // 2))
    return square


def _placeholder() -> Image.Image:
    image = Image.new("RGB", (CARD_SIDE, CARD_SIDE), _EMPTY_GROUND)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((104, 116, 216, 204), radius=10, outline=_EMPTY_INK, width=6)
    draw.ellipse((128, 136, 148, 156), fill=_EMPTY_INK)
    draw.polygon([(118, 192), (152, 158), (170, 176), (184, 164), (204, 192)], fill=_EMPTY_INK)
    return image
