"""A version's card in words, for whoever has to answer for it."""

from collections.abc import Mapping
from typing import Any

FILE = "MODEL_CARD.md"


def build_model_card(card: Mapping[str, Any]) -> str:
    """Markdown from what `card.json` holds.

    Raises:
        KeyError: The card lacks what every version has.
    """
    metrics = card["metrics"]
    learned = "its interaction log and its pictures and texts" if card["has_log"] else "its pictures and texts alone"
    rows = "\n".join(
        f"| {row['name']} | {row['metric']} | {row['value']:.4f} | {row['low']:.4f} to {row['high']:.4f} "
        f"| {row['count']:,} |"
        for row in metrics["rows"]
    )
    settings = "\n".join(f"- {name}: {value}" for name, value in sorted(card["config"].items()))
    return f"""# Version {card["version"]}

A fusion model for the catalogue “{card["catalog"]}” ({card["items"]:,} items), on the image-text model
{card["backbone"]}, learned from {learned}.

## What it is for

Suggestions within this catalogue{" to people with a history, and to newcomers" if card["has_log"] else ""}. It knows
nothing of other catalogues, and its scores are no chances of a purchase.

## Did training help?

{metrics["recommendation"]}

Measured once on {metrics["tested"]:,} {"people" if card["has_log"] else "items"} held out by {metrics["split"]};
everything was chosen without them. Intervals are 95 % bootstrap intervals.

| what | measure | value | interval | cases |
|---|---|---|---|---|
{rows}

## How it was made

Blend towards the tuned model: {metrics["blend"]:.0%}.
Best after {metrics["steps"]:,} steps; {metrics["seconds"]:,.0f} s.
Fingerprint of the data: {card["fingerprint"]}.

{settings}
"""
