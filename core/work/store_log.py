"""A log that is stored with a catalogue, for the page and the command line alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import MappingError
from core.interactions.log_file import read_log_file
from core.store.catalogs import Catalog
from core.wording import count_noun
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.interactions.read import ReadLog


def store_log(workspace: Workspace, catalog: Catalog, table: Path, reading: Mapping[str, Any]) -> "ReadLog":
    """Store a log in place of the one that the catalogue had.

    Args:
        workspace: The data folder.
        catalog: Whose log it becomes.
        table: A plain table file.
        reading: How to read it, as `core.interactions.log_file.LogFile.reading`.

    Raises:
        CatalogFileError: The file cannot be read.
        MappingError: No row can be used; the log that the catalogue had stays.
        StoreError: The catalogue is gone, or the database cannot be written.
    """
    item_ids = tuple(workspace.items.content_hashes(catalog.id))
    try:
        found = read_log_file(table, reading, item_ids)
    except MappingError as exc:
        stored = workspace.interactions.count(catalog.id)
        raise MappingError(
            f"{exc} What was stored before stays ({count_noun(stored, 'event')})." if stored else str(exc)
        ) from exc
    workspace.interactions.replace(catalog.id, found.log, kind=found.kind, unknown_events=found.unknown_events)
    return found
