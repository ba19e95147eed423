"""An import that a person is still preparing, kept on disk so that a reload loses nothing."""

import json
import re
import uuid
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from core.catalog.importing.spec import ImportSpec
from core.catalog.read.intake import Staged
from core.catalog.read.read import detect, preview_table
from core.catalog.shape.domains import guess_domain
from core.catalog.shape.mapping import ColumnMapping
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.catalog.table import ReadOptions
from core.errors import CatalogFileError
from core.files import written_whole

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A prepared import.

    Attributes:
        id: Names it in the URL.
        file_name: As the person knows the file.
        spec: The recipe so far.
    """

    id: str
    file_name: str
    spec: ImportSpec


def start_draft(staged: Staged, *, backbone: str) -> Draft:
    """Detect how to read a file and what its columns are.

    Raises:
        CatalogFileError: The file cannot be read as a table.
    """
    options = detect(staged.table).options
    spec = ImportSpec(
        catalog=_name_from_file(staged.name),
        backbone=backbone,
        table=staged.table,
        options=options,
        mapping=ColumnMapping(targets={}),
        archive=staged.archive,
        near=staged.near,
    )
    return with_options(Draft(id=uuid.uuid4().hex, file_name=staged.name, spec=spec), options)


def with_options(draft: Draft, options: ReadOptions) -> Draft:
    """The draft read in another way; mapping, domain and corrections start anew.

    Raises:
        CatalogFileError: The file cannot be read in this way.
    """
    preview = preview_table(draft.spec.table, options)
    spec = replace(
        draft.spec,
        options=options,
        mapping=suggest_mapping(preview.columns, preview.rows).build(),
        domain=guess_domain(preview.columns, preview.rows),
        edits={},
    )
    return replace(draft, spec=spec)


def save_draft(draft: Draft, folder: Path) -> None:
    """Write it, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"file_name": draft.file_name, "spec": draft.spec.to_json()})
    with written_whole(_path(folder, draft.id), flush=False) as temporary:
        temporary.write_text(text, encoding="utf-8")


def load_draft(draft_id: str, folder: Path) -> Draft:
    """Read it.

    Raises:
        CatalogFileError: It is not there any more, or damaged.
    """
    try:
        data = json.loads(_path(folder, draft_id).read_text(encoding="utf-8"))
        return Draft(id=draft_id, file_name=data["file_name"], spec=ImportSpec.from_json(data["spec"]))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise CatalogFileError("This import is not here any more. Upload the file again.") from exc


def _path(folder: Path, draft_id: str) -> Path:
    if not _ID.fullmatch(draft_id):
        raise ValueError(f"{draft_id!r} is not a draft's id")
    return folder / f"{draft_id}.json"


def _name_from_file(name: str) -> str:
    stem = PurePosixPath(name.replace("\\", "/")).name.split(".")[0]
    return re.sub(r"[\s_-]+", " ", stem).strip().capitalize()[:80] or "My catalogue"
