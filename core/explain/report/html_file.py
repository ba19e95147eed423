"""An explanation as one HTML file that needs nothing else: no script, no address, nothing loaded."""

import base64
from collections.abc import Sequence
from html import escape

from core.catalog.schema import Item
from core.explain.dropped_words import drop_words, is_stop_word
from core.explain.explanation import FAINT, Explanation, WordEffect, player_names
from core.explain.pictures.maps import Looked
from core.explain.pictures.overlay import overlay
from core.explain.report.sentence import describe

#: What the file may load: the picture that it holds, and nothing from anywhere.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
#: Characters of a description that are shown.
_LONGEST = 600
#: Of what `mark_text` gives.
MARK_STYLE = """
.wl-marked { line-height: 1.9; overflow-wrap: anywhere; margin: 0.1rem 0; padding-left: 6.2rem; }
.wl-label { display: inline-block; width: 6.2rem; margin-left: -6.2rem; font-size: 0.85rem; opacity: 0.75; }
@media (max-width: 640px) { .wl-marked { padding-left: 0; } .wl-label { display: block; margin-left: 0; } }
.wl-marked mark { color: inherit; border-radius: 0.3rem; padding: 0.05rem 0.25rem; }
.wl-for { background: color-mix(in srgb, #2B8A3E calc(var(--strength) * 42%), transparent); }
.wl-against { background: color-mix(in srgb, #D9480F calc(var(--strength) * 42%), transparent); }
.wl-marked sup { font-weight: 700; margin-left: 0.1rem; }
"""
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 0.3rem 0.6rem; }
tr + tr { border-top: 1px solid #8884; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
.bar { display: inline-block; height: 0.7rem; border-radius: 0.35rem; background: #2B8A3E; }
.minus { background: #D9480F; } img { max-width: 16rem; border-radius: 0.5rem; }
"""


def list_texts(found: Explanation, item: Item) -> dict[str, str]:
    """The texts whose words an explanation weighs, and what is to be avoided: field to text, as `WordEffect.field`."""
    description = item.description[:_LONGEST] + ("…" if len(item.description) > _LONGEST else "")
    return {"need": found.need, "avoid": ", ".join(found.avoid), "title": item.title, "description": description}


def build_report(found: Explanation, texts: dict[str, str], looked: Looked | None) -> str:
    """The whole file.

    Args:
        found: The explanation.
        texts: What `list_texts` gives.
        looked: The map of the picture; None where nobody asked for one.
    """
    rank = "not ranked" if found.rank is None else f"rank {found.rank:,}"
    parts = [
        f"<h1>Why “{escape(found.title)}”?</h1>",
        f"<p><strong>{escape(describe(found))}</strong></p>",
        f"<p>{rank} in {escape(found.catalog)}, score {found.score:.2f}. This is what the model relied on; it says "
        "nothing about why people buy.</p>",
        _picture(looked, found.title),
        *(mark_text(label.capitalize(), text, found.list_effects(label)) for label, text in texts.items() if text),
        "<h2>What the score is made of</h2>",
        _bars(found),
        "<h2>What would change its rank</h2>",
        _table(found),
        f"<p><small>{escape(found.method)}; the parts miss the score by {found.completeness:.4f}</small></p>",
    ]
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    head = f"<meta charset='utf-8'>{policy}<title>Why {escape(found.title)}</title><style>{_STYLE}{MARK_STYLE}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>"


def mark_text(label: str, text: str, effects: Sequence[WordEffect]) -> str:
    """HTML of a text whose words are marked by what they do to the score: a ground and a sign for each but stop words.

    Args:
        label: What the text is.
        text: As the item or the need has it; never trusted.
        effects: Of its words in their order, from the first one on; the others stay unmarked.
    """
    strongest = max((abs(one.value) for one in effects if not is_stop_word(one.word)), default=0.0)
    marked, rest = [], text
    for position, (word, _) in enumerate(drop_words(text)):
        before, _, rest = rest.partition(word)
        value = effects[position].value if position < len(effects) else 0.0
        marked.append(escape(before) + _mark(word, value, strongest))
    return f'<div class="wl-marked"><span class="wl-label">{escape(label)}</span> {"".join(marked)}{escape(rest)}</div>'


def _mark(word: str, value: float, strongest: float) -> str:
    if not strongest or abs(value) < FAINT * strongest or is_stop_word(word):
        return escape(word)
    kind, sign = ("for", "+") if value > 0 else ("against", "−")
    strength = 0.25 + 0.75 * abs(value) / strongest
    return (
        f'<mark class="wl-{kind}" style="--strength:{strength:.2f}" title="{sign}{abs(value):.2f}: speaks {kind} it">'
        f"{escape(word)}<sup>{sign}</sup></mark>"
    )


def _picture(looked: Looked | None, title: str) -> str:
    if looked is None:
        return ""
    if not looked.map.faithful:
        return "<p>No map of its picture explains the score better than chance would, so none is shown.</p>"
    data = base64.b64encode(overlay(looked.pixels, looked.map.grid)).decode()
    says = f"{escape(title, quote=True)}, with what counted laid over it"
    return f'<p><img alt="{says}" src="data:image/png;base64,{data}"></p>'


def _bars(found: Explanation) -> str:
    widest = max((abs(value) for value in found.modalities.values()), default=1.0) or 1.0
    rows = [f"<tr><td>An item of which nothing is known<td><td class='number'>{found.base_value:.2f}"]
    for name, value in found.modalities.items():
        kind = "bar" if value >= 0 else "bar minus"
        bar = f"<span class='{kind}' style='width:{9 * abs(value) / widest:.2f}rem'></span>"
        rows.append(f"<tr><td>{player_names()[name]}<td>{bar}<td class='number'>{value:+.2f}")
    rows.append(f"<tr><th>Score<td><td class='number'><strong>{found.score:.2f}</strong>")
    return f"<table>{''.join(rows)}</table>"


def _table(found: Explanation) -> str:
    rows = ["<tr><th>Without<th>Rank<th>Score"]
    for one in found.listed:
        rank = "not ranked" if one.rank is None else f"{one.rank:,}"
        rows.append(f"<tr><td>{escape(one.label)}<td class='number'>{rank}<td class='number'>{one.score:.2f}")
    return f"<table>{''.join(rows)}</table>"
