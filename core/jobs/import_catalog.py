"""The import itself: pictures first, then one transaction a chunk with rows, embeddings and the chunk's state together.

Killed at any moment, what was acknowledged stays, and the next run goes on at the next chunk.
"""

import itertools
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from core.catalog.archive import Archive
from core.catalog.fetch import PictureFetcher
from core.catalog.importing import ImportSpec
from core.catalog.picture_sources import PictureFolder, PictureSources
from core.catalog.picture_store import PictureImporter
from core.catalog.schema import DATA, shorten_reference
from core.catalog.validate import ParsedItem
from core.encode.encoder import Encoder
from core.errors import CatalogNotFoundError, PictureError, StoreError
from core.jobs.activate import embed_new_items
from core.jobs.encoding import encode_missing, store_embeddings
from core.jobs.import_report import ImportReport, ImportState, build_report, load_state, note_picture, save_state
from core.jobs.progress import Progress, silent
from core.store.catalogs import Catalog
from core.store.items import PictureLink
from core.workspace import Workspace

_log = logging.getLogger(__name__)
CHUNK = 400
_NO_PICTURE_YET = frozenset({"no_folder", "not_fetched", "missing", "unreachable", "http_error", "too_slow"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """Rows whose pictures are stored: items to write with their pictures, and the counts of the rest."""

    rows: int
    writes: Sequence[tuple[ParsedItem, tuple[PictureLink, ...]]]
    created: int
    updated: int
    skipped: int


def run_import(
    workspace: Workspace, spec: ImportSpec, *, progress: Progress = silent, import_id: str = ""
) -> ImportReport:
    """Import a catalogue file to its end, or on from where a run with the same id stopped.

    Args:
        workspace: The data folder.
        spec: The recipe.
        progress: Called between units.
        import_id: Names the run; "" starts a new one.

    Raises:
        CatalogFileError: The file cannot be read.
        MappingError: The mapping does not fit the file.
        ArchiveError: The ZIP file cannot be read.
        BackboneError: The backbone cannot be loaded.
        StoreError: The catalogue is served by another backbone.
        CancelledError: A person stopped it; what was done stays.
    """
    started = time.monotonic()
    progress("Reading the file", 0, 0)
    validated = spec.build()
    progress("Loading the image-text model", 0, 0)
    catalog = open_catalog(workspace, spec)
    encoder = workspace.encoder(catalog.backbone)
    state = load_state(workspace, catalog, import_id, spec.key())
    before = state.seconds
    total = len(validated.items)
    with ExitStack() as stack:
        reader = _Reader(workspace, spec, catalog, stack, progress, total)
        chunks = range(state.rows_done, total, CHUNK)
        ahead = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="pictures"))
        reading = [ahead.submit(reader.read, validated.items[at : at + CHUNK], at) for at in chunks[:1]]
        stack.callback(reader.stop)
        for at in chunks:
            chunk = reading.pop().result()
            if at + CHUNK < total:
                reading.append(ahead.submit(reader.read, validated.items[at + CHUNK : at + 2 * CHUNK], at + CHUNK))
            _encode_and_write(workspace, catalog, encoder, chunk, state, import_id, before + time.monotonic() - started)
        progress("Importing items", total, total)
    embed_new_items(workspace, workspace.catalogs.find(catalog.name), progress)
    progress("Writing the index", 0, 0)
    workspace.suggester.prepare(workspace.catalogs.find(catalog.name))
    state.seconds = before + time.monotonic() - started
    save_state(workspace, state, import_id, finished=True)
    return build_report(catalog.name, state, validated.problems)


def open_catalog(workspace: Workspace, spec: ImportSpec) -> Catalog:
    """The catalogue that an import writes to, made when missing.

    Raises:
        StoreError: It is served by another backbone than the recipe names.
    """
    try:
        catalog = workspace.catalogs.find(spec.catalog)
    except CatalogNotFoundError:
        workspace.encoder(spec.backbone)
        return workspace.catalogs.ensure(spec.catalog, domain=spec.domain, backbone=spec.backbone)
    if spec.backbone and catalog.backbone != spec.backbone:
        raise StoreError(
            f"“{catalog.name}” is served by the backbone “{catalog.backbone}”. Import without naming another one, "
            "then switch the catalogue on the Catalogues page."
        )
    return catalog


