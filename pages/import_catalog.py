"""Import: detect, map, check, pictures, and the counts before anything is written."""

import streamlit as st

from core.errors import CatalogFileError
from ui.errors import show_failure
from ui.importing.check_step import draw_check
from ui.importing.columns_step import draw_columns
from ui.importing.file_step import draw_file, draw_upload
from ui.importing.import_step import draw_import
from ui.importing.pictures_step import draw_pictures
from ui.importing.state import current_draft, current_step, draw_steps, forget

_DRAW = {
    "file": draw_file,
    "columns": draw_columns,
    "check": draw_check,
    "pictures": draw_pictures,
    "import": draw_import,
}


def draw_page() -> None:
    """The step that the URL names."""
    st.title("Import a catalogue", anchor=False)
    try:
        draft = current_draft()
    except CatalogFileError as exc:
        show_failure(exc)
        st.button("Start again", key="start-again", on_click=forget)
        return
    step = current_step() if draft is not None else "file"
    draw_steps(step)
    if draft is None:
        draw_upload()
    else:
        _DRAW[step](draft)


draw_page()
