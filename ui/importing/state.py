"""Where the person is: the draft and the step are named in the URL and kept on disk."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.catalog.importing.drafts import Draft, load_draft, save_draft
from core.catalog.importing.spec import ImportSpec
from core.catalog.read.read import preview_table
from core.catalog.shape.validate import Validated
from core.catalog.table import Table
from core.errors import CatalogNotFoundError
from core.store.catalogs import Catalog
from core.work.import_plan import ImportPlan, plan_import
from ui.address import go, read
from ui.errors import shown_errors
from ui.resources import open_workspace

STEPS = ("file", "columns", "check", "pictures", "import")
STEP_NAMES = {
    "file": "File",
    "columns": "Columns",
    "check": "Check",
    "pictures": "Pictures",
    "import": "Import",
}


def drafts_folder() -> Path:
    """Where drafts are kept."""
    return open_workspace().home.drafts


def current_draft() -> Draft | None:
    """The draft that the URL names, None when it names none.

    Raises:
        CatalogFileError: It is not there any more.
    """
    draft_id = read("draft")
    return load_draft(draft_id, drafts_folder()) if draft_id else None


def current_step() -> str:
    """The step that the URL names."""
    return read("step") if read("step") in STEPS else STEPS[0]


def keep(draft: Draft) -> None:
    """Write the draft and name it in the URL."""
    save_draft(draft, drafts_folder())
    go(draft=draft.id)


def go_to(step: str) -> None:
    """Turn to a step; a callback."""
    go(step="" if step == STEPS[0] else step)


def forget() -> None:
    """Start with a new file; a callback."""
    go(draft="", step="", job="")
    st.session_state["upload-round"] = st.session_state.get("upload-round", 0) + 1


def draw_steps(step: str) -> None:
    """Where the person is on the way."""
    at = STEPS.index(step)
    words = [
        f"**{number}. {STEP_NAMES[name]}**" if number - 1 == at else f":gray[{number}. {STEP_NAMES[name]}]"
        for number, name in enumerate(STEPS, start=1)
    ]
    st.markdown("  ›  ".join(words))


def draw_moves(step: str, *, can_go_on: bool = True, on_leave: Callable[[], bool] | None = None) -> None:
    """The buttons to the step before and the step after.

    Args:
        step: Where the person is.
        can_go_on: Whether there is a way on.
        on_leave: Called before either; where it returns False, the person stays although they wanted to go on.
    """
    at = STEPS.index(step)
    with st.container(horizontal=True, width="content", key="moves"):
        if at:
            back = (STEPS[at - 1], on_leave, True)
            st.button("Back", key="back", icon=":material/arrow_back:", on_click=_move, args=back)
        if at + 1 < len(STEPS):
            on = (STEPS[at + 1], on_leave, False)
            st.button("Continue", key="continue", type="primary", disabled=not can_go_on, on_click=_move, args=on)


@shown_errors()
def _move(step: str, on_leave: Callable[[], bool] | None, anyway: bool) -> None:
    if on_leave is None or on_leave() or anyway:
        go_to(step)


@st.cache_resource(show_spinner="Reading the file …", max_entries=4)
def _read_whole(_spec: ImportSpec, key: str) -> Table:
    del key  # names the file and its options in the cache
    return _spec.read()


def read_whole(spec: ImportSpec) -> Table:
    """The whole table of a recipe, read once however its mapping and corrections change."""
    return _read_whole(spec, f"{spec.table}-{spec.options}")


def find_catalog(name: str) -> Catalog | None:
    """The catalogue of that name, None when the import will make it."""
    try:
        return open_workspace().catalogs.find(name)
    except CatalogNotFoundError:
        return None


def find_updated(spec: ImportSpec) -> str:
    """The catalogue that a file without titles updates, which is the one that knows most of its ids; "" for none."""
    targets = spec.mapping.targets.values()
    if "title" in targets or "id" not in targets:
        return ""
    table = preview_table(spec.table, spec.options)
    place = table.columns.index(spec.mapping.find_columns("id")[0])
    ids = {row.cells[place] for row in table.rows if place < len(row.cells)}
    workspace = open_workspace()
    known = {one.name: len(ids & workspace.items.content_hashes(one.id).keys()) for one in workspace.catalogs.list()}
    best = max(known, key=lambda name: known[name], default="")
    return best if best and known[best] else ""


@st.cache_resource(show_spinner="Checking every row …", max_entries=4)
def check_all(_spec: ImportSpec, key: str) -> Validated:
    """All items and problems of a recipe."""
    del key  # names the recipe in the cache
    return _spec.build(read_whole(_spec))


@st.cache_data(show_spinner="Comparing with the catalogue …", max_entries=4)
def plan_all(_spec: ImportSpec, key: str, catalog_id: int, revision: int) -> ImportPlan:
    """What the import of a recipe will do to the catalogue, whose id and revision name it in the cache.

    Raises:
        WishlightError: It would do nothing, or cannot be done.
    """
    del catalog_id, revision
    return plan_import(open_workspace(), _spec, check_all(_spec, key), find_catalog(_spec.catalog))
