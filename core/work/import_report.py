"""What an import did, and its state: written with every chunk, so that the next run goes on from there."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.catalog.schema import Problem
from core.store.catalogs import Catalog
from core.store.items import PictureLink
from core.workspace import Workspace

MAX_LISTED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    Attributes:
        catalog: Name of the catalogue.
        created: Items that are new.
        updated: Items that changed.
        skipped: Items that were there already.
        rejected: One record a problem that rejected a row, at most `MAX_LISTED`.
        warnings: One record a lesser problem, at most `MAX_LISTED`.
        pictures_ok: Pictures stored or found.
        pictures_failed: Pictures that could not be used.
        picture_problems: One record a picture that could not be used, at most `MAX_LISTED`.
        untouched: Fields and attributes that known items have and that the file has no column for; they stayed.
        absent: Items of the catalogue that the file does not name; they stayed.
        seconds: Wall time, over all runs of this import.
    """

    catalog: str
    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    pictures_ok: int = 0
    pictures_failed: int = 0
    picture_problems: tuple[Problem, ...] = ()
    untouched: tuple[str, ...] = ()
    absent: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "catalog": self.catalog,
            "created": self.created,
            "updated": self.updated,
            "skipped": self.skipped,
            "rejected": [asdict(problem) for problem in self.rejected],
            "warnings": [asdict(problem) for problem in self.warnings],
            "pictures": {"ok": self.pictures_ok, "failed": self.pictures_failed},
            "picture_problems": [asdict(problem) for problem in self.picture_problems],
            "untouched": list(self.untouched),
            "absent": self.absent,
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True, kw_only=True)
class ImportState:
    """Counts so far; written with every chunk.

    Attributes:
        rows_done: Items of the file that are behind us.
        created: Items that were new.
        updated: Items that changed.
        skipped: Items that were there already.
        pictures_ok: Pictures stored or found.
        pictures_failed: Pictures that could not be used.
        seconds: Wall time, over all runs.
        picture_problems: One record a picture that could not be used, at most `MAX_LISTED`.
        rejected: One record a row that could be read and not be used, at most `MAX_LISTED`.
        untouched: Fields and attributes that the file has no column for.
    """

    rows_done: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    pictures_ok: int = 0
    pictures_failed: int = 0
    seconds: float = 0.0
    picture_problems: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    untouched: list[str] = field(default_factory=list)


def note_picture(state: ImportState, row: int, link: PictureLink) -> None:
    """Count one picture, and list it when it could not be used."""
    if link.picture:
        state.pictures_ok += 1
        return
    state.pictures_failed += 1
    if len(state.picture_problems) < MAX_LISTED:
        problem = Problem(
            row=row,
            field="pictures",
            code=link.code,
            value=link.source[:200],
            message=link.message,
            severity="warning",
        )
        state.picture_problems.append(asdict(problem))


def load_state(workspace: Workspace, catalog: Catalog, import_id: str, key: str) -> ImportState:
    """The state of the run of that id; a new one starts at nothing, and one without an id is not kept.

    A run whose recipe is another one by now, as after an update of the program, starts at nothing too: its rows may be
    counted in another way, and those that are written already are passed over.
    """
    if not import_id:
        return ImportState()
    found = workspace.imports.begin(import_id, catalog.id, key)
    return ImportState(**found) if found else ImportState()


def save_state(workspace: Workspace, state: ImportState, import_id: str, *, finished: bool = False) -> None:
    """Write the state; part of the caller's transaction when one is open."""
    if import_id:
        workspace.imports.save(import_id, state.rows_done, asdict(state), finished=finished)


def build_report(catalog: str, state: ImportState, problems: Sequence[Problem], *, absent: int) -> ImportReport:
    """The report of a finished run.

    Args:
        catalog: Name of the catalogue.
        state: The last state.
        problems: What checking the file found.
        absent: Items of the catalogue that the file does not name.
    """
    errors = [problem for problem in problems if problem.severity == "error"]
    errors = sorted(errors + [Problem(**problem) for problem in state.rejected], key=lambda problem: problem.row)
    warnings = [problem for problem in problems if problem.severity == "warning"]
    return ImportReport(
        catalog=catalog,
        created=state.created,
        updated=state.updated,
        skipped=state.skipped,
        rejected=tuple(errors[:MAX_LISTED]),
        warnings=tuple(warnings[:MAX_LISTED]),
        pictures_ok=state.pictures_ok,
        pictures_failed=state.pictures_failed,
        picture_problems=tuple(Problem(**problem) for problem in state.picture_problems),
        untouched=tuple(state.untouched),
        absent=absent,
        seconds=state.seconds,
    )


def tell_unspoken(untouched: Sequence[str], absent: int) -> tuple[str, ...]:
    """Sentences on what a file says nothing of, and so leaves as it is.

    Args:
        untouched: Fields, attributes and codes that it has no column for.
        absent: Items of the catalogue that it does not name.
    """
    said = []
    if untouched:
        said.append(f"The file has no column for these, and they stay as they are: {', '.join(untouched)}.")
    if absent:
        said.append(f"Items of the catalogue that are not in the file, and stay: {absent:,}.")
    return tuple(said)
