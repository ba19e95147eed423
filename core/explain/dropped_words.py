"""Texts without one of their words, to see what the word did for a score.

Dropping words agrees with exact Shapley values far better than gradients at their embeddings do. It does not know
phrases: two words that mean the same hide each other.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from core.encode.text import clean_text

#: Between two letters or digits these belong to the word: men's, t-shirt, 2.5, 1,000.
_JOINERS = frozenset("'’-‐.,&/+")
#: Scripts without spaces between words: every character counts as a word.
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA")


#: Words of scikit-learn's list that can be what somebody wants: a thin top, dinner for two, a down jacket.
_WANTED = frozenset((
    "amount", "back", "bill", "bottom", "call", "cry", "describe", "detail", "down", "eight", "eleven", "empty",
    "fifteen", "fifty", "fill", "find", "fire", "first", "five", "forty", "four", "front", "full", "give", "go",
    "hundred", "interest", "keep", "last", "mill", "mine", "move", "name", "nine", "one", "part", "put", "serious",
    "show", "side", "sincere", "six", "sixty", "system", "take", "ten", "thick", "thin", "third", "three", "top",
    "twelve", "twenty", "two",
))  # fmt: skip


def is_stop_word(word: str) -> bool:
    """Whether a word only holds others together ("the", "who"), so that its effect says nothing to people.

    English alone: words of other languages never are.
    """
    return word.casefold() in _stop_words()


@cache
def _stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # type: ignore[import-untyped]

    return frozenset(ENGLISH_STOP_WORDS - _WANTED)


def strip_stop_words(phrase: str) -> str:
    """The phrase without words that only hold others together, whole where nothing would be left of it."""
    return " ".join(word for word, _ in drop_words(phrase) if not is_stop_word(word)) or phrase


def drop_words(text: str) -> list[tuple[str, str]]:
    """Each word with the text without it.

    Words are runs of letters, digits and marks of any script, with the signs inside them; Chinese and Japanese, which
    have no spaces, count each character. A word that comes twice is dropped once at a time.

    Args:
        text: Any; control characters and repeated spaces do not count.

    Returns:
        (word, text without it) in the order of the text; the rest of a one-word text is "".

    Examples:
        >>> drop_words("warm boots")
        [('warm', 'boots'), ('boots', 'warm')]
    """
    text = clean_text(text)
    return [(text[start:stop], _tidy(text[:start] + text[stop:])) for start, stop in _find_words(text)]


def _find_words(text: str) -> list[tuple[int, int]]:
    """Start and end of each word."""
    found: list[tuple[int, int]] = []
    start = None
    for position, character in enumerate(text):
        inside = _is_letter(character) or (start is not None and _joins(text, position))
        if start is not None and (not inside or _stands_alone(character) or _stands_alone(text[position - 1])):
            found.append((start, position))
            start = None
        if start is None and inside and _is_letter(character):
            start = position
    return found if start is None else [*found, (start, len(text))]


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def _joins(text: str, position: int) -> bool:
    """Whether a sign stands between two letters or digits, or joins them without a sign of its own."""
    if unicodedata.category(text[position]) == "Cf":
        return True
    around: Sequence[str] = text[position - 1 : position + 2]
    if text[position] not in _JOINERS or len(around) < 3 or not (_is_letter(around[0]) and _is_letter(around[2])):
        return False
    return text[position] not in ".,/" or (around[0].isdigit() and around[2].isdigit())


def _stands_alone(character: str) -> bool:
    return _is_letter(character) and unicodedata.name(character, "").startswith(_UNSPACED)


def _tidy(text: str) -> str:
    """Take away what a dropped word leaves behind: empty brackets, doubled commas and spaces."""
    if not any(_is_letter(character) for character in text):
        return ""
    text = re.sub(r"[(\[{\"“«]\s*[)\]}\"”»]", "", text)
    text = re.sub(r"\s+(?=[,.;:!?、。])", "", text)
    text = re.sub(r"[,;:、]\s*(?=[,.;:!?、。])", "", text)
    return " ".join(text.split()).strip(" ,;:、").lstrip(".!?。 ")
