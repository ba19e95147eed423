"""What an import will do, counted before anything is written; the import decides on its rows by the same function."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from core.catalog.importing.decide import Decision, Kind, decide, find_untouched, require_usable
from core.catalog.importing.spec import ImportSpec
from core.catalog.pictures.archive import Archive
from core.catalog.pictures.picture_sources import PictureFolder, PictureSources
from core.catalog.schema import Problem
from core.catalog.shape.validate import ParsedItem, Validated
from core.store.catalogs import Catalog
from core.store.items import PictureLink, StoredItem
from core.workspace import Workspace

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A row, what becomes of it, and what the catalogue held of it.

    Attributes:
        row: What is done, with the item as it will be.
        before: The item as it is, None when it is new.
    """

    row: Decision
    before: StoredItem | None

    @property
    def links(self) -> dict[str, PictureLink]:
        """Reference to the picture that the catalogue holds."""
        return {} if self.before is None else {link.source: link for link in self.before.pictures}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What an import will do.

    Attributes:
        create: Items that are new.
        update: Items that change.
        retry: Items that stay, but pictures that could not be read before are tried again.
        skip: Items that are there already, word for word.
        rejected: Why rows that could be read are left out all the same, one problem a row.
        untouched: Fields and attributes that items of the file have and that it has no column for; they stay.
        absent: Items of the catalogue that the file does not name; they stay.
    """

    create: int = 0
    update: int = 0
    retry: int = 0
    skip: int = 0
    rejected: tuple[Problem, ...] = ()
    untouched: tuple[str, ...] = ()
    absent: int = 0


def plan_import(workspace: Workspace, spec: ImportSpec, validated: Validated, catalog: Catalog | None) -> ImportPlan:
    """Count what `run_import` will do; nothing is written, and nothing is called on the web.

    Args:
        workspace: The data folder.
        spec: The recipe.
        validated: What `spec.build` gave.
        catalog: The catalogue it names, None when it will be new.

    Raises:
        CatalogFileError: The file has no rows, or none that can be used.
        MappingError: No column holds the title, and the catalogue knows none of the ids.
        ArchiveError: The ZIP file cannot be read.
        PictureError: The folder of pictures is not there.
    """
    known = workspace.items.content_hashes(catalog.id) if catalog else {}
    require_usable(validated, known)
    counts: dict[Kind, int] = {}
    rejected: list[Problem] = []
    untouched: dict[str, None] = {}
    with ExitStack() as stack:
        sources = open_sources(spec, stack)
        for start in range(0, len(validated.items), _BATCH):
            decided = decide_rows(workspace, catalog, validated.items[start : start + _BATCH], sources.check)
            untouched |= dict.fromkeys(untouched_fields(decided, validated.fields))
            for one in decided:
                counts[one.row.kind] = counts.get(one.row.kind, 0) + 1
                if one.row.problem is not None:
                    rejected.append(one.row.problem)
    return ImportPlan(
        create=counts.get("create", 0),
        update=counts.get("update", 0),
        retry=counts.get("retry", 0),
        skip=counts.get("skip", 0),
        rejected=tuple(rejected),
        untouched=tuple(untouched),
        absent=count_absent(known, validated),
    )


def open_sources(spec: ImportSpec, stack: ExitStack) -> PictureSources:
    """Where the recipe's pictures come from; closed with the stack.

    Raises:
        ArchiveError: The ZIP file cannot be read.
        PictureError: The folder is not there.
    """
    from core.catalog.pictures.fetch import PictureFetcher

    archive = stack.enter_context(Archive(spec.archive)) if spec.archive else None
    folder = PictureFolder(spec.folder) if spec.folder else None
    fetcher = stack.enter_context(PictureFetcher()) if spec.fetch else None
    return PictureSources(folder=folder, archive=archive, near=spec.near, fetcher=fetcher)


def decide_rows(
    workspace: Workspace, catalog: Catalog | None, rows: Sequence[ParsedItem], check: Callable[[str], str]
) -> tuple[Decided, ...]:
    """What becomes of some rows, by what the catalogue holds now."""
    ids = [parsed.item.item_id for parsed in rows]
    known = workspace.items.find_many(catalog.id, ids) if catalog else {}
    decided = []
    for parsed in rows:
        before = known.get(parsed.item.item_id)
        codes = {} if before is None else {link.source: link.code for link in before.pictures}
        row = decide(parsed, before.item if before else None, codes, check)
        decided.append(Decided(row=row, before=before))
    return tuple(decided)


def untouched_fields(decided: Sequence[Decided], fields: frozenset[str]) -> tuple[str, ...]:
    """What the rows' items have and the file, which speaks of `fields`, has no column for."""
    return find_untouched((one.before.item for one in decided if one.before), fields)


def count_absent(known: dict[str, str], validated: Validated) -> int:
    """How many items of the catalogue the file does not name."""
    return len(known.keys() - {parsed.item.item_id for parsed in validated.items})
