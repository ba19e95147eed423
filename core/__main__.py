"""The command line: `python -m core --help`."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from PIL import Image

from core.audit_commands import add_audit_commands
from core.catalog.mapping import TARGETS
from core.catalog.sample import SAMPLE_NAME, sample_spec
from core.catalog.schema import DOMAINS
from core.command import Result, add_command, draw_values, end_process, place_problem, show_progress
from core.config import HOME_VARIABLE, open_home
from core.deletion_commands import NOTHING_DONE, add_deletion_command
from core.encode.registry import BACKBONES, EMBEDDED
from core.errors import NeedError, WishlightError
from core.expectation_commands import add_expectation_commands
from core.explain_commands import add_explain_commands
from core.failures import plain_failures
from core.file_options import add_file_options, read_choices, report_file, tell_file
from core.jobs.encoding import encode_catalog
from core.jobs.import_catalog import run_import
from core.jobs.import_report import tell_unspoken
from core.jobs.open_import import import_opened, open_import
from core.jobs.rebuild import rebuild
from core.log_commands import add_log_command
from core.number_options import MOST_ROWS, share, whole
from core.search_commands import add_search_commands
from core.store.filters import parse_filter
from core.suggest.need import Need, list_matches, split_avoid
from core.terminal import complain, prepare_terminal, say, say_json
from core.training_commands import add_training_commands
from core.wording import count_noun
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
    _add_import(commands)
    _add_suggest(commands)
    add_command(commands, "catalogs", "list the catalogues", _run_catalogs, _draw_catalogs)
    add_command(commands, "rebuild", "make everything derived anew", _run_rebuild, draw_values)
    add_command(commands, "backbones", "list the image-text models", _run_backbones, _draw_backbones)
    sample = add_command(commands, "sample", "load the sample catalogue", _run_sample, _draw_import)
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


def _add_import(commands: Any) -> None:
    parser = add_command(commands, "import", "import a catalogue file", _run_import, _draw_import)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--name", required=True, help="the catalogue to write to, made when missing")
    parser.add_argument("--images", type=Path, metavar="DIR|ZIP", help="where relative picture paths lead")
    parser.add_argument("--domain", choices=DOMAINS)
    parser.add_argument("--currency", default="", help="for prices that name none, e.g. EUR")
    parser.add_argument("--backbone", default="", help=f"for a new catalogue (default: {EMBEDDED})")
    parser.add_argument("--no-fetch", action="store_true", help="leave web addresses of pictures alone")
    add_file_options(parser, (*TARGETS, "attribute:NAME"))


def _add_suggest(commands: Any) -> None:
    parser = add_command(commands, "suggest", "suggest items for a need", _run_suggest, _draw_suggest)
    parser.add_argument("need", metavar="NEED", nargs="?", default="")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--catalog", action="append", default=[], metavar="NAME")
    where.add_argument("--all", action="store_true", help="look in every catalogue (the default)")
    parser.add_argument("-k", type=whole(1, MOST_ROWS), default=10)
    parser.add_argument("--image", type=Path, metavar="FILE")
    parser.add_argument("--blend", type=share, help="weight of --image against the text, 0 to 1 (default: 0.5)")
    parser.add_argument("--avoid", action="append", default=[], metavar="TEXT")
    parser.add_argument("--where", action="append", default=[], metavar="FIELD=VALUE|FIELD<N")
    parser.add_argument("--match", choices=list_matches(), default="both")
    parser.add_argument("--variety", type=share, default=0.0, help="0 ranks by score alone, 1 by difference")


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


def _run_suggest(workspace: Workspace, options: argparse.Namespace) -> Result:
    text, avoid = split_avoid(options.need)
    if options.blend is not None and options.image is None:
        raise NeedError("--blend weighs a picture against the text. Name the picture with --image, or leave it out.")
    need = Need(
        text=text,
        avoid=(*avoid, *options.avoid),
        image=None if options.image is None else _read_image(workspace, options.image),
        blend=0.5 if options.blend is None else options.blend,
        catalogs=tuple(options.catalog),
        filters=tuple(parse_filter(where) for where in options.where),
        match=options.match,
        variety=options.variety,
    )
    found = workspace.suggester.suggest(need, limit=options.k)
    return {
        "suggestions": [
            {
                "rank": one.rank,
                "item_id": one.stored.item.item_id,
                "catalog": one.catalog,
                "domain": one.stored.item.domain,
                "title": one.stored.item.title,
                "score": round(one.score, 4),
                "strength": one.strength,
                "parts": {name: round(part, 4) for name, part in one.parts.items()},
            }
            for one in found.page
        ],
        "candidates": found.candidates,
        "ms": round(found.milliseconds, 1),
        "models": list(found.models),
        "notes": list(found.notes),
    }


def _read_image(workspace: Workspace, path: Path) -> Image.Image:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise NeedError(f"The picture {path} cannot be read ({exc.strerror}).") from exc
    return workspace.open_need_picture(workspace.keep_need_picture(data))


def _run_catalogs(workspace: Workspace, _options: argparse.Namespace) -> Result:
    keys = ("name", "domain", "items", "pictures", "backbone")
    return {"catalogs": [{key: getattr(one, key) for key in keys} for one in workspace.catalogs.list()]}


def _run_rebuild(workspace: Workspace, options: argparse.Namespace) -> Result:
    return dict(rebuild(workspace, progress=show_progress(options.json)))


def _run_backbones(_workspace: Workspace, _options: argparse.Namespace) -> Result:
    return {"backbones": [asdict(one) | {"languages": sorted(one.languages)} for one in BACKBONES]}


def _run_sample(workspace: Workspace, options: argparse.Namespace) -> Result:
    return run_import(workspace, sample_spec(backbone=options.backbone), progress=show_progress(options.json)).to_json()


def _run_encode(workspace: Workspace, options: argparse.Namespace) -> Result:
    return dict(encode_catalog(workspace, options.catalog, options.backbone, show_progress(options.json)))


def _draw_import(result: Result) -> None:
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


def _draw_suggest(result: Result) -> None:
    for one in result["suggestions"]:
        say(f"{one['rank']:>3}  {one['score']:6.2f}  {one['strength']:<6}  {one['title']}  ({one['catalog']})")
    say(f"{len(result['suggestions'])} of {count_noun(result['candidates'], 'item')}, {result['ms']:.0f} ms")
    for note in result["notes"]:
        say(note)


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


if __name__ == "__main__":
    end_process(main())
