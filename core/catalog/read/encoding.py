"""Which text encoding a file was written in.

A byte order mark decides; then strict UTF-8 over the whole file; then chardet ranks the legacy encodings on the lines
that hold more than ASCII. Chardet compares letter pairs with those of running text; a table has few of them, so an
encoding in which words mix alphabets or hold control characters is put behind the others. A file with one odd letter
can still be told wrongly, which is why a guess is always reported and can be overridden.
"""

import codecs
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import chardet

#: The encodings that tables are still written in, and what people call them.
ENCODINGS = {
    "utf-8": "Unicode",
    "utf-8-sig": "Unicode with a mark",
    "utf-16": "Unicode, 16 bit",
    "utf-16-le": "Unicode, 16 bit",
    "utf-16-be": "Unicode, 16 bit",
    "cp1252": "Western European",
    "cp1250": "Central European",
    "cp1251": "Cyrillic",
    "cp1253": "Greek",
    "cp1254": "Turkish",
    "cp1255": "Hebrew",
    "cp1256": "Arabic",
    "cp1257": "Baltic",
    "cp1258": "Vietnamese",
    "cp874": "Thai",
    "gb18030": "Chinese, simplified",
    "big5hkscs": "Chinese, traditional",
    "cp932": "Japanese",
    "shift_jis_2004": "Japanese",
    "euc_jis_2004": "Japanese, Unix",
    "cp949": "Korean",
    "iso8859-2": "Central European, ISO",
    "iso8859-5": "Cyrillic, ISO",
    "iso8859-6": "Arabic, ISO",
    "iso8859-7": "Greek, ISO",
    "iso8859-8": "Hebrew, ISO",
    "iso8859-13": "Baltic, ISO",
    "iso8859-15": "Western European with the euro, ISO",
    "koi8-r": "Cyrillic, Unix",
    "koi8-u": "Ukrainian, Unix",
    "cp437": "Western European, DOS",
    "cp850": "Western European, DOS",
    "cp852": "Central European, DOS",
    "cp857": "Turkish, DOS",
    "cp862": "Hebrew, DOS",
    "cp737": "Greek, DOS",
    "cp866": "Cyrillic, DOS",
    "mac-roman": "Western European, Mac",
    "mac-cyrillic": "Cyrillic, Mac",
}
#: Encodings that another one holds byte for byte, printable characters only.
_WIDER = {"iso8859-1": "cp1252", "iso8859-9": "cp1254", "tis-620": "cp874", "euc_kr": "cp949"}
#: The commonest of the legacy encodings: it wins where nothing speaks for another.
COMMONEST = "cp1252"
FALLBACK = "latin-1"
SAMPLE_BYTES = 256 * 1024
#: Each candidate is tried on the whole file.
MAX_RANKED = 5
_SHOWN = 60

# utf-32 first: its little-endian mark begins with that of utf-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ONE_SCRIPT = frozenset({"HIRAGANA", "KATAKANA", "CJK", "HANGUL", "HALFWIDTH", "FULLWIDTH", "IDEOGRAPHIC"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingGuess:
    """Ranked encodings of a file.

    Attributes:
        encodings: The likeliest first; never empty.
        certain: True for a byte order mark or strict UTF-8.
        sample: A line that tells, as the likeliest encoding reads it; "" when that one is certain.
        damaged_line: Where the file stops being UTF-8 although most of it is; 0 when that is not so.
    """

    encodings: tuple[str, ...]
    certain: bool
    sample: str = ""
    damaged_line: int = 0


def detect_encoding(read_chunks: Callable[[], Iterable[bytes]]) -> EncodingGuess:
    """Rank the encodings that can decode the whole file.

    Args:
        read_chunks: Gives the file's bytes from the start, anew at each call.
    """
    head = _read_head(read_chunks())
    for mark, name in _MARKS:
        if head.startswith(mark):
            return EncodingGuess(encodings=(name,), certain=True)
    if wide := _guess_wide(head):
        return EncodingGuess(encodings=(wide, "utf-8"), certain=False, sample=_show(head, wide))
    if can_decode(read_chunks(), "utf-8"):
        return EncodingGuess(encodings=("utf-8",), certain=True)
    odd = _keep_odd_lines(read_chunks())
    valid = (name for name in rank_encodings(odd) if can_decode(read_chunks(), name))
    ranked = tuple(islice(valid, MAX_RANKED))
    if damaged := _damaged_line(read_chunks()):
        return EncodingGuess(encodings=("utf-8", *ranked), certain=False, damaged_line=damaged)
    encodings = (*ranked, FALLBACK)
    return EncodingGuess(encodings=encodings, certain=False, sample=_show(odd, encodings[0]))


