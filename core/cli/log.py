"""A log on the command line: the command log, and how every other command reads one."""

import argparse
from pathlib import Path
from typing import Any

from core.cli.command import Result, add_command, place_problem
from core.cli.file_options import add_file_options, has_choices, read_choices, report_file, tell_file
from core.cli.terminal import say
from core.errors import TrainError
from core.interactions.aliases import LOG_TARGETS
from core.interactions.log_file import LogFile, open_log
from core.wording import count_noun
from core.work.store_log import store_log
from core.workspace import Workspace

#: Problems that are printed; JSON holds more.
_SHOWN = 20


def add_log_command(commands: Any) -> None:
    """Add the command to the parser of `python -m core`."""
    log = add_command(commands, "log", "store an interaction log with a catalogue", _run_log, _draw_log)
    log.add_argument("file", type=Path, metavar="FILE")
    log.add_argument("--catalog", required=True, metavar="NAME")
    add_file_options(log, LOG_TARGETS, "the log")


def find_log(workspace: Workspace, options: argparse.Namespace, *, quiet: bool = False) -> LogFile | None:
    """The log that a command is to learn from, None for the catalogue's own or for none.

    Args:
        workspace: The data folder.
        options: Of the command.
        quiet: Whether to print nothing.

    Raises:
        WishlightError: The file cannot be read, or a choice does not fit it.
    """
    if options.no_log and options.interactions:
        raise TrainError("--no-log learns without a log, and --interactions names one. Leave one of them out.")
    if not options.interactions:
        if has_choices(options):
            raise TrainError("Name the log that is to be read in this way with --interactions.")
        return None
    return announce_log(workspace, options, options.interactions, quiet=quiet)


def build_log_parts(log: LogFile | None) -> dict[str, Any]:
    """The parts of a `TrainSpec` that name a log and how it is read."""
    return {"interactions": str(log.table.absolute()), "reading": log.reading()} if log else {}


def report_log(log: LogFile | None) -> dict[str, Any]:
    """What was made of a log's columns, as JSON values; nothing without one."""
    return report_file(log.opened, log.columns) if log else {}


def announce_log(workspace: Workspace, options: argparse.Namespace, path: Path, *, quiet: bool = False) -> LogFile:
    """A log with its columns settled; what was made of them is printed at once.

    Args:
        workspace: The data folder.
        options: Of the command: its catalogue, and what is said about the file.
        path: The file.
        quiet: Whether to print nothing.

    Raises:
        WishlightError: The file cannot be read, or a choice does not fit it.
    """
    catalog = workspace.catalogs.find(options.catalog)
    log = open_log(
        path,
        workspace.home.log_uploads(catalog.id),
        workspace.items.content_hashes(catalog.id),
        choices=read_choices(options),
        overrides=options.map,
        accept_suggestions=not options.exact,
    )
    if not (quiet or options.json):
        say(tell_file(log.opened, log.columns))
    return log


def _run_log(workspace: Workspace, options: argparse.Namespace) -> Result:
    catalog = workspace.catalogs.find(options.catalog)
    log = announce_log(workspace, options, options.file)
    try:
        found = store_log(workspace, catalog, log.table, log.reading())
    finally:
        if log.opened.staged.archive is not None:
            workspace.sweep.drop_upload(log.table)  # extracted from the person's own ZIP
    events, people = count_noun(len(found.log), "event"), count_noun(len(found.log.user_ids), "person", "people")
    verb = "is" if len(found.log) == 1 else "are"
    unknown = f"; {count_noun(found.unknown_events, 'event')} with items that are not in it stayed out"
    left_out = unknown if found.unknown_events else ""
    return {
        "message": f"{events} of {people} {verb} stored with “{catalog.name}”{left_out}.",
        "events": len(found.log),
        "users": len(found.log.user_ids),
        "unknown_events": found.unknown_events,
        "problems": [{"row": one.row, "field": one.field, "message": one.message} for one in found.problems[:50]],
    } | report_log(log)


def _draw_log(result: Result) -> None:
    say(result["message"])
    for problem in result["problems"][:_SHOWN]:
        say(f"  {place_problem(problem['row'])}: {problem['message']}")
