"""Damaged pictures cost themselves alone, never the page."""

import io
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image

from core.catalog.pictures.normalise import normalise_picture
from core.catalog.pictures.picture_store import PictureStore
from ui import pictures

NAME = "a" * 64


@pytest.mark.parametrize("jpeg", [True, False])
@pytest.mark.parametrize("keep", [0, 20, 200])
def test_a_damaged_thumbnail_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: int, jpeg: bool
) -> None:
    store = PictureStore(tmp_path / "pictures", tmp_path / "thumbnails")
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(buffer, "PNG")
    store.put(NAME, normalise_picture(buffer.getvalue()))
    monkeypatch.setattr(pictures, "open_workspace", lambda: type("Shop", (), {"pictures": store}))
    path = store.thumbnail_path(NAME)
    path.write_bytes(path.read_bytes()[:keep])
    if not jpeg:
        store.path(NAME).write_bytes(b"x")
    st.cache_data.clear()
    assert (pictures.card_picture(NAME) != pictures.card_picture(None)) is jpeg
