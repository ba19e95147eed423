"""Needs that must keep working, on the command line: expect, expectations."""

import argparse
from typing import Any

from core.cli.command import Result, add_command
from core.cli.number_options import MOST_ROWS, whole
from core.cli.terminal import say
from core.errors import NeedError
from core.store.catalogs import Catalog
from core.store.filters import parse_filter
from core.suggest.expected import ExpectedRank, rank_expected, save_need
from core.suggest.need import Need, list_matches, split_avoid
from core.workspace import Workspace


def add_expectation_commands(commands: Any) -> None:
    """Add the commands to the parser of `python -m core`."""
    expect = add_command(commands, "expect", "save a need with the items it must bring", _run_expect, _draw)
    expect.add_argument("need", metavar="NEED")
    expect.add_argument("--catalog", required=True, metavar="NAME")
    expect.add_argument("--items", required=True, metavar="ID,ID", help="ids as in the catalogue's file")
    expect.add_argument("--avoid", action="append", default=[], metavar="TEXT")
    expect.add_argument("--where", action="append", default=[], metavar="FIELD=VALUE|FIELD<N")
    expect.add_argument("--match", choices=list_matches(), default="both")
    listed = add_command(commands, "expectations", "list the saved needs with their ranks now", _run_list, _draw)
    listed.add_argument("--catalog", required=True, metavar="NAME")
    listed.add_argument("--remove", type=whole(1, MOST_ROWS), metavar="N", help="forget the one of that number first")


def _run_expect(workspace: Workspace, options: argparse.Namespace) -> Result:
    catalog = workspace.catalogs.find(options.catalog)
    text, avoid = split_avoid(options.need)
    need = Need(
        text=text,
        avoid=(*avoid, *options.avoid),
        match=options.match,
        filters=tuple(parse_filter(where) for where in options.where),
    )
    item_ids = [one.strip() for one in options.items.split(",") if one.strip()]
    saved = save_need(need)
    workspace.expectations.add(catalog.id, saved, item_ids)
    standings = [one for one in _rank(workspace, catalog) if one.expectation.need == saved]
    return {"catalog": catalog.name, "expectations": [_to_json(one) for one in standings]}


def _run_list(workspace: Workspace, options: argparse.Namespace) -> Result:
    catalog = workspace.catalogs.find(options.catalog)
    if options.remove is not None:
        if options.remove not in {one.id for one in workspace.expectations.list(catalog.id)}:
            raise NeedError(f"“{catalog.name}” has no saved need number {options.remove}. List them without --remove.")
        workspace.expectations.remove(catalog.id, options.remove)
    return {"catalog": catalog.name, "expectations": [_to_json(one) for one in _rank(workspace, catalog)]}


def _rank(workspace: Workspace, catalog: Catalog) -> tuple[ExpectedRank, ...]:
    saved = workspace.expectations.list(catalog.id)
    return rank_expected(workspace.suggester, workspace.items, workspace.serving.of(catalog), saved)


def _to_json(standing: ExpectedRank) -> dict[str, Any]:
    return {
        "number": standing.expectation.id,
        "need": standing.expectation.need.title,
        "item_id": standing.expectation.item_id,
        "title": standing.title,
        "rank": standing.rank,
        "found": standing.found,
    }


def _draw(result: Result) -> None:
    for one in result["expectations"]:
        rank = "not found" if one["rank"] is None else f"rank {one['rank']}"
        title = one["title"] or "no longer in the catalogue"
        say(f"{one['number']:>4}  {rank:<9}  “{one['need']}” → {title} ({one['item_id']})")
    if not result["expectations"]:
        say(f'No need is saved yet. Save one: python -m core expect "NEED" --catalog "{result["catalog"]}" --items ID')
