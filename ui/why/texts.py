"""Texts with their words marked for and against."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.explain.explanation import WordEffect
from core.explain.words import drop_words

#: Below this share of the strongest word a word is not marked.
_FAINT = 0.1


def draw_marked(label: str, text: str, effects: Sequence[WordEffect]) -> None:
    """A text whose words are marked by what they do to the score: a green or orange ground, and a sign for each.

    Args:
        label: What the text is.
        text: As the item or the need has it; never trusted.
        effects: Of its words, in the order of the text; words beyond them stay unmarked.
    """
    strongest = max((abs(one.value) for one in effects), default=0.0)
    marked, rest = [], text
    known = {one.word: one.value for one in reversed(effects)}
    for word, _ in drop_words(text):
        before, _, rest = rest.partition(word)
        marked.append(escape(before) + _mark(word, known.get(word, 0.0), strongest))
    st.html(
        f'<div class="wl-marked"><span class="wl-label">{escape(label)}</span> {"".join(marked)}{escape(rest)}</div>'
    )


def _mark(word: str, value: float, strongest: float) -> str:
    if not strongest or abs(value) < _FAINT * strongest:
        return escape(word)
    kind, sign, says = ("for", "+", "for") if value > 0 else ("against", "−", "against")
    strength = 0.25 + 0.75 * abs(value) / strongest
    return (
        f'<mark class="wl-{kind}" style="--strength:{strength:.2f}" title="{sign}{abs(value):.2f}: speaks {says} it">'
        f"{escape(word)}<sup>{sign}</sup></mark>"
    )
