"""Nested values as cells of a table, and the lists of items in a document.

Nested objects become dotted columns ("offers.price"); a list stays one cell of JSON text, which is split later. Texts
in several languages become one column in English, or else in the first language, and a dotted column for each other.
"""

import base64
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.catalog.aliases import find_exact

MAX_DEPTH = 4
#: The path of a document that is one item.
ROOT = "."
#: Keys that hold the address of a picture, or else the name of a category or label.
_TELLING = ("src", "url", "href", "name", "title", "label", "value")
_NOTES = frozenset({"", "id", "title", "pictures", "url"})
_ENGLISH = "en"
_HALF = re.compile("[\ud800-\udfff]")
_AMOUNTS = frozenset({"amount", "value", "price"})
_CURRENCIES = frozenset({"currency", "currencycode"})
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
# fmt: off
_LANGUAGES = frozenset((
    "ar", "bg", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "ga", "gl", "he",
    "hi", "hr", "hu", "is", "it", "ja", "ka", "ko", "lt", "lv", "mk", "nb", "nl", "nn", "no", "pl", "pt", "ro", "ru",
    "sk", "sl", "sq", "sr", "sv", "th", "tr", "uk", "ur", "vi", "zh",
))
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOfItems:
    """A list in a JSON document.

    Attributes:
        path: Keys that lead there, joined by dots; "" for a document that is a list, `ROOT` for one that is an item.
        records: Its entries.
        fields: How many fields of an item its first entry names.
    """

    path: str
    records: list[Any]
    fields: int


def find_lists(document: Any) -> list[ListOfItems]:
    """The lists of objects in a document, the likeliest to be items first; a document can be one item as well."""
    if isinstance(document, list):
        return [ListOfItems(path="", records=_unwrap(document), fields=0)]
    if not isinstance(document, Mapping):
        return []
    if filed := _as_filed(document):
        return [ListOfItems(path="", records=filed, fields=_count_fields(filed))]
    found = list(_walk(document, ""))
    found.append(ListOfItems(path=ROOT, records=[document], fields=_count_fields([document])))
    # The sort is stable: of equals, a list stands before the document, and a long one before a short one.
    return sorted(found, key=lambda one: (one.fields, one.path != ROOT, len(one.records)), reverse=True)


def _walk(value: Mapping[str, Any], prefix: str, depth: int = 1) -> Iterator[ListOfItems]:
    for key, inner in value.items():
        path = mend_halves(f"{prefix}{key}")
        records = _as_records(inner)
        if records:
            yield ListOfItems(path=path, records=records, fields=_count_fields(records))
        elif isinstance(inner, Mapping) and depth < MAX_DEPTH:
            yield from _walk(inner, f"{path}.", depth + 1)


def _as_records(value: Any) -> list[Any]:
    """The entries of a list of objects, or of an object of objects that are filed under their ids."""
    if isinstance(value, list):
        return _unwrap(value) if value and isinstance(value[0], Mapping) else []
    if isinstance(value, Mapping) and len(value) > 1 and all(isinstance(one, Mapping) for one in value.values()):
        records = [one if _names_id(one) else {"id": key, **one} for key, one in value.items()]
        return records if _count_fields(list(value.values())) > 1 else []
    return []


def _as_filed(document: Mapping[str, Any]) -> list[Any]:
    """The entries of a document that files its items under their ids; [] for any other document.

    Its keys are no names of fields and no languages, its values have titles, and fields in common: the parts of one
    item ("product", "seller") have names as well, and differ in the rest.
    """
    values = list(document.values())
    if len(values) < 2 or not all(isinstance(one, Mapping) for one in values) or _is_filed_otherwise(document):
        return []
    first = set(values[0])
    alike = all(2 * len(first & set(one)) > max(1, len(one)) for one in values)
    if not alike or not all(any(find_exact(str(key)) == "title" for key in one) for one in values):
        return []
    return [one if _names_id(one) else {"id": key, **one} for key, one in document.items()]


def _is_filed_otherwise(document: Mapping[str, Any]) -> bool:
    codes = [str(key).replace("_", "-").split("-")[0].lower() for key in document]
    return all(code in _LANGUAGES for code in codes) or any(find_exact(str(key)) for key in document)


def _unwrap(records: list[Any]) -> list[Any]:
    """The entries of a list; those of GraphQL lie in a node each."""
    if records and all(isinstance(one, Mapping) and isinstance(one.get("node"), Mapping) for one in records):
        return [one["node"] for one in records]
    return records


