"""A catalogue file with its columns settled, as the command line and the library import it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.catalog.importing.spec import ImportSpec
from core.catalog.read.choices import FileChoices, OpenedFile, open_file
from core.catalog.read.read import preview_table
from core.catalog.shape.domains import guess_domain
from core.catalog.shape.mapping import apply_overrides
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.catalog.shape.used_columns import UsedColumns, find_used_columns
from core.encode.registry import EMBEDDED
from core.errors import CatalogNotFoundError
from core.progress import Progress, silent
from core.work.import_catalog import run_import
from core.work.import_report import ImportReport
from core.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedImport:
    """An import that is ready to run.

    Attributes:
        spec: Its recipe.
        file: The file, and how it is read.
        columns: Which column fills what, as a person wants to see it.
    """

    spec: ImportSpec
    file: OpenedFile
    columns: UsedColumns


def open_import(
    workspace: Workspace,
    path: Path,
    name: str,
    *,
    images: Path | None = None,
    choices: FileChoices | None = None,
    overrides: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    accept_suggestions: bool = True,
) -> OpenedImport:
    """Find out how a catalogue file is imported, without importing it.

    Args:
        workspace: The data folder.
        path: A table file, or a ZIP file with one.
        name: Of the catalogue to write to; a new one gets the embedded backbone.
        images: Folder or ZIP file with the pictures; None for those beside the table in its own ZIP file.
        choices: What a person says about the file.
        overrides: As of `apply_overrides`.
        accept_suggestions: Whether columns are used that only look like it.

    Raises:
        CatalogFileError: The file cannot be read as a table, or a choice does not fit it.
        ArchiveError: The ZIP file cannot be read.
        MappingError: An override names an unknown target or column.
    """
    opened = open_file(path, workspace.home.uploads, choices or FileChoices())
    preview = preview_table(opened.staged.table, opened.options)
    backbone, holds_items = _find_known(workspace, name)
    suggested = suggest_mapping(preview.columns, preview.rows, all_new=not holds_items)
    asked = list(overrides.items() if isinstance(overrides, Mapping) else overrides)
    mapping = apply_overrides(suggested.build(accept_suggestions=accept_suggestions), asked, preview.columns)
    zipped = images if images is not None and images.is_file() else None
    spec = ImportSpec(
        catalog=name,
        backbone=backbone,
        table=opened.staged.table,
        options=opened.options,
        mapping=mapping,
        domain=guess_domain(preview.columns, preview.rows),
        archive=zipped or opened.staged.archive,
        near="" if zipped else opened.staged.near,
        folder=None if zipped else images,
    )
    columns = find_used_columns(suggested.columns, mapping.targets, [column for _, column in asked])
    return OpenedImport(spec=spec, file=opened, columns=columns)


def import_opened(workspace: Workspace, opened: OpenedImport, *, progress: Progress = silent) -> ImportReport:
    """Run it to its end; what was taken out of a person's own ZIP file for it goes again.

    Raises:
        WishlightError: See `run_import`.
    """
    try:
        return run_import(workspace, opened.spec, progress=progress)
    finally:
        if opened.file.staged.archive is not None:
            workspace.sweep.drop_upload(opened.file.staged.table)


def _find_known(workspace: Workspace, name: str) -> tuple[str, bool]:
    """The backbone of a catalogue, and whether it holds items."""
    try:
        catalog = workspace.catalogs.find(name)
    except CatalogNotFoundError:
        return EMBEDDED, False
    return catalog.backbone, catalog.items > 0
