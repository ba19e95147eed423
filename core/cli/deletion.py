"""Deletion on the command line: the command delete."""

import argparse
from typing import Any

from core.cli.command import Result, add_command
from core.cli.terminal import say
from core.deletion.doomed import Doomed
from core.errors import StoreError, TrainError
from core.kept import find_catalog_name
from core.store.catalogs import Catalog
from core.work.runs import find_run
from core.workspace import Workspace

#: Exit code of a deletion that was not confirmed: it said what would go, and did nothing.
NOTHING_DONE = 3


def add_deletion_command(commands: Any) -> None:
    """Add the command to the parser of `python -m core`."""
    text = "delete a catalogue, or its log, a version or a run, with everything that only it refers to"
    delete = add_command(commands, "delete", text, _run_delete, _draw_delete)
    delete.add_argument("name", metavar="NAME", help="the catalogue")
    part = delete.add_mutually_exclusive_group()
    part.add_argument("--log", action="store_true", help="its log alone; versions that learned from it stay")
    part.add_argument("--version", default="", metavar="ID", help="one of its trained versions alone")
    part.add_argument("--run", dest="run_id", default="", metavar="ID", help="one run alone; its version stays")
    delete.add_argument("--yes", action="store_true", help="delete it; without this, say what would go")


def _run_delete(workspace: Workspace, options: argparse.Namespace) -> Result:
    catalog = workspace.catalogs.find(options.name)
    title, doomed = _find(workspace, catalog, options)
    if options.yes:
        workspace.sweep.delete(doomed)
    return {
        "deleted": bool(options.yes),
        "what": title,
        "goes": doomed.goes.to_json(),
        "lines": list(doomed.goes.tell()),
        "stays": doomed.goes.tell_stays(),
    }


def _find(workspace: Workspace, catalog: Catalog, options: argparse.Namespace) -> tuple[str, Doomed]:
    """What is meant, and what goes with it.

    Raises:
        StoreError: There is no log.
        WishlightError: There is no such version or run, or it cannot be deleted now.
    """
    find = workspace.sweep.find
    if options.log:
        if workspace.interactions.summary(catalog.id) is None:
            raise StoreError(f"“{catalog.name}” has no log.")
        return f"the log of “{catalog.name}”", find.of_log(catalog)
    if options.version:
        version = workspace.versions.find(options.version, catalog.id)
        return f"version {version.id} of “{catalog.name}”", find.of_version(version)
    if options.run_id:
        run_id, asked = find_run(workspace.home, options.run_id)
        if find_catalog_name(asked).casefold() != catalog.name.casefold():
            raise TrainError(f"Run {run_id[:12]} is not one of “{catalog.name}”.")
        return f"run {run_id[:12]}", find.of_run(run_id)
    return f"the catalogue “{catalog.name}”", find.of_catalog(catalog)


def _draw_delete(result: Result) -> None:
    say(f"Deleted: {result['what']}." if result["deleted"] else f"This would go for good: {result['what']}.")
    for line in result["lines"]:
        say(f"  {line}")
    if result["goes"]["ends"]:
        say(f"Work on it {'ended' if result['deleted'] else 'ends'}: {', '.join(result['goes']['ends'])}.")
    if result["stays"]:
        say(result["stays"])
    if not result["deleted"]:
        say("Nothing was deleted. Say --yes to delete it.")