def _names_id(record: Mapping[str, Any]) -> bool:
    return any(find_exact(str(key)) == "id" for key in record)


def _count_fields(records: list[Any]) -> int:
    return len({find_exact(str(key)) for key in records[0]} - {""})


def flatten(record: Mapping[str, Any], prefix: str = "", depth: int = 1) -> dict[str, str]:
    """Column name to text.

    Args:
        record: An object of a JSON file or a row of a Parquet file.
        prefix: What the names begin with.
        depth: How deep the object lies; deeper than `MAX_DEPTH` it stays JSON text.
    """
    cells: dict[str, str] = {}
    for key, value in record.items():
        name = mend_halves(f"{prefix}{key}") or "column"
        plain = _simplify(_write_pictures(value))
        if isinstance(plain, Mapping) and (amount := _write_amount(plain)):
            cells[name] = amount
        elif isinstance(plain, Mapping) and plain and _is_translated(plain):
            cells.update(_choose_language(plain, name))
        elif isinstance(plain, Mapping) and plain and depth < MAX_DEPTH:
            cells.update(flatten(plain, f"{name}.", depth + 1))
        else:
            cells[name] = to_text(plain)
    return cells


def _write_pictures(value: Any) -> Any:
    """Pictures as data: addresses, as which cells can hold them; Parquet files hold the bytes, or these with a path."""
    if isinstance(value, Mapping) and "bytes" in value and set(value) <= {"bytes", "path"}:
        return _write_pictures(value["bytes"]) or value.get("path")
    if isinstance(value, list):
        return [_write_pictures(one) for one in value]
    if isinstance(value, bytes) and (kind := _find_kind(value)):
        return f"data:image/{kind};base64,{base64.b64encode(value).decode('ascii')}"
    return value


def _find_kind(data: bytes) -> str:
    kind = next((kind for mark, kind in _PICTURES if data.startswith(mark)), "")
    if data[:2] == b"BM" and data[6:10] == bytes(4):  # two letters alone begin names as well
        return "bmp"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return "avif" if data[4:12] in (b"ftypavif", b"ftypavis") else kind


def _simplify(value: Any) -> Any:
    """A list of objects as the list of what they stand for, or as its only object."""
    if not isinstance(value, list) or not value or not all(isinstance(one, Mapping) for one in value):
        return value
    if all(_stands_for_one(one) for one in value):
        for key in _TELLING:
            if all(isinstance(one.get(key), str) for one in value):
                return [one[key] for one in value]
    return value[0] if len(value) == 1 else value


def _stands_for_one(value: Mapping[str, Any]) -> bool:
    """Whether the object is a picture or a label with notes on it, rather than a thing with a price of its own."""
    return {find_exact(str(key)) for key in value} <= _NOTES


def _write_amount(value: Mapping[str, Any]) -> str:
    """An amount with its currency as one price, "" for any other object."""
    keys = {str(key).replace("_", "").lower(): key for key in value}
    amount, currency = (keys.keys() & wanted for wanted in (_AMOUNTS, _CURRENCIES))
    if len(keys) != 2 or not amount or not currency:
        return ""
    number, unit = to_text(value[keys[amount.pop()]]), to_text(value[keys[currency.pop()]])
    return f"{number} {unit}".strip() if number else ""


def _is_translated(value: Mapping[str, Any]) -> bool:
    codes = [str(key).replace("_", "-").split("-")[0].lower() for key in value]
    return all(code in _LANGUAGES for code in codes) and not any(isinstance(one, Mapping) for one in value.values())


def _choose_language(value: Mapping[str, Any], name: str) -> dict[str, str]:
    filled = [key for key in value if value[key]] or list(value)
    chosen = next((key for key in filled if str(key).lower().startswith(_ENGLISH)), filled[0])
    others = {f"{name}.{key}": to_text(one) for key, one in value.items() if key != chosen}
    return {name: to_text(value[chosen]), **others}


def to_text(value: Any) -> str:
    """One value as a cell: whole numbers without ".0", dates as ISO, lists and objects as JSON text."""
    text = "" if value is None else str(value)
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        text = _write_number(value)
    elif isinstance(value, date):  # a datetime is one too
        text = value.isoformat().removesuffix("T00:00:00")
    elif isinstance(value, list | Mapping):
        text = json.dumps(value, ensure_ascii=False, default=to_text) if value else ""
    elif isinstance(value, bytes):
        text = value.decode("utf-8", errors="backslashreplace")
    return mend_halves(text)


def mend_halves(text: str) -> str:
    """The text without half characters, which JSON can name and nothing can show or store."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def _write_number(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
