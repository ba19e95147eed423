"""Words for the text tower: an item's text, cleaning, and which scripts a text is written in."""

import re
import unicodedata
from collections.abc import Collection

from core.catalog.schema import Item

#: Raise it when `item_text` gives another text for the same item: it is part of the model version.
TEMPLATE_VERSION = 1

#: About 55 tokens of plain English: the embedded model reads 64, and longer texts cost time on every tower.
MAX_CHARACTERS = 260
_DESCRIPTION_CHARACTERS = 140
_ATTRIBUTE_CHARACTERS = 60
_MOST_ATTRIBUTES = 6
#: No tower reads more than 77 tokens here; cut before tokenising, which is linear in length.
_TOKENISED_CHARACTERS = 2000

_LATIN_LANGUAGES = frozenset(
    [
        "af",
        "az",
        "ca",
        "cs",
        "cy",
        "da",
        "de",
        "en",
        "es",
        "et",
        "eu",
        "fi",
        "fr",
        "ga",
        "gl",
        "hr",
        "hu",
        "id",
        "is",
        "it",
        "lt",
        "lv",
        "ms",
        "mt",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "sk",
        "sl",
        "sq",
        "sv",
        "sw",
        "tr",
        "uz",
        "vi",
    ]
)
_SCRIPT_LANGUAGES: dict[str, frozenset[str]] = {
    "LATIN": _LATIN_LANGUAGES,
    "CJK": frozenset({"zh", "ja"}),
    "HIRAGANA": frozenset({"ja"}),
    "KATAKANA": frozenset({"ja"}),
    "HANGUL": frozenset({"ko"}),
    "CYRILLIC": frozenset({"ru", "uk", "bg", "sr", "mk", "be", "kk"}),
    "GREEK": frozenset({"el"}),
    "ARABIC": frozenset({"ar", "fa", "ur"}),
    "HEBREW": frozenset({"he", "yi"}),
    "DEVANAGARI": frozenset({"hi", "mr", "ne"}),
    "BENGALI": frozenset({"bn", "as"}),
    "TAMIL": frozenset({"ta"}),
    "TELUGU": frozenset({"te"}),
    "THAI": frozenset({"th"}),
}
#: One such character says about as much as three letters.
_DENSE_SCRIPTS = frozenset({"CJK", "HANGUL", "HIRAGANA", "KATAKANA"})
_DENSE_WEIGHT = 3
#: A brand in another script within an English sentence is no reason to warn.
_NOTABLE_SHARE = 0.3


def item_text(item: Item) -> str:
    """The one text that stands for an item: "title. category. brand. attributes. description".

    Title first, since a tower's context is short and its start counts; the narrowest category; the first attributes;
    the description's first words. What repeats the title is left out.

    Args:
        item: Any item.

    Returns:
        At most `MAX_CHARACTERS` characters, "" when the item has no words at all.
    """
    parts: list[str] = []
    for part in (
        clean_text(item.title),
        clean_text(item.category[-1]) if item.category else "",
        clean_text(item.brand),
        _attribute_text(item),
        _cut(clean_text(item.description), _DESCRIPTION_CHARACTERS),
    ):
        known = " ".join(parts).casefold()
        if part and not _contains_words(known, part.casefold()):
            parts.append(part.rstrip(" .;,"))
    return _cut(". ".join(parts), MAX_CHARACTERS)


def clean_text(text: str) -> str:
    """Make any string safe for a tokenizer: no lone surrogates, no control characters, single spaces."""
    text = text[:_TOKENISED_CHARACTERS]
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = (
        " " if unicodedata.category(character) in ("Cc", "Cs", "Cn", "Zl", "Zp") else character for character in text
    )
    return " ".join("".join(kept).split())


def find_scripts(text: str) -> dict[str, float]:
    """Share of each script among a text's letters, by weight of meaning.

    Returns:
        Script by its Unicode name ("LATIN", "CJK", ...) to its share (0, 1]; empty for a text without letters.
    """
    weights: dict[str, float] = {}
    for character in text[:_TOKENISED_CHARACTERS]:
        if character.isalpha():
            script = unicodedata.name(character, "UNKNOWN").split(" ")[0].split("-")[0]
            weights[script] = weights.get(script, 0) + (_DENSE_WEIGHT if script in _DENSE_SCRIPTS else 1)
    total = sum(weights.values())
    return {script: weight / total for script, weight in weights.items()}


def is_supported_language(text: str, languages: Collection[str]) -> bool:
    """Whether a backbone can read a text, judged by its scripts.

    It does not know languages: French in Latin letters passes, and an English tower reads little of it.

    Args:
        text: A need.
        languages: `Encoder.languages`, ISO 639-1 codes.
    """
    scripts = {script for script, share in find_scripts(text).items() if share > _NOTABLE_SHARE}
    return all(_SCRIPT_LANGUAGES.get(script, frozenset()) & frozenset(languages) for script in scripts)


def _attribute_text(item: Item) -> str:
    """'colour red, material wool, cotton', short values only; tags when there are no attributes."""
    pairs = [f"{name} {', '.join(values)}" for name, values in item.attributes.items() if any(values)]
    short = [clean_text(pair) for pair in pairs if len(pair) <= _ATTRIBUTE_CHARACTERS]
    return ", ".join(short[:_MOST_ATTRIBUTES] or [clean_text(tag) for tag in item.tags[:_MOST_ATTRIBUTES]])


def _contains_words(known: str, part: str) -> bool:
    return part in known and re.search(rf"(?<!\w){re.escape(part)}(?!\w)", known) is not None


def _cut(text: str, length: int) -> str:
    """Cut at a space where there is one in the last third."""
    if len(text) <= length:
        return text
    head = text[:length]
    space = head.rfind(" ")
    return (head[:space] if space > length * 2 // 3 else head).rstrip(" .;,")
