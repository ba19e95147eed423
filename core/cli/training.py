"""Training on the command line: train, evaluate, models, activate, recommend."""

import argparse
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.cli.command import Result, add_command, show_progress
from core.cli.file_options import add_file_options
from core.cli.log import announce_log, find_log, report_log
from core.cli.number_options import MOST_ROWS, whole
from core.cli.run_options import add_run_options, add_settings, check_resumed, read_run
from core.cli.terminal import say, warn
from core.errors import TrainError
from core.evaluate.protocol import SPLITS
from core.interactions.aliases import LOG_TARGETS
from core.kept import read_kept
from core.progress import silent
from core.train.config import DEFAULT_PRESET, TUNINGS, read_config
from core.wording import count_noun
from core.work.activate import ActivateSpec, activate_version
from core.work.compare import ALL_MODELS, MOST_SEEDS, CompareSpec, run_compare
from core.work.recommend import recommend_history, recommend_user, split_ids
from core.work.runs import find_run
from core.work.train_catalog import TrainSpec, help_train, run_train
from core.workspace import Workspace

_MODELS = (
    f"{', '.join(ALL_MODELS)}; implicit-* and cornac-* are other people's code: pip install -r requirements-peers.txt "
    "(default: fusion, our own, and of theirs those that are installed and quick)"
)


def add_training_commands(commands: Any) -> None:
    """Add the commands to the parser of `python -m core`."""
    train = add_command(commands, "train", "train a version for a catalogue", _run_train, _draw_train)
    train.add_argument("--catalog", default="", metavar="NAME", help="needed unless a run is gone on with")
    add_run_options(train)
    train.add_argument("--tuning", choices=TUNINGS, help="how the image-text model itself is tuned (default: frozen)")
    train.add_argument("--resume", metavar="RUN", default="", help="go on with a run that was stopped")
    train.add_argument("--wandb", action="store_true", default=None, help="log to Weights & Biases as well")
    add_file_options(train, LOG_TARGETS, "the log")
    evaluate = add_command(commands, "evaluate", "compare models on a log", _run_evaluate, _draw_evaluate)
    evaluate.add_argument("--catalog", required=True, metavar="NAME")
    evaluate.add_argument("--interactions", required=True, type=Path, metavar="FILE")
    evaluate.add_argument("--test-interactions", type=Path, metavar="FILE", help="test on these people, who are new")
    evaluate.add_argument("--models", nargs="+", default=[], metavar="MODEL", help=_MODELS)
    evaluate.add_argument("--split", choices=SPLITS, help="default: time where it leaves 100 test users, else users")
    add_settings(evaluate)
    evaluate.add_argument(
        "--seeds", type=whole(1, MOST_SEEDS), default=1, metavar="N", help="means over so many seeds from --seed on"
    )
    add_file_options(evaluate, LOG_TARGETS, "each log")
    add_command(commands, "models", "list the trained versions", _run_models, _draw_models)
    activate = add_command(commands, "activate", "let a trained version serve its catalogue", _run_activate, _draw_line)
    activate.add_argument("version", metavar="VERSION", help='id of a version, or "none" with --catalog')
    activate.add_argument("--catalog", default="", metavar="NAME")
    recommend = add_command(commands, "recommend", "suggest to a person", _run_recommend, _draw_recommend)
    recommend.add_argument("user", nargs="?", default="", metavar="USER", help="as in the catalogue's log")
    recommend.add_argument("--history", default="", metavar="ID,ID", help="items that the person liked")
    recommend.add_argument("--catalog", default="", metavar="NAME")
    recommend.add_argument("--version", default="", metavar="VERSION", help="default: the active one, else the newest")
    recommend.add_argument("-k", type=whole(1, MOST_ROWS), default=10)


def _run_train(workspace: Workspace, options: argparse.Namespace) -> Result:
    from core.train.processes import join_ranks

    log, ranks = None, join_ranks()
    if options.resume:
        run_id, kept = find_run(workspace.home, options.resume)
        if "catalog" not in kept or "maps" in kept:
            what = "search" if "trials" in kept else "audit"
            raise TrainError(
                f"This run is a{'n' * (what == 'audit')} {what}. Go on with it: "
                f"python -m core {what} --resume {run_id[:12]}"
            )
        spec = read_kept(TrainSpec.from_json, kept)
        check_resumed(workspace, options, spec)
    else:
        run_id = ranks.share(uuid.uuid4().hex)
        log = find_log(workspace, options, quiet=not ranks.is_first)
        spec = read_run(options, log)
    if not ranks.is_first:
        help_train(workspace, spec, run_id, silent)
        return {}
    report = run_train(workspace, spec, run_id, show_progress(options.json), tell=warn)
    return {"run": run_id, **report.to_json(), **report_log(log)}


def _run_evaluate(workspace: Workspace, options: argparse.Namespace) -> Result:
    log = announce_log(workspace, options, options.interactions)
    test = announce_log(workspace, options, options.test_interactions) if options.test_interactions else None
    spec = CompareSpec(
        catalog=options.catalog,
        interactions=str(log.table),
        reading=log.reading(),
        test_interactions=str(test.table) if test else "",
        test_reading=test.reading() if test else {},
        **({"models": tuple(options.models)} if options.models else {}),
        split=options.split or "",
        preset=options.preset or DEFAULT_PRESET,
        config=read_config(options.config) if options.config else {},
        seed=options.seed,
        seeds=options.seeds,
    )
    found = run_compare(workspace, spec, show_progress(options.json)).to_json() | report_log(log)
    return found | ({"test": report_log(test)} if test else {})


