"""Cells that name pictures: lists of paths and addresses as shops write them, or pictures themselves.

A picture written into the cell itself ("data:image/png;base64,...") is kept whole only while a file is imported; what
is stored of it is its kind and a hash.
"""

import html
import re
from collections.abc import Iterable
from urllib.parse import quote

from core.catalog.schema import DATA
from core.catalog.values import MAX_URL, parse_url, read_json_list, unique

_ENDINGS = r"(?:jpe?g|jfif|png|webp|gif|bmp|avif|tiff?|heic|svg)"
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|amp|quot|apos|lt|gt);")
# A reference starts anew after these marks where an address or a picture follows; commas are parts of addresses, too.
_NEXT = re.compile(r"(?<![\s,;|])[\s,;|]+(?=(?:https?:)?//|www\.|data:image/)", re.IGNORECASE)
_BREAKS = re.compile(r"[\r\n|]+")
# Base64 may go on over line ends; a file name after one, with its full stop, is no part of it.
_DATA = re.compile(
    r"data:[^,|]{0,100};base64,[A-Za-z0-9+/=%_-]*(?:\s+[A-Za-z0-9+/]{1,80}={0,2}(?=[\s,;|]|$))*|data:[^,|]{0,100},[^|\n]*",
    re.IGNORECASE,
)
_PICTURE = re.compile(rf"\.{_ENDINGS}\b", re.IGNORECASE)
# "front.jpg:Front view", and " ! alt : Front view ! title : ..." of an import plugin.
_COLON_TEXT = re.compile(rf"(.+\.{_ENDINGS}(?:\?[^\s:]{{0,{MAX_URL}}})?):(?!//).*", re.IGNORECASE | re.DOTALL)
_MARKED_TEXT = re.compile(r"(?<!\s)\s+!\s+\w+\s*:.*", re.DOTALL)
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.\-]+):(?!\\)")
# Pictures as pages, workbooks and notes show them. No part runs on into the next opening: a cell of
# nothing but openings would else be read to its end from each of them.
_SHOWN = re.compile(
    r"""<img\b[^<>]*?\bsrc\s*=\s*["']?([^"'\s<>]+)|=IMAGE\(\s*"([^"]+)"|!\[[^\[\]]*\]\(([^)\s\[]++)(?:\s[^)\[]*)?\)""",
    re.IGNORECASE,
)
_NO_PICTURE = frozenset({
    "", "-", "--", "–", "—", "n/a", "na", "none", "null", "nan", "no_selection", "no selection", "no image", "noimage",
    "no picture", "[]", "{}",
})  # fmt: skip


def split_pictures(text: str) -> tuple[str, ...]:
    """The references of a cell: paths, http(s) addresses and whole pictures, without alternative texts.

    Lists are split at line breaks, "|", ";" and ",", or read as JSON; a comma inside an address stays. Blanks in an
    address are escaped, "//host" is completed, "&amp;" read as "&".

    Example:
        >>> split_pictures("a.jpg:Front view, b.jpg")
        ('a.jpg', 'b.jpg')
    """
    text = text.strip()
    if text.startswith(("[", "{")) and (values := read_json_list(text)) is not None:
        return _settle(part for value in values for part in _split_addresses(html.unescape(value.strip())))
    if _ENTITY.search(text):
        text = html.unescape(text)
    if shown := _SHOWN.findall(text):
        return _settle(part for groups in shown for part in _split_addresses("".join(groups)))
    if "//" in text or DATA in text.lower() or "www." in text.lower():
        return _settle(part for piece in _cut_data(text) for part in _split_addresses(piece))
    return _settle(_split_names(text))


def find_picture_fault(reference: str) -> str:
    """Why a reference of `split_pictures` cannot be a picture, as a sentence that says what to do; "" when it can."""
    scheme = match[1].lower() if (match := _SCHEME.match(reference)) else ""
    if scheme == "data":
        known = re.match(r"(?i)data:image/[\w.+\-]+[;,]", reference)
        return "" if known else "it is not written as a picture; save it as a file and write its name."
    if len(reference) > MAX_URL:
        return f"the address is longer than {MAX_URL:,} characters; give a shorter one."
    if scheme in ("http", "https"):
        return "" if parse_url(reference) else "the web address has no valid name of a host; correct it."
    if scheme:
        return f"{scheme}: is not read; give a file name or an address that starts with https://."
    return ""


def _cut_data(text: str) -> list[str]:
    """Whole pictures apart from what stands between them."""
    pieces: list[str] = []
    at = 0
    for match in _DATA.finditer(text):
        pieces += [text[at : match.start()], DATA + "".join(match[0].split())[len(DATA) :]]
        at = match.end()
    return [*pieces, text[at:]]


def _split_addresses(text: str) -> list[str]:
    if text.lower().startswith(DATA):
        return [text]
    lines = [line for line in map(str.strip, _BREAKS.split(text)) if line.strip(" ,;")]
    parts = [part.strip(" ,;") for line in lines for part in _NEXT.split(line)]
    return [_complete(part) if _is_address(part) else part for part in map(_drop_text, parts)]


def _is_address(part: str) -> bool:
    return part.lower().startswith(("http://", "https://", "//", "www."))


def _complete(address: str) -> str:
    address = f"https:{address}" if address.startswith("//") else address
    address = f"https://{address}" if address.lower().startswith("www.") else address
    # Only what can stand in no address is escaped: an escape that is there already stays as it is.
    return re.sub(r"[\s\"<>\\^`{}]", lambda mark: quote(mark[0]), address)


def _split_names(text: str) -> list[str]:
    parts = [part for part in map(str.strip, _BREAKS.split(text)) if part]
    if len(parts) > 1:
        pictures = [part for part in parts if _PICTURE.search(part)]
        return [_drop_text(part) for part in pictures or parts]  # "a.jpg|Front view"
    for separator in ";,":
        parts = text.split(separator)
        if len(parts) > 1 and all("." in part or not part.strip() for part in parts):
            return [_drop_text(part) for part in parts]
    if len(names := text.split()) > 1 and all(_PICTURE.search(name) for name in names):
        return names
    return [_drop_text(text)]


def _drop_text(part: str) -> str:
    part = _MARKED_TEXT.sub("", part.strip()) if "!" in part else part.strip()
    match = _COLON_TEXT.fullmatch(part)
    return match[1] if match else part


def _settle(parts: Iterable[str]) -> tuple[str, ...]:
    return unique(part for part in parts if part.strip().lower() not in _NO_PICTURE)
