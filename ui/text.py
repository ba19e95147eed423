"""Texts from outside, made harmless, and numbers as people write them."""

import math
import re
from decimal import Decimal

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:<>$&@])")


def escape_markdown(text: str) -> str:
    """The text with every character escaped that Markdown or Streamlit's directives could take up."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


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
