"""Numbers that are typed on the command line, as types of argparse: each says what it may be."""

import argparse
import math
from collections.abc import Callable

#: Of seeds: numpy takes no more.
MOST_SEED = 2**32 - 1
#: Of what is printed or explained.
MOST_ROWS = 100_000


def whole(low: int, high: int) -> Callable[[str], int]:
    """Reads whole numbers between two, both included."""

    def read(text: str) -> int:
        # No spaces, underscores or digits of other scripts, which Python would take.
        digits = text[1:] if text[:1] in ("-", "+") else text
        if digits.isascii() and digits.isdecimal() and len(digits) < 20 and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(f"{_show(text)} is no whole number from {low:,} to {high:,}")

    return read


def share(text: str) -> float:
    """Reads numbers from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if 0 <= value <= 1:
        return value
    raise argparse.ArgumentTypeError(f"{_show(text)} is no number from 0 to 1")


def _show(text: str) -> str:
    return repr(text if len(text) <= 30 else f"{text[:30]}…")


seed = whole(0, MOST_SEED)
