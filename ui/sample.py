"""What is said of the sample wherever it is shown."""

from collections.abc import Sequence

import streamlit as st

from core.catalog.importing.sample import SAMPLE_FOLDER, SAMPLE_NAME, SAMPLE_NOTE
from core.store.catalogs import Catalog


def draw_sample_note(catalogs: Sequence[Catalog]) -> None:
    """A line below the sample's items."""
    if any(catalog.name == SAMPLE_NAME for catalog in catalogs):
        st.caption(f"{SAMPLE_NAME}: {SAMPLE_NOTE[:1].lower()}{SAMPLE_NOTE[1:]}")


def draw_sample_credits(catalog: Catalog) -> None:
    """The same with the credits of its pictures and texts, in the panel of its catalogue."""
    credits = SAMPLE_FOLDER / "ATTRIBUTION.md"
    if catalog.name == SAMPLE_NAME and credits.is_file():
        st.caption(SAMPLE_NOTE)
        with st.popover("Credits and licences", icon=":material/copyright:", type="tertiary"):
            st.markdown(credits.read_text(encoding="utf-8"))
