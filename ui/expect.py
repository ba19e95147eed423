"""Saving, from the dialog of a suggestion, that a need must bring an item."""

import streamlit as st

from core.store.expectations import SavedNeed
from core.suggest.expected import can_save, save_need
from core.suggest.need import Need
from core.suggest.results import Suggestion
from ui.errors import shown_errors
from ui.resources import open_workspace


def draw_expect(suggestion: Suggestion, need: Need) -> None:
    """A button that saves the need with this item, or what takes it back; nothing for a need with a picture."""
    if not can_save(need):
        return
    saved, item_id = save_need(need), suggestion.stored.item.item_id
    catalog_id = suggestion.stored.catalog_id
    held = [one for one in open_workspace().expectations.list(catalog_id) if one.need == saved]
    number = next((one.id for one in held if one.item_id == item_id), None)
    if number is None:
        st.button(
            "Expect this item for this need",
            key="expect",
            icon=":material/bookmark_add:",
            help="The need is asked again after every training, and you are told when this item falls out of the "
            "first ten.",
            on_click=_save,
            args=(catalog_id, saved, item_id),
        )
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(":green[:material/bookmark_added:] You expect this item for this need.")
        st.button("Undo", key="expect-undo", type="tertiary", on_click=_remove, args=(catalog_id, number))


def _save(catalog_id: int, need: SavedNeed, item_id: str) -> None:
    with shown_errors():
        open_workspace().expectations.add(catalog_id, need, [item_id])


def _remove(catalog_id: int, number: int) -> None:
    with shown_errors():
        open_workspace().expectations.remove(catalog_id, number)