def _run_models(workspace: Workspace, _options: argparse.Namespace) -> Result:
    catalogs = {catalog.id: catalog for catalog in workspace.catalogs.list()}
    return {
        "models": [
            {
                "version": one.id,
                "catalog": catalogs[one.catalog_id].name,
                "active": catalogs[one.catalog_id].version == one.id,
                "backbone": one.backbone,
                "has_log": one.has_log,
                "created_at": one.created_at,
                "verdict": one.metrics.get("verdict", ""),
                "recommendation": one.metrics.get("recommendation", ""),
            }
            for one in workspace.versions.list()
        ]
    }


def _run_activate(workspace: Workspace, options: argparse.Namespace) -> Result:
    spec = ActivateSpec(version="" if options.version == "none" else options.version, catalog=options.catalog)
    return activate_version(workspace, spec, show_progress(options.json)).to_json()


def _run_recommend(workspace: Workspace, options: argparse.Namespace) -> Result:
    if options.history and options.user:
        raise TrainError("Name a person or a history, not both.")
    if options.history:
        liked = split_ids(options.history)
        return recommend_history(workspace, liked, options.catalog, options.version, options.k).to_json()
    return recommend_user(workspace, options.user, options.catalog, options.version, options.k).to_json()


def _draw_line(result: Result) -> None:
    say(result["message"])


def _draw_train(result: Result) -> None:
    say(result["recommendation"])
    for row in result["rows"]:
        if row.get("note"):
            say(f"  {row['name']:<36} not measured: {row['note']}")
            continue
        interval = f"({row['low']:.4f} to {row['high']:.4f})"
        say(f"  {row['name']:<36} {row['metric']:<10} {row['value']:.4f}  {interval}  of {row['count']:,}")
    if result.get("replay_summary"):
        say(result["replay_summary"])
    say(f"Version {result['version']}; let it serve with: python -m core activate {result['version']}")


def _draw_evaluate(result: Result) -> None:
    last = result["seed"] + result["seeds"] - 1
    seeds = f"seed {last}" if result["seeds"] == 1 else f"means over seeds {result['seed']} to {last}"
    say(
        f"{result['split']}: {count_noun(result['users'], 'test user')}, {count_noun(result['items'], 'item')}, {seeds}"
    )
    kinds = {name.removesuffix("_ndcg@10"): count for name, count in result["counts"].items() if "_ndcg@10" in name}
    if kinds:
        told = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in kinds.items())
        say(f"Test users of each kind: {told}")
    for row in result["models"]:
        if "error" in row:
            say(f"  {row['model']:<20} not measured: {row['error']}")
            continue
        cold = "" if row["cold_ndcg@10"] is None else f"  cold {row['cold_ndcg@10']:.4f}"
        low, high = row["interval"]
        lead = "  fusion {:+.4f} ({:+.4f} to {:+.4f})".format(*row["fusion_lead"]) if row["fusion_lead"] else ""
        say(
            f"  {row['model']:<20} ndcg@10 {row['ndcg@10']:.4f} ({low:.4f} to {high:.4f})  "
            f"recall@10 {row['recall@10']:.4f}{cold}{lead}  {row['fit_seconds']:.1f} s{_name_memory(row)}"
        )
        for line in _describe_fit(row):
            say(f"    {line}")
    for note in result["notes"]:
        say(note)


def _name_memory(row: Mapping[str, Any]) -> str:
    return "" if row.get("peak_bytes") is None else f"  {row['peak_bytes'] / 2**20:,.0f} MB"


def _describe_fit(row: Mapping[str, Any]) -> Iterator[str]:
    """What a model chose by itself, and what it had that others had not."""
    if row.get("chosen"):
        ranges = ((name, [one[name] for one in row["chosen"]]) for name in row["chosen"][0])
        said = [f"{name} {min(found):g}" + f" to {max(found):g}" * (len(set(found)) > 1) for name, found in ranges]
        yield f"chosen in {row['tuning_seconds']:.1f} s: {', '.join(said)}"
    if row.get("at_edge"):
        yield f"the best of what was tried stood at its edge: {', '.join(row['at_edge'])}"
    if row.get("saw_test_histories"):
        yield "saw the test people's histories in its fit"


def _draw_models(result: Mapping[str, Any]) -> None:
    for one in result["models"]:
        mark = "*" if one["active"] else " "
        say(f"{mark} {one['version']}  {one['catalog']}  {one['created_at']}  {one['recommendation']}")
    if not result["models"]:
        say("No version has been trained yet. Train one: python -m core train --catalog NAME")


def _draw_recommend(result: Result) -> None:
    for one in result["suggestions"]:
        say(f"{one['rank']:>3}  {one['score']:7.3f}  {one['title']}  ({one['item_id']})")
    say(result["message"])
