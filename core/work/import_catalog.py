"""The import itself: pictures first, then one transaction a chunk with rows, embeddings and the chunk's state together.

Killed at any moment, what was acknowledged stays, and the next run goes on at the next chunk.
"""

import itertools
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial

from core.catalog.importing.decide import Decision, require_usable, should_read
from core.catalog.importing.spec import ImportSpec
from core.catalog.pictures.picture_store import PictureImporter
from core.catalog.schema import shorten_reference
from core.catalog.shape.validate import ParsedItem, Validated
from core.encode.encoder import Encoder
from core.errors import CatalogNotFoundError, PictureError, StoreError
from core.progress import Progress, silent
from core.store.catalogs import Catalog
from core.store.items import PictureLink, StoredItem
from core.work.activate import embed_new_items
from core.work.bound import bound_to
from core.work.encode_catalog import encode_missing, find_missing, store_embeddings
from core.work.import_plan import Decided, count_absent, decide_rows, open_sources, untouched_fields
from core.work.import_report import (
    MAX_LISTED,
    ImportReport,
    ImportState,
    build_report,
    load_state,
    note_picture,
    save_state,
)
from core.workspace import Workspace

_log = logging.getLogger(__name__)
CHUNK = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """An item to write with its pictures, and those of them that could not be read now and stay as they were."""

    row: Decision
    links: tuple[PictureLink, ...]
    failed: tuple[PictureLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """Rows that are decided, and the items to write, whose pictures are stored."""

    decided: Sequence[Decided]
    writes: Sequence[_Write]


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
        CatalogFileError: The file cannot be read, or nothing in it can be used.
        MappingError: The mapping does not fit the file, or the catalogue.
        ArchiveError: The ZIP file cannot be read.
        PictureError: The folder of pictures is not there.
        BackboneError: The backbone cannot be loaded.
        StoreError: The catalogue is served by another backbone.
        CancelledError: A person stopped it; what was done stays.
    """
    started = time.monotonic()
    progress("Reading the file", 0, 0)
    validated = spec.build()
    require_usable(validated, _known_ids(workspace, spec))
    progress("Loading the image-text model", 0, 0)
    catalog = open_catalog(workspace, spec)
    with bound_to(workspace, catalog, "", progress) as told:
        return _import_rows(workspace, spec, catalog, validated, told, import_id, started)


def _import_rows(
    workspace: Workspace,
    spec: ImportSpec,
    catalog: Catalog,
    validated: Validated,
    progress: Progress,
    import_id: str,
    started: float,
) -> ImportReport:
    """Import chunk by chunk; the next one's pictures are read meanwhile."""
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
            chunk, ours = reading.pop().result(), validated.items[at : at + CHUNK]
            if at + CHUNK < total:
                reading.append(ahead.submit(reader.read, validated.items[at + CHUNK : at + 2 * CHUNK], at + CHUNK))
            untouched = untouched_fields(chunk.decided, validated.fields)
            state.untouched = list(dict.fromkeys((*state.untouched, *untouched)))
            seconds = before + time.monotonic() - started
            gone: frozenset[str] = frozenset()
            while more := _encode_and_write(workspace, catalog, encoder, chunk, state, import_id, seconds, gone):
                chunk, gone = reader.read(ours, at), gone | more
        progress("Importing items", total, total)
    embed_new_items(workspace, workspace.catalogs.find(catalog.name), progress)
    progress("Writing the index", 0, 0)
    workspace.serving.write(workspace.catalogs.find(catalog.name))
    state.seconds = before + time.monotonic() - started
    save_state(workspace, state, import_id, finished=True)
    absent = count_absent(workspace.items.content_hashes(catalog.id), validated)
    return build_report(catalog.name, state, validated.problems, absent=absent)


def _known_ids(workspace: Workspace, spec: ImportSpec) -> Collection[str]:
    try:
        return workspace.items.content_hashes(workspace.catalogs.find(spec.catalog).id)
    except CatalogNotFoundError:
        return ()


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
    """Decides on the next chunk and stores its pictures while the one before is encoded."""

    def __init__(
        self, workspace: Workspace, spec: ImportSpec, catalog: Catalog, stack: ExitStack, progress: Progress, total: int
    ) -> None:
        self._sources = open_sources(spec, stack)
        self._importer = stack.enter_context(PictureImporter(workspace.pictures))
        self._workspace = workspace
        self._catalog = catalog
        self._progress = progress
        self._total = total
        self._stopped = False

    def stop(self) -> None:
        """Give up at the next picture."""
        self._stopped = True

    def read(self, rows: Sequence[ParsedItem], start: int) -> _Chunk:
        """Decide on every row and store the pictures of those that are written.

        Raises:
            CancelledError: A person stopped the import.
            StoreError: A picture could not be written.
        """
        self._progress("Importing items", start, self._total)
        decided = decide_rows(self._workspace, self._catalog, rows, self._sources.check)
        fresh = self._store_pictures(decided, start, len(rows))
        writes = []
        for one in decided:
            links = one.links
            new = tuple(
                _choose(links.get(shorten_reference(source)), fresh.get(source))
                for source in one.row.parsed.item.pictures
            )
            is_changed = one.row.kind == "retry" and one.before is not None and new != one.before.pictures
            if one.row.kind in ("create", "update") or is_changed:
                writes.append(_Write(row=one.row, links=new, failed=_find_kept(links, fresh, new)))
        return _Chunk(decided=decided, writes=writes)

    def _store_pictures(self, decided: Sequence[Decided], start: int, rows: int) -> dict[str, PictureLink]:
        """Reference to its link, for the pictures that are read."""
        loaders: dict[str, Callable[[], bytes]] = {}
        for one in decided:
            if one.row.kind not in ("skip", "reject"):
                codes = {source: link.code for source, link in one.links.items()}
                for source in one.row.parsed.item.pictures:
                    if should_read(source, codes, self._sources.check):
                        loaders[source] = partial(self._load, source)
        finished = itertools.count(1)

        def on_each() -> None:
            self._progress("Importing items", start + rows * next(finished) // len(loaders), self._total)

        stored: dict[str, PictureLink] = {}
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


def _choose(known: PictureLink | None, fresh: PictureLink | None) -> PictureLink:
    """What was read now, unless only what was read before is a picture.

    Raises:
        ValueError: There is neither.
    """
    if known is not None and (fresh is None or (known.picture and not fresh.picture)):
        return known
    if fresh is None:
        raise ValueError("the picture was neither read nor known")
    return fresh


def _find_kept(
    known: Mapping[str, PictureLink], fresh: Mapping[str, PictureLink], chosen: Sequence[PictureLink]
) -> tuple[PictureLink, ...]:
    """Pictures that could not be read now and stay as they were, with the reason."""
    return tuple(
        replace(fresh[link.source], message=f"{fresh[link.source].message} The picture stored before stays.")
        for link in chosen
        if link.picture and known.get(link.source) == link and not fresh.get(link.source, link).picture
    )


def _encode_and_write(
    workspace: Workspace,
    catalog: Catalog,
    encoder: Encoder,
    chunk: _Chunk,
    state: ImportState,
    import_id: str,
    seconds: float,
    known: frozenset[str],
) -> frozenset[str]:
    """Write a chunk, unless a deletion took what it shares; hashes of that, but for those that are known to be gone."""
    items = [
        StoredItem(id=0, catalog_id=catalog.id, item=write.row.parsed.item, pictures=write.links)
        for write in chunk.writes
    ]
    lacking = find_missing(workspace, encoder, items)
    encoded = encode_missing(workspace, encoder, items)
    with workspace.database.transaction():
        swept = find_missing(workspace, encoder, items) - lacking
        shown = {picture for one in items for picture in one.usable_pictures}
        if gone := (swept | {one for one in shown if not workspace.pictures.has(one)}) - known:
            return gone
        if workspace.catalogs.find(catalog.name).backbone != catalog.backbone:  # with it these would not be found
            raise StoreError(
                f"“{catalog.name}” was switched to another model meanwhile, so the rest was not imported. Start the "
                "import again: what is there already is passed over."
            )
        store_embeddings(workspace, encoded)
        writes = [(write.row.parsed.item, write.links) for write in chunk.writes]
        created = workspace.items.upsert(catalog.id, writes) if writes else frozenset()
        _count(state, chunk, len(created), seconds)
        save_state(workspace, state, import_id)
    return frozenset()


def _count(state: ImportState, chunk: _Chunk, created: int, seconds: float) -> None:
    rejected = [one.row.problem for one in chunk.decided if one.row.problem is not None]
    state.rows_done += len(chunk.decided)
    state.created += created
    state.updated += len(chunk.writes) - created
    state.skipped += len(chunk.decided) - len(chunk.writes) - len(rejected)
    state.seconds = seconds
    state.rejected += [asdict(problem) for problem in rejected[: MAX_LISTED - len(state.rejected)]]
    for write in chunk.writes:
        parsed = write.row.parsed
        if "pictures" in parsed.fields or write.row.kind != "update":
            for link in (*write.links, *write.failed):
                note_picture(state, parsed.row, link)
