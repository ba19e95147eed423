"""Step 4: where the pictures are that the cells name."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import streamlit as st

from core.catalog.importing.drafts import Draft
from core.catalog.importing.spec import ImportSpec
from core.catalog.pictures.archive import Archive
from core.catalog.pictures.picture_sources import PictureFolder, PictureSources
from core.catalog.read.intake import save_pictures, save_upload
from core.catalog.schema import DATA
from core.errors import PictureError
from core.wording import count_noun
from ui import visitor
from ui.importing.state import check_all, draw_moves, keep
from ui.resources import open_workspace
from ui.text import escape_markdown

#: So many are looked for at each visit of this step.
_TRIED = 5_000
_PICTURE_TYPES = ["zip", "jpg", "jpeg", "png", "webp", "gif", "bmp", "avif", "tif", "tiff"]


def draw_pictures(draft: Draft) -> None:
    """What the file names, and where it is to be found."""
    spec = draft.spec
    validated = check_all(spec, spec.key())
    references = [reference for parsed in validated.items for reference in parsed.item.pictures]
    web = [reference for reference in references if "://" in reference]
    local = [reference for reference in references if "://" not in reference and not reference.startswith(DATA)]
    if not references:
        st.info("No column holds pictures. The items are found by their words.", icon=":material/image_not_supported:")
    if local:
        st.markdown(f"The file names **{count_noun(len(local), 'picture file')}**.")
        spec = _draw_local(draft, spec)
        _draw_trial(spec, local)
    if web:
        st.markdown(f"The file names **{count_noun(len(web), 'picture')}** on the web.")
        fetch = st.toggle("Fetch them", spec.fetch, key=f"fetch-{draft.id}", help="Only public addresses are called.")
        spec = replace(spec, fetch=fetch)
    if spec != draft.spec:
        keep(replace(draft, spec=spec))
    draw_moves("pictures")


def _draw_local(draft: Draft, spec: ImportSpec) -> ImportSpec:
    if spec.archive is not None:
        st.caption("Pictures are taken from the ZIP file. Others can be added here.")
    uploads = st.file_uploader(
        "A ZIP with the pictures, or the picture files",
        type=_PICTURE_TYPES,
        accept_multiple_files=True,
        key=f"pictures-{draft.id}",
    )
    folder = _draw_folder(draft, spec) if visitor.is_owner() else str(spec.folder or "")
    home = open_workspace().home.uploads
    zips = [upload for upload in uploads if upload.name.lower().endswith(".zip")]
    singles = [(upload.name, upload) for upload in uploads if upload not in zips]
    if zips:
        spec = replace(spec, archive=save_upload(zips[0], zips[0].name, home), near="")
    if singles:
        return replace(spec, folder=save_pictures(singles, home / f"pictures-{draft.id}"))
    return replace(spec, folder=Path(folder.strip()).expanduser() if folder.strip() else None)


def _draw_folder(draft: Draft, spec: ImportSpec) -> str:
    return st.text_input(
        "or a folder on this computer",
        "" if spec.folder is None else str(spec.folder),
        key=f"folder-{draft.id}",
        placeholder="/home/me/pictures",
        help="The folder that the paths in the file start from. Nothing outside it is opened.",
    )


def _draw_trial(spec: ImportSpec, references: Sequence[str]) -> None:
    """Look for the files, so that a wrong folder is seen before the import."""
    if spec.folder is None and spec.archive is None:
        st.warning("Without the files the items come in without pictures; they can be added later.")
        return
    wanted = list(dict.fromkeys(references))
    tried = wanted[:_TRIED]
    with ExitStack() as stack:
        archive = None if spec.archive is None else stack.enter_context(Archive(spec.archive))
        folder = None if spec.folder is None else PictureFolder(spec.folder)
        sources = PictureSources(folder=folder, archive=archive, near=spec.near)
        missing = [reference for reference in tried if sources.check(reference)]
        reason = _find_reason(sources, missing[0]) if missing else ""
    first = "" if len(tried) == len(wanted) else "first "
    message = f"{len(tried) - len(missing):,} of the {first}{count_noun(len(tried), 'picture')} found."
    if missing:
        st.warning(f"{message} {escape_markdown(reason)}", icon=":material/warning:")
    else:
        st.success(message, icon=":material/check_circle:")


def _find_reason(sources: PictureSources, reference: str) -> str:
    try:
        sources.read(reference)
    except PictureError as exc:
        return str(exc)
    return ""
