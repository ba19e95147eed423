"""Folders that no row names: what a process left that was killed between writing a folder and its row.

Runs of the command line have no row at all; they go once their catalogue has gone.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.errors import TrainError
from core.jobs.job import find_catalog_name
from core.jobs.runs import read_spec
from core.workspace import Workspace

_log = logging.getLogger(__name__)
#: Younger ones may be in the making, by another process.
_SECONDS = 24 * 3600.0


def sweep_leftovers(workspace: Workspace) -> tuple[str, ...]:
    """Remove folders of versions, tokens and runs that are a day old and that nothing knows; their names."""
    swept = []
    for folder in _find_unknown(workspace):
        try:
            old = folder.is_dir() and time.time() - folder.stat().st_mtime > _SECONDS
        except OSError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)
            swept.append(folder.name)
    if swept:
        _log.info("Removed what nothing knows any more: %s", ", ".join(swept))
    return tuple(swept)


def _find_unknown(workspace: Workspace) -> Iterator[Path]:
    versions = {one.id for one in workspace.versions.list()}
    yield from (folder for folder in workspace.home.versions.iterdir() if folder.name not in versions)
    names = {one.name.casefold() for one in workspace.catalogs.list()}
    for folder in workspace.home.runs.iterdir():
        with suppress(TrainError):  # it was never begun, or cannot be read
            if find_catalog_name(read_spec(folder)).casefold() not in names:
                yield folder
    catalogs = {str(one.id) for one in workspace.catalogs.list()}
    for folder in workspace.home.tokens.iterdir():
        if folder.name.startswith(".") or folder.name.partition("-")[0] not in catalogs:
            yield folder
