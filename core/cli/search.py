"""The search for better settings on the command line."""

import argparse
import json
import shlex
import uuid
from pathlib import Path
from typing import Any

from core.cli.command import Result, add_command, show_progress
from core.cli.file_options import add_file_options
from core.cli.log import find_log, report_log
from core.cli.number_options import whole
from core.cli.run_options import add_run_options, check_resumed, check_typed, read_run
from core.cli.terminal import say, warn
from core.errors import TrainError
from core.interactions.aliases import LOG_TARGETS
from core.kept import read_kept
from core.train.config import TrainConfig
from core.train.space import TASK_PREFIX
from core.work.runs import find_run
from core.work.search_catalog import LEAST_TRIALS, MOST_TRIALS, SearchSpec, run_search
from core.workspace import Workspace

_TRIALS = 20


def add_search_commands(commands: Any) -> None:
    """Add the command to the parser of `python -m core`."""
    search = add_command(commands, "search", "search better settings for training", _run_search, _draw_search)
    search.add_argument("--catalog", metavar="NAME", default="", help="needed unless a search is gone on with")
    add_run_options(search)
    trials = whole(LEAST_TRIALS, MOST_TRIALS)
    search.add_argument("--trials", type=trials, metavar="N", help=f"how many settings to try (default: {_TRIALS})")
    search.add_argument("--resume", metavar="RUN", default="", help="go on with a search that was stopped")
    search.add_argument("--out", type=Path, metavar="FILE", help="write the best settings as JSON, for train --config")
    add_file_options(search, LOG_TARGETS, "the log")


def _run_search(workspace: Workspace, options: argparse.Namespace) -> Result:
    if options.out and not options.out.absolute().parent.is_dir():
        raise TrainError(f"There is no folder {options.out.absolute().parent} to write the settings to. Make it first.")
    log = None
    if options.resume:
        run_id, kept = find_run(workspace.home, options.resume)
        if "trials" not in kept:
            raise TrainError(
                f"This run is no search. Go on with it: python -m core {'audit' if 'maps' in kept else 'train'} "
                f"--resume {run_id[:12]}"
            )
        spec = read_kept(SearchSpec.from_json, kept)
        check_typed({"--trials": options.trials}, {"--trials": spec.trials})
        check_resumed(workspace, options, spec.train)
    elif not options.catalog:
        raise TrainError("Name the catalogue with --catalog, or a search to go on with by --resume.")
    else:
        log = find_log(workspace, options)
        run_id = uuid.uuid4().hex
        spec = SearchSpec(train=read_run(options, log), trials=options.trials or _TRIALS)
    found = run_search(workspace, spec, run_id, show_progress(options.json), tell=warn)
    out = _write_config(options.out, found.result.config, run_id) if options.out else ""
    return {"run": run_id, **found.to_json(), "out": out, **report_log(log)}


def _write_config(path: Path, config: TrainConfig, run_id: str) -> str:
    try:
        path.write_text(json.dumps(config.to_json(), indent=2) + "\n", "utf-8")
    except OSError as exc:
        raise TrainError(
            f"The settings cannot be written to {path} ({exc.strerror}). The search is kept; choose another file: "
            f"python -m core search --resume {run_id[:12]} --out FILE"
        ) from exc
    return str(path)


def _draw_search(result: Result) -> None:
    best = result["best"]
    for row in _table(result):
        say("  ".join(row))
    say(f"Best: trial {best['number']}, {result['metric']} {best['value']:.4f} in validation.")
    seed = f" --seed {result['seed']}" if result["seed"] else ""
    if result["out"]:
        names = f"--catalog {shlex.quote(result['catalog'])} --config {shlex.quote(result['out'])}"
        say(f"Train with it: python -m core train {names}{seed}")
    else:
        say(f"Write the settings down: python -m core search --resume {result['run'][:12]} --out best.json")


def _table(result: Result) -> list[list[str]]:
    """Rows of equally wide cells, the header first."""
    names = list(result["best"]["settings"])
    rows = [["trial", "state", result["metric"], "epochs", "s", *(name.removeprefix(TASK_PREFIX) for name in names)]]
    for one in result["trials"]:
        value = "" if one["value"] is None else f"{one['value']:.4f}"
        settings = [f"{one['settings'][name]:.3g}" if name in one["settings"] else "" for name in names]
        rows.append([str(one["number"]), one["state"], value, str(one["epochs"]), f"{one['seconds']:.0f}", *settings])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [[cell.rjust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
