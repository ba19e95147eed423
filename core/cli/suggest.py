"""Suggestions on the command line: suggest."""

import argparse
from pathlib import Path
from typing import Any

from PIL import Image

from core.cli.command import Result, add_command
from core.cli.number_options import MOST_ROWS, share, whole
from core.cli.terminal import say
from core.errors import NeedError
from core.store.filters import parse_filter
from core.suggest.need import Need, list_matches, split_avoid
from core.wording import count_noun
from core.workspace import Workspace


def add_suggest_command(commands: Any) -> None:
    """Add the command `suggest` to the parser of `python -m core`."""
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


def _draw_suggest(result: Result) -> None:
    for one in result["suggestions"]:
        say(f"{one['rank']:>3}  {one['score']:6.2f}  {one['strength']:<6}  {one['title']}  ({one['catalog']})")
    say(f"{len(result['suggestions'])} of {count_noun(result['candidates'], 'item')}, {result['ms']:.0f} ms")
    for note in result["notes"]:
        say(note)
