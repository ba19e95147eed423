"""What all commands of the command line share."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from core.cli.terminal import say
from core.progress import Meter
from core.workspace import Workspace

Result = dict[str, Any]


def add_command(
    commands: Any,
    name: str,
    text: str,
    run: Callable[[Workspace, argparse.Namespace], Result],
    draw: Callable[[Result], None],
) -> argparse.ArgumentParser:
    """Add a command that runs over a workspace and draws what it returns."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    # Both places, before and after the command; the later one wins only when it is given.
    parser.add_argument("--home", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.set_defaults(run=run, draw=draw)
    return parser


def show_progress(quiet: bool) -> Meter:
    """A line on stderr that is written over, where somebody looks at it."""
    visible = not quiet and sys.stderr.isatty()

    def show(stage: str, done: int, total: int, rate: float | None) -> None:
        if not visible:
            return
        count = f" {done:,} of {total:,}" if total else ""
        left = f", {(total - done) / rate:,.0f} s left" if rate and total else ""
        print(f"\r\033[K{stage}{count}{left}", end="\n" if total and done == total else "", file=sys.stderr, flush=True)

    return Meter(show)


def end_process(code: int) -> NoReturn:
    """End as `sys.exit` does; a process that only helped others to train ends at once.

    What is left of torch's threads can abort a process that takes itself apart, and torchrun then ends all of them.
    """
    if int(os.environ.get("RANK", "0")):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def draw_values(result: Result) -> None:
    """Name and value of each result, in one line."""
    say(", ".join(f"{key}: {value}" for key, value in result.items()))


def place_problem(row: int) -> str:
    """Where a problem is: "row 3", or "file" for one of the whole file."""
    return f"row {row:,}" if row else "file"
