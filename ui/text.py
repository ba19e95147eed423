"""Texts from outside, made harmless, and numbers as people write them."""

import math
import re
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.wording import count_noun

#: What Markdown or Streamlit's directives take up anywhere in a line; as little as that, for a screen reader reads the
#: label of a field as it was written.
_MARKDOWN = re.compile(r"(?<=[^\W_])_(?=[^\W_])|(?<=[^\W_])#(?=[^\W_])|:(?= )|&(?![#\w])|([\\`*_\[\]{}#|~:<$&])")
#: And what they take up where a line begins.
_BEGINNING = re.compile(r"\A(\d*)([-+=>.)])")
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
#: Where a text is cut in two for the page: Streamlit looks through what has been parsed, so behind every escape, for
#: addresses (www., http://, a@b.c), :emoji:, :material/icons: and arrows (->, <=, --), and finds none across a cut.
_SEAMS = re.compile(r"(?<=:)(?=\S)|(?<=www)(?=\.)|(?<=\S)(?=@)|(?<=[-<>~])(?=[-=>])", re.IGNORECASE)
#: An empty element, so that neither what is seen nor what is copied has a character more.
_SEAM = ":color[]"


def escape_markdown(text: str) -> str:
    """The text as Markdown that shows exactly its characters, in one line, wherever Streamlit reads Markdown."""
    parts = _SEAMS.split(_BLANKS.sub(" ", text).strip())
    line = _SEAM.join(_MARKDOWN.sub(_escape, part) for part in parts)
    return _BEGINNING.sub(r"\1\\\2", line)


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[1]}" if found[1] else found[0]


def format_price(price: Decimal | None, currency: str) -> str:
    """A price for a card, e.g. "€ 1,234.50"; "" when unknown."""
    if price is None:
        return ""
    symbol = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "KRW": "₩"}.get(
        currency, currency
    )
    return f"{symbol} {price:,.2f}".strip()


def format_duration(seconds: float) -> str:
    """A duration in its two largest units, e.g. "2 min 5 s"."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def format_moment(moment: float, now: float, zone: str | None) -> str:
    """When something was, from now and exactly, e.g. "5 min ago (27 Nov 2026, 14:03)".

    Args:
        moment: Seconds since the epoch.
        now: The same.
        zone: Name of the visitor's time zone; None or an unknown one for the server's.
    """
    try:
        exact = datetime.fromtimestamp(moment, ZoneInfo(zone) if zone else None)
    except (ZoneInfoNotFoundError, ValueError):
        exact = datetime.fromtimestamp(moment)
    passed = max(now - moment, 0)
    units = ((86400, "day"), (3600, "hour"), (60, "minute"))
    ago = next((f"{count_noun(int(passed // size), name)} ago" for size, name in units if passed >= size), "just now")
    return f"{ago} ({exact:%-d %b %Y, %H:%M})"


def format_estimate(seconds: float) -> str:
    """A duration nobody knows exactly, rounded up in one unit, e.g. "3 min"."""
    if seconds <= 60:
        return f"{max(math.ceil(seconds / 10), 1) * 10} s"
    if seconds <= 5400:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds / 1800) / 2:g} h"


def format_rate(rate: float) -> str:
    """Units a second in the largest unit of time that makes it at least one, e.g. "20 an hour"."""
    if rate >= 1:
        return f"{rate:,.0f} a second"
    return f"{rate * 60:,.0f} a minute" if rate * 60 >= 1 else f"{rate * 3600:,.0f} an hour"
