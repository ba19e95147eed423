"""Importing on the command line: import, sample."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.catalog.importing.sample import sample_spec
from core.catalog.schema import DOMAINS
from core.catalog.shape.mapping import TARGETS
from core.cli.command import Result, add_command, place_problem, show_progress
from core.cli.file_options import add_file_options, read_choices, report_file, tell_file
from core.cli.terminal import say
from core.encode.registry import EMBEDDED
from core.wording import count_noun
from core.work.import_catalog import run_import
from core.work.import_report import tell_unspoken
from core.work.open_import import import_opened, open_import
from core.workspace import Workspace


def add_import_command(commands: Any) -> None:
    """Add the command `import` to the parser of `python -m core`."""
    parser = add_command(commands, "import", "import a catalogue file", _run_import, draw_import)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--name", required=True, help="the catalogue to write to, made when missing")
    parser.add_argument("--images", type=Path, metavar="DIR|ZIP", help="where relative picture paths lead")
    parser.add_argument("--domain", choices=DOMAINS)
    parser.add_argument("--currency", default="", help="for prices that name none, e.g. EUR")
    parser.add_argument("--backbone", default="", help=f"for a new catalogue (default: {EMBEDDED})")
    parser.add_argument("--no-fetch", action="store_true", help="leave web addresses of pictures alone")
    add_file_options(parser, (*TARGETS, "attribute:NAME"))


def _run_import(workspace: Workspace, options: argparse.Namespace) -> Result:
    opened = open_import(
        workspace,
        options.file,
        options.name,
        images=options.images,
        choices=read_choices(options),
        overrides=options.map,
        accept_suggestions=not options.exact,
    )
    if not options.json:
        say(tell_file(opened.file, opened.columns))
    spec = replace(
        opened.spec,
        backbone=options.backbone or opened.spec.backbone,
        domain=options.domain or opened.spec.domain,
        currency=options.currency.upper(),
        fetch=not options.no_fetch,
    )
    report = import_opened(workspace, replace(opened, spec=spec), progress=show_progress(options.json))
    return report.to_json() | report_file(opened.file, opened.columns)


def run_sample(workspace: Workspace, options: argparse.Namespace) -> Result:
    """Import the sample catalogue."""
    return run_import(workspace, sample_spec(backbone=options.backbone), progress=show_progress(options.json)).to_json()


def draw_import(result: Result) -> None:
    """What an import did, and its first problems."""
    pictures = result["pictures"]
    say(
        f"{result['catalog']}: {result['created']:,} created, {result['updated']:,} updated, "
        f"{result['skipped']:,} unchanged, {count_noun(len(result['rejected']), 'problem')} that rejected rows; "
        f"pictures: {pictures['ok']:,} ok, {pictures['failed']:,} failed; {result['seconds']:.1f} s"
    )
    for sentence in tell_unspoken(result["untouched"], result["absent"]):
        say(f"  {sentence}")
    for problem in [*result["rejected"], *result["warnings"], *result["picture_problems"]][:20]:
        say(f"  {place_problem(problem['row'])}: {problem['field']}: {problem['message']}")
