"""The command line: `python -m core --help`."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from core.catalog.importing.sample import SAMPLE_NAME
from core.cli.audit import add_audit_commands
from core.cli.command import Result, add_command, draw_values, show_progress
from core.cli.deletion import NOTHING_DONE, add_deletion_command
from core.cli.expectations import add_expectation_commands
from core.cli.explain import add_explain_commands
from core.cli.importing import add_import_command, draw_import, run_sample
from core.cli.log import add_log_command
from core.cli.search import add_search_commands
from core.cli.suggest import add_suggest_command
from core.cli.terminal import complain, prepare_terminal, say, say_json
from core.cli.training import add_training_commands
from core.encode.registry import BACKBONES, EMBEDDED
from core.errors import WishlightError
from core.failures import plain_failures
from core.home import HOME_VARIABLE, open_home
from core.wording import count_noun
from core.work.encode_catalog import EncodeSpec, encode_catalog
from core.work.rebuild import rebuild
from core.workspace import Workspace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, or 1 after an expected error said in one sentence on stderr; wrong usage exits with 2, and with 3 what only
        said what it would delete.
    """
    # Threads that wait must not spin: whatever else works on this machine wants the same processors.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    prepare_terminal()
    options = _read_options(arguments)
    try:
        with plain_failures():
            result = options.run(Workspace(open_home(options.home)), options)
        if result and options.json:
            say_json(result)
        elif result:  # else one of several processes, and not the one that writes
            options.draw(result)
    except WishlightError as exc:
        complain(str(exc))
        return 1
    except KeyboardInterrupt:
        complain("Stopped; what was done so far stays.")
        return 1
    return NOTHING_DONE if result.get("deleted") is False else 0


def _read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _build_parser()
    options = parser.parse_args(arguments)
    for name, value in vars(options).items():
        # Bytes that are no text cannot be kept with a catalogue; in names of files they are fine.
        texts = value if isinstance(value, list) else [value]
        if any("\ud800" <= letter <= "\udfff" for text in texts if isinstance(text, str) for letter in text):
            parser.error(f"argument {name}: this is no text in the encoding of this system")
    return options


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description="Wishlight on the command line.")
    parser.add_argument("--home", help=f"the data folder (default: ${HOME_VARIABLE}, then .wishlight)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_import_command(commands)
    add_suggest_command(commands)
    add_command(commands, "catalogs", "list the catalogues", _run_catalogs, _draw_catalogs)
    add_command(commands, "rebuild", "make everything derived anew", _run_rebuild, draw_values)
    add_command(commands, "backbones", "list the image-text models", _run_backbones, _draw_backbones)
    sample = add_command(commands, "sample", "load the sample catalogue", run_sample, draw_import)
    sample.add_argument("--backbone", default=EMBEDDED)
    encode = add_command(commands, "encode", "let another image-text model serve a catalogue", _run_encode, draw_values)
    encode.add_argument("--catalog", required=True)
    encode.add_argument("--backbone", required=True)
    add_log_command(commands)
    add_training_commands(commands)
    add_search_commands(commands)
    add_expectation_commands(commands)
    add_explain_commands(commands)
    add_audit_commands(commands)
    add_deletion_command(commands)
    return parser


def _run_catalogs(workspace: Workspace, _options: argparse.Namespace) -> Result:
    keys = ("name", "domain", "items", "pictures", "backbone")
    return {"catalogs": [{key: getattr(one, key) for key in keys} for one in workspace.catalogs.list()]}


def _run_rebuild(workspace: Workspace, options: argparse.Namespace) -> Result:
    return rebuild(workspace, progress=show_progress(options.json)).to_json()


def _run_backbones(_workspace: Workspace, _options: argparse.Namespace) -> Result:
    return {"backbones": [asdict(one) | {"languages": sorted(one.languages)} for one in BACKBONES]}


def _run_encode(workspace: Workspace, options: argparse.Namespace) -> Result:
    spec = EncodeSpec(catalog=options.catalog, backbone=options.backbone)
    return encode_catalog(workspace, spec, show_progress(options.json)).to_json()


def _draw_catalogs(result: Result) -> None:
    for one in result["catalogs"]:
        say(
            f"{one['name']}: {count_noun(one['items'], 'item')}, {count_noun(one['pictures'], 'picture')}, "
            f"{one['domain']}, {one['backbone']}"
        )
    if not result["catalogs"]:
        say(f"There is no catalogue yet. Load the sample: python -m core sample (makes “{SAMPLE_NAME}”).")


def _draw_backbones(result: Mapping[str, Any]) -> None:
    for one in result["backbones"]:
        size = f"{one['download_mb']:,} MB to download" if one["needs_download"] else "nothing to download"
        say(f"{one['name']}: {one['good_for']} {size}; {one['dimension']} dimensions; {one['licence']}")
