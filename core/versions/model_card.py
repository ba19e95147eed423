"""A version's card in words, for whoever has to answer for it."""

import re
from collections.abc import Mapping
from typing import Any

from core.wording import count_noun

FILE = "MODEL_CARD.md"


def build_model_card(card: Mapping[str, Any]) -> str:
    """Markdown from what `card.json` holds.

    Raises:
        KeyError: The card lacks what every version has.
    """
    metrics = card["metrics"]
    learned = "its interaction log and its pictures and texts" if card["has_log"] else "its pictures and texts alone"
    rows = "\n".join(_describe_row(row) for row in metrics["rows"])
    done = {**card["config"], **card.get("computed", {})}  # versions of earlier releases say nothing of the machine
    settings = "\n".join(f"- {name}: {value}" for name, value in sorted(done.items()))
    return f"""# Version {card["version"]}

A fusion model for the catalogue “{card["catalog"]}” ({count_noun(card["items"], "item")}), on the image-text model
{card["backbone"]}, learned from {learned}.

## What it is for

Suggestions within this catalogue{" to people with a history, and to newcomers" if card["has_log"] else ""}. It knows
nothing of other catalogues, and its scores are no chances of a purchase.

## Did training help?

{metrics["recommendation"]}

Measured once on {describe_tested(metrics)} {"people" if card["has_log"] else "titles"} held out by {metrics["split"]};
everything was chosen without them. {_describe_needed(metrics)}

| what | measure | value | interval | cases |
|---|---|---|---|---|
{rows}
{_describe_replay(metrics)}
## How it was made

Blend towards the tuned model: {metrics["blend"]:.0%}.
Best after {count_noun(metrics["steps"], "step")}; {metrics["seconds"]:,.0f} s.
Fingerprint of the data: {card["fingerprint"]}.

{settings}
"""


def _describe_needed(metrics: Mapping[str, Any]) -> str:
    """What the intervals are; versions of earlier releases were judged by a bootstrap of any number of cases."""
    if "needed" not in metrics:
        return "Intervals are 95 % bootstrap intervals."
    return (
        f"Intervals hold at 95 %, also where cases are few (Gaffke 2005); below {metrics['needed']} of them nothing is "
        "called a gain or a loss."
    )


def describe_tested(metrics: Mapping[str, Any]) -> str:
    """How many were tested, and of how many where they are a sample."""
    held_out = metrics.get("held_out", 0)
    return f"{metrics['tested']:,}" + (f" of {held_out:,}" if held_out > metrics["tested"] else "")


def _describe_row(row: Mapping[str, Any]) -> str:
    if row.get("note"):
        return f"| {row['name']} | {row['metric']} | – | {_inline(row['note'])} | 0 |"
    interval = f"{row['low']:.4f} to {row['high']:.4f}"
    return f"| {row['name']} | {row['metric']} | {row['value']:.4f} | {interval} | {row['count']:,} |"


def _describe_replay(metrics: Mapping[str, Any]) -> str:
    """A section on the needs that a person saved, "" where none was replayed."""
    if not metrics.get("replay_summary"):
        return ""
    lines = [f"\n## Needs that must keep working\n\n{_inline(metrics['replay_summary'])}\n"]
    if metrics["replay"]:
        lines.append("Ranks under what served when it was trained, and under this version if it served.\n")
        lines.append("| need | expected item | before | after | what moved |\n|---|---|---|---|---|")
    for one in metrics["replay"]:
        before, after = ("not found" if rank is None else rank for rank in (one["before"], one["after"]))
        item = f"{_inline(one['title'])} ({_inline(one['item_id'])})"
        lines.append(f"| {_inline(one['need'])} | {item} | {before} | {after} | {one['verdict']} |")
    return "\n".join(lines) + "\n"


def _inline(text: str) -> str:
    """A text of a person or a file in one line that breaks no table and no page."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(text.split()))
