"""Identifiers beside the id: article numbers, bar codes, ISBNs and what people type to find a thing by them.

Codes are compared by their letters and digits alone: "978-3-16-148410-0" and "9783161484100", "FP-22/B" and "fp22b" are
the same. What a code of some shop means is not known here.
"""

import re
import unicodedata

#: Prefix of a mapping's target that keeps a column as a code.
CODE = "code:"
MAX_CODE = 100
#: So many letters and digits at least make a code out of several words of a need: "a 2 seater" does not ask for A2.
_MIN_JOINED = 5
#: Bar codes are written with and without leading zeros (EAN-13 inside GTIN-14); shorter numbers are not.
_BAR_CODE = 8
_MAX_WORDS = 40
_MAX_JOINED = 8
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[^\W_{_CJK}]+")
_SHORTENED = re.compile(r"\d([.,]\d+)?[eE]\+\d\d")
_EMPTY = frozenset({"", "0", "na", "none", "null", "nan", "doesnotapply", "nichtzutreffend", "notapplicable"})


def normalise_code(text: str) -> str:
    """The code as it is compared: letters and digits in lower case, a bar code without leading zeros.

    Example:
        >>> normalise_code("FP-22/B"), normalise_code("04006381333931")
        ('fp22b', '4006381333931')
    """
    plain = "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
    return (plain.lstrip("0") or plain) if plain.isdecimal() and len(plain) >= _BAR_CODE else plain


def is_code(text: str) -> bool:
    """Whether a cell says anything as a code; "-", "n/a" and "Does not apply" do not."""
    return len(text) <= MAX_CODE and normalise_code(text) not in _EMPTY


def is_shortened(text: str) -> bool:
    """Whether a spreadsheet has shortened the code, as in "4.00638E+12"; its digits are gone."""
    return _SHORTENED.fullmatch(text.strip()) is not None


def find_codes(need: str) -> tuple[str, ...]:
    """Everything in a need that may be a code, as `normalise_code` writes it.

    A word with letters and digits, four digits and more, neighbours of them joined ("FP 22/B"), and a need that is one
    word. Whether some item has such a code is for the caller to find out.

    Example:
        >>> find_codes("pen FP-22/B")
        ('fp22', '22b', 'penfp22', 'fp22b', 'penfp22b')
    """
    chunks = unicodedata.normalize("NFKC", need).casefold().split()
    words = [(at, word) for at, chunk in enumerate(chunks) for word in _WORD.findall(chunk)][:_MAX_WORDS]
    found = [normalise_code(need)] if len(chunks) == 1 else []
    for length in range(1, _MAX_JOINED + 1):
        for start in range(len(words) - length + 1):
            part = words[start : start + length]
            joined = "".join(word for _, word in part)
            if _may_be_code(joined, apart=part[0][0] != part[-1][0], whole=length == len(words)):
                found.append(normalise_code(joined))
    return tuple(dict.fromkeys(code for code in found if code))


def _may_be_code(joined: str, *, apart: bool, whole: bool) -> bool:
    digits = sum(c.isdecimal() for c in joined)
    if digits == len(joined):
        return digits >= (_BAR_CODE if apart and not whole else 4)
    return digits > 0 and (not apart or whole or len(joined) >= _MIN_JOINED)
