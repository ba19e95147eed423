"""Everything derived, made anew from the database and the stored pictures."""

import logging
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from core.errors import CancelledError, CatalogNotFoundError, PictureError
from core.progress import Progress, silent
from core.store.items import replace_codes
from core.store.word_index import replace_words
from core.work.activate import embed_new_items
from core.work.encode_catalog import EncodeSpec, encode_catalog
from core.workspace import Workspace

_log = logging.getLogger(__name__)
_CHUNK = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildReport:
    """What was made anew.

    Attributes:
        catalogs: Catalogues that were gone through.
        items: Items whose words were indexed.
        thumbnails: Thumbnails that were missing.
    """

    catalogs: int
    items: int
    thumbnails: int

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def rebuild(workspace: Workspace, *, progress: Progress = silent) -> RebuildReport:
    """Make thumbnails, the word index, missing embeddings, vector indexes and calibrations anew.

    Raises:
        BackboneError: A catalogue's backbone cannot be loaded.
    """
    thumbnails = _rebuild_thumbnails(workspace, progress)
    catalogs = workspace.catalogs.list()
    items = 0
    for catalog in catalogs:
        items += _rebuild_words(workspace, catalog.id, catalog.items, progress)
        workspace.serving.drop(catalog.id)
        try:
            encode_catalog(workspace, EncodeSpec(catalog=catalog.name, backbone=catalog.backbone), progress)
            if embed_new_items(workspace, workspace.catalogs.find(catalog.name), progress):
                workspace.serving.write(workspace.catalogs.find(catalog.name))
        except (CancelledError, CatalogNotFoundError):
            if workspace.catalogs.exists(catalog.id):
                raise
            _log.info("%s was deleted meanwhile", catalog.name)
    workspace.words.rebuild()
    return RebuildReport(catalogs=len(catalogs), items=items, thumbnails=thumbnails)


def _rebuild_thumbnails(workspace: Workspace, progress: Progress) -> int:
    made = 0
    pictures = list(workspace.pictures.everything())
    for done, picture in enumerate(pictures, start=1):
        if not workspace.pictures.has(picture):
            try:
                workspace.pictures.rebuild_thumbnail(picture)
                made += 1
            except PictureError:
                continue
        progress("Making thumbnails", done, len(pictures))
    return made


def _rebuild_words(workspace: Workspace, catalog_id: int, total: int, progress: Progress) -> int:
    """Chunk by chunk, each whole: a long transaction would keep everybody else from writing."""
    done = 0
    stored = workspace.items.iterate(catalog_id)
    while chunk := list(islice(stored, _CHUNK)):
        with workspace.database.transaction() as connection:
            for one in workspace.items.fetch([old.id for old in chunk]):  # as they are now, whoever wrote meanwhile
                replace_words(connection, one.id, one.item)
                replace_codes(connection, catalog_id, one.id, one.item)
        done += len(chunk)
        progress("Indexing words", done, total)
    return done