class _Reader:
    """Stores the pictures of the next chunk while the one before is encoded."""

    def __init__(
        self, workspace: Workspace, spec: ImportSpec, catalog: Catalog, stack: ExitStack, progress: Progress, total: int
    ) -> None:
        archive = stack.enter_context(Archive(spec.archive)) if spec.archive else None
        folder = PictureFolder(spec.folder) if spec.folder else None
        fetcher = stack.enter_context(PictureFetcher()) if spec.fetch else None
        self._sources = PictureSources(folder=folder, archive=archive, near=spec.near, fetcher=fetcher)
        self._importer = stack.enter_context(PictureImporter(workspace.pictures))
        self._items = workspace.items
        self._catalog = catalog
        self._progress = progress
        self._total = total
        self._known = workspace.items.content_hashes(catalog.id)
        self._stopped = False

    def stop(self) -> None:
        """Give up at the next picture."""
        self._stopped = True

    def read(self, rows: Sequence[ParsedItem], start: int) -> _Chunk:
        """Decide on every row and store the pictures of those that are written.

        Raises:
            CancelledError: A person stopped the import.
        """
        self._progress("Importing items", start, self._total)
        links = self._items.picture_links(self._catalog.id, [parsed.item.item_id for parsed in rows])
        same = {p.item.item_id for p in rows if self._known.get(p.item.item_id) == p.item.content_hash()}
        wanted = [p for p in rows if p.item.item_id not in same or _can_improve(links.get(p.item.item_id, ()))]
        stored = self._store_pictures(wanted, links, start, len(rows))
        writes = []
        for parsed in wanted:
            new = tuple(stored[source] for source in parsed.item.pictures)
            if parsed.item.item_id not in same or new != links.get(parsed.item.item_id, ()):
                writes.append((parsed, new))
        created = sum(parsed.item.item_id not in self._known for parsed, _ in writes)
        return _Chunk(
            rows=len(rows),
            writes=writes,
            created=created,
            updated=len(writes) - created,
            skipped=len(rows) - len(writes),
        )

    def _store_pictures(
        self, wanted: Sequence[ParsedItem], links: dict[str, tuple[PictureLink, ...]], start: int, rows: int
    ) -> dict[str, PictureLink]:
        """Reference to its link; what was fetched, or stood in the cell, before is not read again."""
        stored: dict[str, PictureLink] = {}
        loaders: dict[str, Callable[[], bytes]] = {}
        for parsed in wanted:
            fetched = {link.source: link for link in links.get(parsed.item.item_id, ()) if link.picture}
            for source in parsed.item.pictures:
                known = fetched.get(shorten_reference(source))
                if known is not None and ("://" in source or source.startswith(DATA)):
                    stored[source] = known
                else:
                    loaders[source] = partial(self._load, source)
        finished = itertools.count(1)

        def on_each() -> None:
            self._progress("Importing items", start + rows * next(finished) // len(loaders), self._total)

        for source, result in self._importer.add(loaders, on_each=on_each).items():
            if isinstance(result, PictureError):
                short = shorten_reference(source)
                stored[source] = PictureLink(source=short, picture=None, code=result.code, message=str(result))
            else:
                stored[source] = PictureLink(source=shorten_reference(source), picture=result)
        return stored

    def _load(self, source: str) -> bytes:
        if self._stopped:
            raise PictureError("stopped", "The import was stopped before this picture.")
        return self._sources.read(source)


def _can_improve(links: Sequence[PictureLink]) -> bool:
    """Whether a picture failed for a reason that another try, folder or ZIP could mend."""
    return any(link.picture is None and link.code in _NO_PICTURE_YET for link in links)


def _encode_and_write(
    workspace: Workspace,
    catalog: Catalog,
    encoder: Encoder,
    chunk: _Chunk,
    state: ImportState,
    import_id: str,
    seconds: float,
) -> None:
    pictures = [link.picture for _, links in chunk.writes for link in links if link.picture]
    texts, encoded = encode_missing(workspace, encoder, [parsed.item for parsed, _ in chunk.writes], pictures)
    _count(state, chunk, seconds)
    with workspace.database.transaction():
        store_embeddings(workspace, encoder, texts, encoded)
        if chunk.writes:
            workspace.items.upsert(catalog.id, [(parsed.item, links) for parsed, links in chunk.writes])
        save_state(workspace, state, import_id)


def _count(state: ImportState, chunk: _Chunk, seconds: float) -> None:
    state.rows_done += chunk.rows
    state.created += chunk.created
    state.updated += chunk.updated
    state.skipped += chunk.skipped
    state.seconds = seconds
    for parsed, links in chunk.writes:
        for link in links:
            note_picture(state, parsed.row, link)
