"""An explanation as files."""

import json

import streamlit as st

from core.catalog.schema import Item
from core.explain.explanation import Explanation
from core.explain.pictures.maps import Looked
from core.explain.pictures.overlay import overlay
from core.explain.report.html_file import build_report, list_texts
from ui.text import escape_markdown


def draw_downloads(found: Explanation, item: Item, looked: Looked | None) -> None:
    """Buttons for one HTML file, JSON and, where a map can be shown, its picture.

    Args:
        found: The explanation.
        item: Its item.
        looked: The map; None where nobody asked for one.
    """
    files = {
        "HTML": ("text/html", build_report(found, list_texts(found, item), looked)),
        "JSON": ("application/json", _dump(found, looked)),
    }
    with st.popover("Download", icon=":material/download:"):
        for name, (mime, data) in files.items():
            _draw_button(name, mime, data)
        if looked is not None and looked.map.faithful:
            _draw_button("PNG", "image/png", overlay(looked.pixels, looked.map.grid))


def _dump(found: Explanation, looked: Looked | None) -> str:
    return json.dumps(found.to_json() | {"picture": looked and looked.to_json()}, ensure_ascii=False, indent=1)


def _draw_button(name: str, mime: str, data: str | bytes) -> None:
    st.download_button(
        escape_markdown(f"As {name}"), data, file_name=f"why.{name.lower()}", mime=mime, on_click="ignore"
    )
