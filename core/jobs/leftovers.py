"""Folders that no row names: what a process left that was killed between writing a folder and its row."""

import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from core.workspace import Workspace

_log = logging.getLogger(__name__)
#: Younger ones may be in the making, by another process.
_SECONDS = 24 * 3600.0


def sweep_leftovers(workspace: Workspace) -> tuple[str, ...]:
    """Remove folders of versions and tokens that are a day old and that nothing knows; their names."""
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
    catalogs = {str(one.id) for one in workspace.catalogs.list()}
    for folder in workspace.home.tokens.iterdir():
        if folder.name.startswith(".") or folder.name.partition("-")[0] not in catalogs:
            yield folder
