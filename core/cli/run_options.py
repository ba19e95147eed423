"""The options that say how a run learns, and how what is typed beside --resume must agree with the run."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.cli.file_options import has_choices
from core.cli.log import build_log_parts, find_log
from core.cli.number_options import seed
from core.errors import TrainError
from core.interactions.log_file import LogFile
from core.train.config import DEFAULT_PRESET, PRESETS, read_config
from core.work.train_catalog import DEVICES, TrainSpec, read_device
from core.workspace import Workspace

#: Of how a file is read, the options that say so.
_READING = {"encoding": "--encoding", "delimiter": "--delimiter", "sheet": "--sheet", "header_row": "--header-row"}


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add what training and the search for settings share; what is not typed is None."""
    parser.add_argument(
        "--interactions", type=Path, metavar="FILE", help="a log (default: the catalogue's own, if any)"
    )
    parser.add_argument("--no-log", action="store_true", default=None, help="learn from the catalogue alone")
    parser.add_argument("--device", choices=DEVICES, help="default: what is there")
    add_settings(parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", choices=PRESETS, help=f"settings to begin with (default: {DEFAULT_PRESET})")
    parser.add_argument("--config", type=Path, metavar="FILE", help="JSON with settings, which go before the preset's")
    parser.add_argument("--seed", type=seed, metavar="N", help="goes before the file's (default: 0)")


def read_run(options: argparse.Namespace, log: LogFile | None) -> TrainSpec:
    """What is to be trained, or bettered by a search, as it is typed.

    Raises:
        TrainError: No catalogue is named, or the settings cannot be read or contradict each other.
    """
    spec = TrainSpec(
        catalog=options.catalog,
        preset=options.preset or DEFAULT_PRESET,
        config=read_config(options.config) if options.config else {},
        **build_log_parts(log),
        use_log=not options.no_log,
        tuning=getattr(options, "tuning", None) or "",
        device=options.device or "",
        seed=options.seed,
        wandb=bool(getattr(options, "wandb", False)),
    )
    spec.build_config()
    return spec


def check_resumed(workspace: Workspace, options: argparse.Namespace, spec: TrainSpec) -> None:
    """See that what is typed beside --resume is what the run began with.

    Raises:
        WishlightError: An option differs, or a file that it names cannot be read.
    """
    config = spec.build_config()
    named = options.catalog and workspace.catalogs.find(options.catalog).name
    file = read_config(options.config) if options.config else {}
    log = build_log_parts(
        find_log(workspace, argparse.Namespace(**vars(options) | {"catalog": spec.catalog}), quiet=True)
    )
    typed = {
        "--catalog": named or None,
        "--preset": options.preset,
        "--config": file or None,
        "--tuning": getattr(options, "tuning", None),
        "--seed": options.seed,
        "--device": read_device(options.device).device if options.device else None,
        "--no-log": options.no_log,
        "--wandb": getattr(options, "wandb", None),
        "--interactions": log.get("interactions"),
        **(reading := _name_reading(log["reading"]) if log and has_choices(options) else {}),
    }
    whole_config = config.to_json()
    saved = {
        "--catalog": spec.catalog,
        "--preset": spec.preset,
        "--config": {name: whole_config[name] for name in file},
        "--tuning": config.tuning,
        "--seed": config.seed,
        "--device": read_device(spec.device).device if options.device else None,
        "--no-log": not spec.use_log,
        "--wandb": spec.wandb,
        "--interactions": spec.interactions,
        **dict.fromkeys(reading),
        **_name_reading(spec.reading),
    }
    check_typed(typed, saved)


def _name_reading(reading: Mapping[str, Any]) -> dict[str, Any]:
    """How a log is read, by the options that say so."""
    options = dict(reading.get("options", {}))
    named = {} if "has_header" not in options else {"--no-header": not options.pop("has_header")}
    named |= {_READING.get(name, f"the file's {name}"): value for name, value in options.items()}
    return named | {f"--map {target}": column for target, column in reading.get("columns", {}).items()}


def check_typed(typed: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    """Compare options with what a run began with.

    Args:
        typed: Option, as it is written, to its value; None where it is not typed.
        saved: The same options to what the run began with.

    Raises:
        TrainError: One differs; the message names it and both values.
    """
    for option, value in typed.items():
        if value is not None and value != saved[option]:
            raise TrainError(
                f"You typed {option} {_show(value)}, and this run began with {_show(saved[option])}. Leave {option} "
                "out to go on, or start a new run without --resume."
            )


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(f"“{one}”" for one in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"“{value}”" if isinstance(value, str) and value else str(value or "none") if value != 0 else "0"
