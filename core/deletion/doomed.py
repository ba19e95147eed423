"""What a deletion takes with it, found by who refers to what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from core.deletion.goes import Goes
from core.deletion.kept_files import KeptFile, find_uploads, list_drafts, list_log_uploads, list_runs, name_upload
from core.errors import JobError, TrainError
from core.home import Home
from core.kept import fold_name
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.expectations import Expectations
from core.store.interactions import Interactions
from core.store.references import JobRow, References
from core.store.versions import Version, Versions

Kind = Literal["catalog", "log", "version", "run"]
#: A draft that was touched since is being filled.
DRAFT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """A thing that is to be deleted, with all that only it refers to.

    Attributes:
        kind: Of the thing.
        id: Of the catalogue (also for its log), the version, or the run, which is that of its job.
        goes: What goes with it, for people.
        paths: Files and folders that go with it, unless something else refers to them by then.
    """

    kind: Kind
    id: str
    goes: Goes
    paths: tuple[Path, ...]


class Finder:
    """Finds what goes with a thing.

    Args:
        home: The data folder.
        database: Of it.
        count_needs: Number of pictures that somebody looked with.
    """

    def __init__(self, home: Home, database: Database, count_needs: Callable[[], int]) -> None:
        self._home, self._count_needs = home, count_needs
        self._references = References(database)
        self._catalogs, self._versions = Catalogs(database), Versions(database)
        self._interactions, self._expectations = Interactions(database), Expectations(database)

    def of_catalog(self, catalog: Catalog) -> Doomed:
        """A catalogue with everything that only it refers to."""
        ids = self._references.jobs_of(catalog.id)
        jobs = {one.id: one for one in self._references.jobs()}
        own = [jobs[one] for one in ids if one in jobs]
        runs = [one for one in list_runs(self._home) if self._is_run_of(one, catalog, ids, jobs)]
        uploads = frozenset[Path]().union(*(find_uploads(self._home, one.payload) for one in own))
        drafts = [one for one in list_drafts(self._home) if self._is_draft_of(one, catalog, uploads)]
        uploads = uploads.union(*(one.uploads for one in (*runs, *drafts)), list_log_uploads(self._home, catalog.id))
        kept = frozenset[Path]().union(*self._reading(without={one.path for one in (*runs, *drafts)}, jobs=ids))
        versions = tuple(one.id for one in self._versions.list(catalog.id))
        goes = replace(
            self._count(catalog),
            versions=versions,
            runs=len(runs),
            uploads=_names(uploads - kept),
            drafts=len(drafts),
            entries=sum(not one.is_live for one in own),
            ends=tuple(one.title for one in own if one.is_live),
        )
        # Work on all catalogues may name this one in its log.
        told = [*ids, *(one.id for one in jobs.values() if not (one.has_catalog or one.is_live))]
        paths = (
            *(one.path for one in (*runs, *drafts)),
            *(self._home.versions / one for one in versions),
            *(self._home.runs / one for one in ids),
            *(self._log_of(one) for one in told),
            *sorted(uploads - kept),
        )
        return Doomed(kind="catalog", id=str(catalog.id), goes=goes, paths=tuple(dict.fromkeys(paths)))

    def _count(self, catalog: Catalog) -> Goes:
        """What goes of the record."""
        shown, shared = self._references.count_pictures(catalog.id)
        log = self._interactions.summary(catalog.id)
        return Goes(
            items=catalog.items,
            pictures=shown - shared,
            shared_pictures=shared,
            events=log.events if log else 0,
            people=log.users if log else 0,
            needs=len(self._expectations.list(catalog.id)),
            need_pictures=self._count_needs(),
        )

    def of_log(self, catalog: Catalog) -> Doomed:
        """The log of a catalogue with the files that it came in; versions that learned from it hold no people."""
        log = self._interactions.summary(catalog.id)
        kept = frozenset[Path]().union(*self._reading())
        uploads = list_log_uploads(self._home, catalog.id) - kept
        goes = Goes(events=log.events if log else 0, people=log.users if log else 0, uploads=_names(uploads))
        return Doomed(kind="log", id=str(catalog.id), goes=goes, paths=tuple(sorted(uploads)))

    def of_version(self, version: Version) -> Doomed:
        """A version with the run that made it, from which it could be made again.

        Raises:
            TrainError: It serves, or is still being made.
        """
        if any(one.version == version.id for one in self._catalogs.list()):
            raise TrainError(
                f"Version {version.id} serves its catalogue. Let another one serve, or go back to the untrained model, "
                "then delete it."
            )
        runs = [one.path for one in list_runs(self._home) if one.path.name.startswith(version.id)]
        jobs = [one for one in self._references.jobs() if one.id.startswith(version.id)]
        if any(one.is_live for one in jobs):
            raise TrainError(f"Version {version.id} is still being made. Wait until that has ended, or cancel it.")
        goes = Goes(versions=(version.id,), runs=len(runs), entries=len(jobs))
        paths = (self._home.versions / version.id, *runs, *(self._log_of(one.id) for one in jobs))
        return Doomed(kind="version", id=version.id, goes=goes, paths=paths)

    def of_run(self, run_id: str) -> Doomed:
        """An ended piece of work with its log, its report, and the files that nothing else reads.

        Raises:
            JobError: There is none, or it has not ended.
        """
        job = next((one for one in self._references.jobs() if one.id == run_id), None)
        runs = [one for one in list_runs(self._home) if one.path.name == run_id]
        if job is None and not runs:
            raise JobError("This work is not known any more.")
        if job is not None and job.is_live:
            raise JobError("This work has not ended. Cancel it first, then remove it.")
        read = find_uploads(self._home, job.payload if job else {}).union(*(one.uploads for one in runs))
        others = [one for one in self._references.jobs() if one.id != run_id]
        read_by_others = frozenset[Path]().union(*(find_uploads(self._home, one.payload) for one in others))
        drafts = [
            one
            for one in list_drafts(self._home)
            if one.uploads & read - read_by_others and (one.age > DRAFT_SECONDS or (job and job.state == "done"))
        ]
        without = {one.path for one in (*runs, *drafts)}
        uploads = read - frozenset[Path]().union(*self._reading(without=without, jobs=frozenset({run_id})))
        goes = Goes(runs=len(runs), uploads=_names(uploads), drafts=len(drafts), entries=int(job is not None))
        paths = (*(one.path for one in (*runs, *drafts)), self._log_of(run_id), *sorted(uploads))
        return Doomed(kind="run", id=run_id, goes=goes, paths=paths)

    def is_there(self, kind: str, thing: str) -> bool:
        """Whether what was to be deleted is still there."""
        if kind == "catalog":
            return self._catalogs.exists(int(thing))
        if kind == "log":
            return self._interactions.summary(int(thing)) is not None
        if kind == "version":
            return any(one.id == thing for one in self._versions.list())
        return any(one.id == thing for one in self._references.jobs())

    def read_uploads(self) -> frozenset[Path]:
        """Uploads that a draft, a run or a job reads."""
        return frozenset[Path]().union(*self._reading())

    def _reading(
        self, *, without: set[Path] | None = None, jobs: frozenset[str] = frozenset()
    ) -> list[frozenset[Path]]:
        """What each draft, run and job reads, but for some."""
        files = [one for one in (*list_drafts(self._home), *list_runs(self._home)) if one.path not in (without or ())]
        rows = [one for one in self._references.jobs() if one.id not in jobs]
        return [*(one.uploads for one in files), *(find_uploads(self._home, one.payload) for one in rows)]

    def _is_run_of(self, run: KeptFile, catalog: Catalog, ids: frozenset[str], jobs: Mapping[str, JobRow]) -> bool:
        """A run of the command line has no row and goes by the name."""
        name = run.path.name
        return name in ids or (name not in jobs and run.catalog == fold_name(catalog.name))

    def _is_draft_of(self, draft: KeptFile, catalog: Catalog, imported: frozenset[Path]) -> bool:
        """Whether it led to the catalogue, or was to and was left; one that is being filled is not."""
        was_read, is_old = bool(draft.uploads & imported), draft.age > DRAFT_SECONDS
        if draft.catalog == fold_name(catalog.name):
            return was_read or is_old
        others = {fold_name(one.name) for one in self._catalogs.list()}
        return was_read and is_old and draft.catalog not in others

    def _log_of(self, job_id: str) -> Path:
        return self._home.logs / f"{job_id}.log"


def _names(uploads: Any) -> tuple[str, ...]:
    return tuple(name_upload(one) for one in sorted(uploads) if one.exists())
