"""Deletion, and the one sweep after it: what nothing refers to any more leaves the data folder.

What a deletion is to remove is written down before its rows go, so that one that was stopped half-way is finished by
the next, or by the next worker. What is written down goes only once its rows have gone, and only if nothing else
refers to it by then.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from filelock import FileLock

from core.catalog.pictures.picture_store import PictureStore
from core.deletion.doomed import Doomed, Finder, Kind
from core.deletion.goes import Goes
from core.deletion.kept_files import age_of, find_upload, lies_in, list_drafts, list_runs, list_uploads
from core.errors import TrainError, WishlightError
from core.failures import plain_failures
from core.files import written_whole
from core.home import LOG_UPLOADS, Home
from core.kept import fold_name
from core.parts import PARTS, read_key
from core.store.catalogs import Catalogs
from core.store.database import Database
from core.store.embeddings import FUSED
from core.store.interactions import Interactions
from core.store.items import Items
from core.store.references import References
from core.store.versions import Versions

_log = logging.getLogger(__name__)
#: Younger ones may be in the making, by another process.
_FOLDER_SECONDS = 24 * 3600.0
#: An upload that nothing names yet may be on somebody's page.
_UPLOAD_SECONDS = 3600.0
#: Of an import that nobody goes on preparing.
_DRAFT_SECONDS = 30 * 24 * 3600.0
#: Of a picture that nobody looks with.
_NEED_SECONDS = 24 * 3600.0
_BATCH = 500


class Sweep:
    """Deletes things of a data folder with all that only they refer to; thread-safe.

    Args:
        home: The folder.
        database: Of it.
        pictures: Of items.
        needs: Pictures that somebody looked with.
        forget: Lets go of what is derived of a catalogue, given its id.
    """

    def __init__(
        self, home: Home, database: Database, pictures: PictureStore, needs: PictureStore, forget: Callable[[int], None]
    ) -> None:
        self._home, self._database = home, database
        self._pictures, self._needs, self._forget = pictures, needs, forget
        self._catalogs, self._items, self._versions = Catalogs(database), Items(database), Versions(database)
        self._references = References(database)
        self.find = Finder(home, database, lambda: sum(1 for _ in needs.names()))

    def delete(self, doomed: Doomed) -> None:
        """Delete a thing with everything that only it refers to; nothing of it can be had back.

        Raises:
            StoreError: The rows cannot be removed; nothing is deleted then.
            TrainError: The version serves by now.
        """
        with self._alone():
            self._write_down(doomed)
            self._remove_rows(doomed)
            if doomed.kind == "catalog":
                self._forget(int(doomed.id))
        self.finish()

    def clear(self, catalog_id: int, run_id: str) -> None:
        """Remove what work wrote for a catalogue that went meanwhile.

        Args:
            catalog_id: Of the catalogue.
            run_id: Of the work, "" where it has no run.
        """
        paths = (self._home.runs / run_id, self._home.logs / f"{run_id}.log") if run_id else ()
        with self._alone():
            self._write_down(Doomed(kind="catalog", id=str(catalog_id), goes=Goes(), paths=paths))
            self._forget(catalog_id)
        self.finish()

    def drop_upload(self, path: Path) -> None:
        """Remove an upload that has been read to its end, unless something else is to read it."""
        upload = find_upload(self._home, path)
        if upload is not None and upload not in self.find.read_uploads():
            self._remove(upload)

    def drop_need_picture(self, picture: str) -> None:
        """Remove a picture that somebody looked with."""
        self._needs.remove(picture)

    def finish(self) -> tuple[str, ...]:
        """Remove what was left: by deletions, and by processes that were killed; names of the latter.

        A disk or another process that is in the way of it leaves the rest to the next sweep.
        """
        with self._alone():
            swept: list[str] = []
            try:
                with plain_failures():
                    swept.extend(self._remove_leftovers())
                    if self.is_pending():
                        self._finish_deletions()
            except WishlightError as exc:
                _log.warning("The rest is swept later: %s", exc)
        if swept:
            _log.info("Removed what nothing knows any more: %s", ", ".join(swept))
        return tuple(swept)

    def _read_used(self) -> dict[str, set[str]]:
        """What items of any catalogue have vectors by, each kind's."""
        used: dict[str, set[str]] = {FUSED: set(), **{name: set() for name in PARTS}}
        for catalog in self._catalogs.list():
            for stored in self._items.iterate(catalog.id):
                used[FUSED].add(read_key(stored))
                for name, part in PARTS.items():
                    used[name].update(part.read(stored))
        return used

    def is_pending(self) -> bool:
        """Whether a deletion has left something to do."""
        return self._home.unswept.exists()

    def _alone(self) -> FileLock:
        return FileLock(self._home.root / "sweep.lock")

    def _write_down(self, doomed: Doomed) -> None:
        paths = [str(path.relative_to(self._home.root)) for path in doomed.paths if lies_in(self._home, path)]
        entries = [*self._written(), {"kind": doomed.kind, "id": doomed.id, "paths": paths}]
        with plain_failures("Nothing can be deleted"), written_whole(self._home.unswept, flush=True) as temporary:
            temporary.write_text(json.dumps(entries), "utf-8")

    def _written(self) -> list[dict[str, Any]]:
        try:
            found = json.loads(self._home.unswept.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return [one for one in found if _is_entry(one)] if isinstance(found, list) else []

    def _remove_rows(self, doomed: Doomed) -> None:
        if doomed.kind == "catalog":
            self._catalogs.delete(int(doomed.id))
        elif doomed.kind == "log":
            Interactions(self._database).delete(int(doomed.id))
        elif doomed.kind == "version":
            if not self._references.forget_version(doomed.id):
                raise TrainError(f"Version {doomed.id} serves by now. Let another one serve first.")
            for job in [one.id for one in self._references.jobs() if one.id.startswith(doomed.id)]:
                self._references.forget_job(job)
        else:
            self._references.forget_job(doomed.id)

    def _finish_deletions(self) -> None:
        gone = [one for one in self._written() if not self.find.is_there(one["kind"], one["id"])]
        paths = {self._home.root / name for one in gone for name in one["paths"]}
        uploads = {path for path in paths if find_upload(self._home, path) == path}
        for path in paths - uploads:
            self._remove(path)
        for path in uploads - self.find.read_uploads():  # as it is without the drafts and runs that went
            self._remove(path)
        if any(one["kind"] == "catalog" for one in gone):
            self._remove_pictures()
        self._references.forget_vectors(self._read_used)
        self._remove_derived()
        with suppress(OSError):  # it quotes the titles of all work, and workers append to it
            os.truncate(self._home.logs / "worker.log", 0)
        self._database.purge()
        self._home.unswept.unlink(missing_ok=True)

    def _remove_pictures(self) -> None:
        """While nobody writes: an import looks once more in its transaction, and reads again what went meanwhile."""
        for picture in list(self._needs.names()):
            self._needs.remove(picture)
        names = iter(sorted(self._pictures.names()))
        while batch := list(islice(names, _BATCH)):
            with self._database.transaction():
                for picture in set(batch) - self._references.is_shown(batch):
                    self._pictures.remove(picture)

    def _remove_derived(self) -> None:
        gone = self._references.gone_models()
        for file in self._home.indexes.iterdir():
            if file.name.split(".")[0].partition("-")[2] in gone:
                self._remove(file)
        catalogs = {one.id for one in self._catalogs.list()}
        for folder in self._home.uploads.glob(f"{LOG_UPLOADS}*"):
            if folder.name.removeprefix(LOG_UPLOADS) not in map(str, catalogs):
                with suppress(OSError):  # something else reads a log of it
                    folder.rmdir()

    def _remove(self, path: Path) -> bool:
        """Remove what lies in a folder of the data folder, and nothing else, whatever names it; whether it may go.

        One that is gone already, or that another process holds, is left to the next sweep.
        """
        if not lies_in(self._home, path):
            _log.warning("%s lies outside of the data folder and is left: remove it by hand if it is yours.", path)
            return False
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        return True

    def _remove_leftovers(self) -> Iterator[str]:
        for path in self._find_leftovers():
            if self._remove(path):
                yield path.name

    def _find_leftovers(self) -> Iterator[Path]:
        """What no row names, or nobody has touched for long."""
        derived = [*self._home.tokens.iterdir(), *self._home.indexes.iterdir()]
        folders = [*self._home.versions.iterdir()]
        uploads, runs = list_uploads(self._home), list_runs(self._home)
        logs = [path for path in self._home.logs.glob("*.log") if path.name != "worker.log"]
        # The rows after the files: what was there before its row is young.
        catalogs = {str(one.id): fold_name(one.name) for one in self._catalogs.list()}
        versions = {one.id for one in self._versions.list()}
        jobs = {one.id for one in self._references.jobs()}
        yield from (path for path in derived if path.name.lstrip(".").partition("-")[0] not in catalogs)
        yield from (path for path in derived if path.name.startswith(".") and age_of(path) > _FOLDER_SECONDS)
        unknown = [path for path in folders if path.is_dir() and path.name not in versions]
        unknown += [one.path for one in runs if one.catalog and one.catalog not in catalogs.values()]
        unknown += [path for path in logs if path.stem not in jobs]
        yield from (path for path in unknown if age_of(path) > _FOLDER_SECONDS)
        yield from (one.path for one in list_drafts(self._home) if one.age > _DRAFT_SECONDS)
        read = self.find.read_uploads()
        yield from (path for path in uploads if path not in read and age_of(path) > _UPLOAD_SECONDS)
        for picture in list(self._needs.names()):
            if (path := self._needs.path(picture)).exists() and age_of(path) > _NEED_SECONDS:
                self._needs.remove(picture)


def _is_entry(found: Any) -> bool:
    """Whether it is what was written down of a deletion."""
    if not (isinstance(found, dict) and isinstance(found.get("paths"), list)):
        return False
    kind, thing = found.get("kind"), found.get("id")
    is_named = isinstance(thing, str) and (thing.isdecimal() or kind in ("version", "run"))
    return is_named and kind in get_args(Kind) and all(isinstance(one, str) for one in found["paths"])
