"""What a person should know about an image-text model before choosing it."""

import streamlit as st

from core.encode.registry import Backbone
from ui.text import escape_markdown


def draw_backbone(backbone: Backbone) -> None:
    """One line: what it is good for, what it downloads, its licence."""
    size = f"{backbone.download_mb:,} MB are downloaded first." if backbone.needs_download else "Nothing to download."
    st.caption(escape_markdown(f"{backbone.good_for} {size} Licence: {backbone.licence}."))