def rank_encodings(text: bytes) -> list[str]:
    """The legacy encodings that can decode some lines, the likeliest first.

    Args:
        text: Lines with bytes beyond ASCII.
    """
    found = chardet.detect_all(
        text,
        ignore_threshold=True,
        max_bytes=max(len(text), 1),
        compat_names=False,
        include_encodings=[*ENCODINGS, *_WIDER],
    )
    scores: dict[str, float] = {}
    for one in found:
        name = _WIDER.get(one["encoding"] or "", one["encoding"] or "")
        if name and name not in scores and (decoded := _try_decode(text, name)) is not None:
            scores[name] = one["confidence"] * measure_words(decoded) ** 2
    western = _try_decode(text, COMMONEST)
    if western is not None and _has_only_marks(western):
        scores[COMMONEST] = 1.0
    return sorted(scores, key=lambda name: (-round(scores[name], 3), name != COMMONEST))


def name_encoding(encoding: str) -> str:
    """The codec with what people call it: "cp1250 (Central European)"."""
    return f"{encoding} ({ENCODINGS[encoding]})" if encoding in ENCODINGS else encoding


def can_decode(chunks: Iterable[bytes], encoding: str) -> bool:
    """Whether every byte is valid in the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    try:
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def measure_words(text: str) -> float:
    """How well words hold together, [0, 1]: the share of characters beyond ASCII that stand where they may.

    A letter does not stand beside one of another alphabet, a capital not behind a small letter, a symbol not between
    letters, and a control character nowhere.
    """
    good, count = 0, 0
    padded = f" {text} "
    for position in range(1, len(padded) - 1):
        if padded[position] > "\x7f":
            count += 1
            good += _fits(padded[position], padded[position - 1], padded[position + 1])
    return good / count if count else 1.0


def _fits(char: str, before: str, after: str) -> bool:
    category = unicodedata.category(char)
    if category in ("Cc", "Co", "Cn"):
        return False
    if char.isalpha():
        alone = all(not near.isalpha() or _script(near) == _script(char) for near in (before, after))
        return alone and not (char.isupper() and before.islower()) and not (char.islower() and after.isupper())
    return category[0] not in "SN" or not (before.isalpha() and after.isalpha())


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    word = unicodedata.name(char, "").split(" ")[0].split("-")[0]
    return "CJK" if word in _ONE_SCRIPT else word


def _has_only_marks(text: str) -> bool:
    """Whether all that is beyond ASCII are quotes, dashes, currencies and the like, none of them within a word.

    The code pages agree on few of these, and there is no letter for chardet to compare.
    """
    odd = [char for char in text if char > "\x7f"]
    return not any(char.isalpha() for char in odd) and measure_words(text) == 1


def _try_decode(text: bytes, encoding: str) -> str | None:
    """The text, None when a byte is not valid; a character may be cut at the end."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(text)
    except UnicodeDecodeError:
        return None


def _show(text: bytes, encoding: str) -> str:
    lines = text.decode(encoding, errors="replace").splitlines()
    return max(lines[:50], key=lambda line: sum(char > "\x7f" for char in line[:_SHOWN]), default="")[:_SHOWN].strip()


def _read_head(chunks: Iterable[bytes]) -> bytes:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= SAMPLE_BYTES:
            break
    return head[:SAMPLE_BYTES]


def _guess_wide(head: bytes) -> str:
    """UTF-16 without a mark: NUL in every second byte of Latin text, or what chardet tells of other alphabets."""
    half = len(head) // 2
    if half < 2 or b"\0" not in head:
        return ""
    if head[1::2].count(0) > 0.4 * half and head[0::2].count(0) < 0.05 * half:
        return "utf-16-le"
    if head[0::2].count(0) > 0.4 * half and head[1::2].count(0) < 0.05 * half:
        return "utf-16-be"
    found = chardet.detect(head[: half * 2], compat_names=False)["encoding"] or ""
    return found if found.startswith(("utf-16", "utf-32")) else ""


def _keep_odd_lines(chunks: Iterable[bytes]) -> bytes:
    """Lines with bytes beyond ASCII from the whole file, thinned out to the sample's size: the only ones that tell.

    Lines end at a line feed, which is never the second byte of a character in a legacy encoding.
    """
    kept: list[bytes] = []
    size, seen, step = 0, 0, 1
    for line in _split_lines(chunks):
        seen += not line.isascii()
        if line.isascii() or seen % step:
            continue
        if len(line) > SAMPLE_BYTES:
            return line[:SAMPLE_BYTES]
        kept.append(line)
        size += len(line)
        if size > 2 * SAMPLE_BYTES:
            kept, step = kept[1::2], step * 2
            size = sum(map(len, kept))
    return b"\n".join(kept)


def _split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        yield from lines
    yield rest


def _damaged_line(chunks: Iterable[bytes]) -> int:
    """First line that is not UTF-8, when at least two in three of the lines beyond ASCII are; else 0.

    Lines of another encoding are hardly ever UTF-8 by chance, and read as that encoding all the others would be wrong.
    """
    good, bad, first = 0, 0, 0
    for number, line in enumerate(_split_lines(chunks), start=1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
            first = first or number
    return first if good >= 2 * max(bad, 1) else 0
