"""What the model relies on over a whole catalogue, on the command line: audit."""

import argparse
import uuid
from typing import Any

from core.cli.command import Result, add_command, show_progress
from core.cli.number_options import seed, whole
from core.cli.run_options import check_typed
from core.cli.terminal import say
from core.errors import ExplainError
from core.kept import read_kept
from core.wording import count_noun
from core.work.audit_catalog import MOST_CASES, AuditSpec, NeedSource, run_audit
from core.work.runs import find_run
from core.workspace import Workspace

#: Words and items that are printed; JSON holds all.
_SHOWN = 8


def add_audit_commands(commands: Any) -> None:
    """Add the command to the parser of `python -m core`."""
    audit = add_command(commands, "audit", "sum up what the model relies on", _run_audit, _draw_audit)
    audit.add_argument("--catalog", default="", metavar="NAME", help="needed unless an audit is gone on with")
    needs = audit.add_mutually_exclusive_group()
    needs.add_argument("--need", action="append", metavar="TEXT", help="explain what it brings")
    needs.add_argument("--saved", action="store_true", default=None, help="explain what the saved needs bring")
    base, cases, maps = AuditSpec(catalog=""), whole(1, MOST_CASES), whole(0, MOST_CASES)
    audit.add_argument("--cases", type=cases, metavar="N", help=f"suggestions at most (default: {base.cases})")
    audit.add_argument("--maps", type=maps, metavar="N", help=f"pictures at most (default: {base.maps})")
    audit.add_argument("--seed", type=seed, metavar="N", help=f"of the items that are drawn (default: {base.seed})")
    audit.add_argument("--resume", metavar="RUN", default="", help="go on with an audit that was stopped")


def _run_audit(workspace: Workspace, options: argparse.Namespace) -> Result:
    if options.resume:
        run_id, kept = find_run(workspace.home, options.resume)
        if "maps" not in kept:
            raise ExplainError(f"The run {run_id[:12]} is no audit. Look for the one you mean under “Activity”.")
        spec = read_kept(AuditSpec.from_json, kept)
        _check_resumed(workspace, options, spec)
    elif not options.catalog:
        raise ExplainError("Name the catalogue with --catalog, or an audit to go on with by --resume.")
    else:
        run_id, spec = uuid.uuid4().hex, _read_spec(options)
    return {"run": run_id, **run_audit(workspace, spec, run_id, show_progress(options.json)).to_json()}


def _read_spec(options: argparse.Namespace) -> AuditSpec:
    source: NeedSource = "typed" if options.need else "saved" if options.saved else "titles"
    typed = {name: getattr(options, name) for name in ("cases", "maps", "seed")}
    return AuditSpec(
        catalog=options.catalog,
        source=source,
        needs=tuple(options.need or ()),
        **{name: value for name, value in typed.items() if value is not None},
    )


def _check_resumed(workspace: Workspace, options: argparse.Namespace, spec: AuditSpec) -> None:
    typed = {
        "--catalog": workspace.catalogs.find(options.catalog).name if options.catalog else None,
        "--need": options.need,
        "--saved": options.saved,
        "--cases": options.cases,
        "--maps": options.maps,
        "--seed": options.seed,
    }
    saved = {f"--{name}": getattr(spec, name) for name in ("catalog", "cases", "maps", "seed")}
    check_typed(typed, saved | {"--need": list(spec.needs), "--saved": spec.source == "saved"})


def _draw_audit(result: Result) -> None:
    say(f"{result['catalog']}: {count_noun(result['cases'], 'suggestion')} for {count_noun(result['needs'], 'need')}")
    for part in result["parts"]:
        say(
            f"  {part['name']:<14} {100 * part['share']:3.0f} % of what moved scores, {part['mean']:+.2f} on average, "
            f"against in {100 * part['against']:.0f} %"
        )
    helping = [one for one in result["words"] if one["mean"] > 0]
    harming = [one for one in reversed(result["words"]) if one["mean"] < 0]
    for title, words in (("Helped", helping), ("Harmed", harming)):
        named = [f"{one['word']} ({one['field']}, {one['mean']:+.2f})" for one in words[:_SHOWN]]
        say(f"{title} most: {', '.join(named) or 'no word that came twice'}")
    say(f"Pictures that lower their item's score: {len(result['hurt']):,} of {result['pictures']:,}")
    for one in result["hurt"][:_SHOWN]:
        say(f"  {one['value']:+.2f}  {one['title']} ({one['item_id']}) for “{one['need']}”")
    looked = result["unmapped"] + sum(result["methods"].values())
    say(
        f"No map of the picture was better than chance in {result['unmapped']:,} of {count_noun(looked, 'picture')} "
        "looked at."
    )
