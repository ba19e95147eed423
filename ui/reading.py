"""How a file is read, chosen on a page: what is not chosen follows what is."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from core.catalog.read.choices import FileChoices, choose_options
from core.catalog.read.encoding import ENCODINGS, name_encoding
from core.catalog.table import Detected, ReadOptions

_DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Pipe", "::": "Two colons"}


def draw_reading(table: Path, options: ReadOptions, detected: Detected, key: str = "") -> ReadOptions:
    """Pickers for each part of reading a file.

    Args:
        table: A plain table file.
        options: How it is read until a person chooses otherwise.
        detected: What was found out about it.
        key: Before the keys of the widgets, so that another file begins anew.

    Returns:
        How to read the file now.

    Raises:
        CatalogFileError: The file cannot be read in this way.
    """
    with st.expander("How the file is read", icon=":material/settings:", key=f"{key}read-options"):
        parts = detected.sheets if options.kind == "xlsx" else detected.paths
        certain = len(parts) < 2 and len(detected.encodings) < 2
        if options.kind == "parquet" or (options.kind == "jsonl" and certain):
            st.caption("This format says itself how it is read.")
            return options
        options = _draw_parts(table, options, detected, parts, key)
        if options.kind == "jsonl":
            return options
        # Another sheet, encoding or separator has a header of its own.
        anew = f"{key}{options.sheet}-{options.encoding}-{options.delimiter}"
        places = st.columns(2, vertical_alignment="bottom")
        row = places[0].number_input("Table starts at line", 1, 1000, options.header_row, key=f"header-row-{anew}")
        has_header = places[1].checkbox("First row holds the names", options.has_header, key=f"has-header-{anew}")
        return replace(options, header_row=int(row), has_header=has_header)


def _draw_parts(table: Path, options: ReadOptions, detected: Detected, parts: tuple[str, ...], key: str) -> ReadOptions:
    """Sheet or list, encoding and separator; the layout is found anew when one of them changes."""
    part = (options.sheet if options.kind == "xlsx" else options.path) or (parts[0] if parts else "")
    chosen, encoding, delimiter = part, options.encoding, options.delimiter
    if parts:
        names = list(dict.fromkeys((part, *parts)))
        chosen = st.selectbox("Sheet" if options.kind == "xlsx" else "List", names, key=f"{key}sheet")
    places = st.columns(2)
    if options.kind in ("delimited", "jsonl"):
        encodings = list(dict.fromkeys((encoding, *detected.encodings, *ENCODINGS)))
        encoding = places[0].selectbox(
            "Encoding", encodings, key=f"{key}encoding", format_func=name_encoding, accept_new_options=True
        )
    if options.kind == "delimited":
        delimiters = list(dict.fromkeys((delimiter, *_DELIMITERS)))
        delimiter = places[1].selectbox(
            "Separator",
            delimiters,
            key=f"{key}delimiter",
            format_func=lambda mark: _DELIMITERS.get(mark, mark),
            accept_new_options=True,
        )
    if (chosen, encoding, delimiter) == (part, options.encoding, options.delimiter):
        return options
    changed = FileChoices(
        sheet="" if chosen == part else chosen,
        encoding="" if encoding == detected.options.encoding else encoding,
        delimiter="" if delimiter == options.delimiter else delimiter,
    )
    return choose_options(table, changed).options
