"""Why an item was suggested, on the command line: explain."""

import argparse
from pathlib import Path
from typing import Any

from core.cli.command import Result, add_command
from core.cli.terminal import say
from core.errors import ExplainError
from core.explain.dropped_words import is_stop_word
from core.explain.pictures.maps import METHODS
from core.explain.report.html_file import build_report, list_texts
from core.explain.report.sentence import describe, describe_person
from core.suggest.need import Need, list_matches, split_avoid
from core.work.recommend import find_person, invent_person, split_ids
from core.workspace import Workspace


def add_explain_commands(commands: Any) -> None:
    """Add the commands to the parser of `python -m core`."""
    explain = add_command(commands, "explain", "say why an item is suggested", _run_explain, _draw_explain)
    explain.add_argument("--catalog", required=True, metavar="NAME")
    explain.add_argument("--item", required=True, metavar="ID")
    asked = explain.add_mutually_exclusive_group(required=True)
    asked.add_argument("--need", metavar="TEXT", help="for this need")
    asked.add_argument("--user", metavar="USER", help="to this person of the catalogue's log")
    asked.add_argument("--history", metavar="ID,ID", help="to somebody who liked these items, oldest first")
    need = explain.add_argument_group("with --need")
    need.add_argument("--against", default="", metavar="ID", help="compare with this item (default: the one above)")
    need.add_argument(
        "--method", default="", choices=("", *METHODS), metavar="METHOD", help=f"of the picture: {', '.join(METHODS)}"
    )
    need.add_argument("--html", type=Path, metavar="FILE", help="write it as one HTML file as well")
    need.add_argument("--match", choices=list_matches(), default="both")


def _run_explain(workspace: Workspace, options: argparse.Namespace) -> Result:
    return _explain_need(workspace, options) if options.need is not None else _explain_person(workspace, options)


def _explain_person(workspace: Workspace, options: argparse.Namespace) -> Result:
    if options.against or options.method or options.html or options.match != "both":
        raise ExplainError("--against, --method, --html and --match go with --need. Leave them away for a person.")
    if options.user is not None:
        person = find_person(workspace, options.user, options.catalog)
    else:
        person = invent_person(workspace, split_ids(options.history), options.catalog)
    found = workspace.person_explainer.explain(person.catalog, person.version, person.history, options.item)
    return found.to_json() | {"sentence": describe_person(found)}


def _explain_need(workspace: Workspace, options: argparse.Namespace) -> Result:
    text, avoid = split_avoid(options.need)
    need = Need(text=text, avoid=avoid, match=options.match)
    catalog = workspace.catalogs.find(options.catalog)
    found = workspace.explainer.explain(catalog, need, options.item, against=options.against)
    looked, note = None, ""
    try:
        looked = workspace.explainer.look(catalog, need, options.item, method=options.method)
    except ExplainError as exc:
        note = str(exc)
    if options.html:
        stored = workspace.items.find(catalog.id, options.item)
        _write(options.html, build_report(found, list_texts(found, stored.item) if stored else {}, looked))
    return found.to_json() | {
        "sentence": describe(found),
        "picture": looked.to_json() if looked else None,
        "picture_note": note,
    }


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as exc:
        raise ExplainError(f"The file {path} cannot be written ({exc.strerror}). Choose another place.") from exc


def _draw_explain(result: Result) -> None:
    digits = 2 if "need" in result else 4  # scores of people are smaller
    say(f"{result['title']} ({result['item_id']}), {_rank(result['rank'])}, score {result['score']:.{digits}f}")
    say(result["sentence"])
    say(f"  {'nothing known':<28} {result['base_value']:+.{digits}f}")
    for name, value in result["modalities"].items():
        say(f"  {name:<28} {value:+.{digits}f}")
    for one in result["counterfactuals"]:
        if one.get("need") and is_stop_word(one["removed"]):
            continue
        say(f"  without {one.get('title') or one['removed']:<20} {one['score']:+.{digits}f}  {_rank(one['rank'])}")
    if "need" in result:
        _draw_need(result)
    elif flip := result["nearest_flip"]:
        titles = {one["removed"]: one["title"] or one["removed"] for one in result["counterfactuals"]}
        say(f"Without {', '.join(titles[item_id] for item_id in flip['changed'])}: {_rank(flip['rank'])}.")
    else:
        say("No removal of up to four items of the history brings it across the tenth rank.")


def _draw_need(result: Result) -> None:
    if result["picture"] is None:
        say(result["picture_note"])
    elif not result["picture"]["faithful"]:
        say("No map of its picture is better than chance, so none is shown.")
    if flip := result["nearest_flip"]:
        say(f"Without {', '.join(flip['changed'])}: {_rank(flip['rank'])}.")
    else:
        say("No removal of up to four words brings it across the tenth rank.")
    if lift := result["lift"]:
        say(f"With {', '.join(lift['changed'])} in its title: {_rank(lift['rank'])}.")


def _rank(rank: int | None) -> str:
    return "not ranked" if rank is None else f"rank {rank}"
