"""Reading the other cells: lists, category paths, availability, addresses, domains."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from core.catalog.schema import DOMAINS, Availability, Domain
from core.catalog.text import clean_line

MAX_URL = 2_000
_ESCAPED_COMMA = "\x00"
_NO_CATEGORY = frozenset({
    "uncategorized", "uncategorised", "none", "n/a", "unkategorisiert", "未分类", "未分類", "sem categoria",
    "sin categoría", "sin categorizar", "non classé", "senza categoria", "geen categorie", "bez kategorii",
    "ohne kategorie", "(no genres listed)",
})  # fmt: skip
_AVAILABILITY: dict[Availability, tuple[str, ...]] = {
    "in stock": (
        "in stock", "instock", "available", "yes", "true", "y", "limited availability", "limitedavailability",
        "onlineonly", "instoreonly", "auf lager", "vorrätig", "lieferbar", "en stock", "disponible", "en existencia",
        "hay existencias", "em estoque", "em stock", "disponível", "disponibile", "op voorraad", "na stanie",
        "w magazynie", "dostępny", "в наличии", "есть в наличии",
        "有货", "现货", "有现货", "有貨", "在庫あり", "재고 있음", "是", "有",
    ),
    "out of stock": (
        "out of stock", "outofstock", "sold out", "soldout", "unavailable", "not available", "no", "false", "n",
        "discontinued", "nicht auf lager", "nicht vorrätig", "ausverkauft", "rupture de stock", "en rupture de stock",
        "épuisé", "indisponible", "agotado", "sin existencias", "sin stock", "esgotado", "fora de estoque",
        "indisponível", "esaurito", "non disponibile", "niet op voorraad", "uitverkocht", "brak w magazynie",
        "niedostępny", "нет в наличии", "缺货", "无货", "售罄", "缺貨", "在庫なし", "품절", "否", "无",
    ),
    "preorder": (
        "preorder", "pre order", "presale", "vorbestellbar", "vorbestellung", "précommande", "preventa", "pré venda",
        "prevendita", "預購", "预售", "预订", "予約", "예약",
    ),
    "backorder": ("backorder", "back order", "on backorder", "nachlieferung", "sur commande", "bajo pedido", "notify"),
}  # fmt: skip
_AVAILABILITY_OF = {word: state for state, words in _AVAILABILITY.items() for word in words}
_DOMAIN_WORDS: dict[str, Domain] = {
    "good": "goods", "product": "goods", "products": "goods", "shop": "goods", "商品": "goods", "movie": "film",
    "movies": "film", "films": "film", "video": "film", "电影": "film", "song": "music", "songs": "music",
    "音乐": "music", "article": "news", "articles": "news", "新闻": "news", "hotel": "travel", "hotels": "travel",
    "旅游": "travel", "旅行": "travel",
}  # fmt: skip


def split_list(text: str, separators: str = "|;") -> tuple[str, ...]:
    """Split a cell that holds several values.

    A JSON array is read as such. Otherwise the first of `separators` that occurs splits; a comma written as "\\,"
    does not. Empty and repeated values are dropped.
    """
    if not text.strip():
        return ()
    if text.lstrip().startswith("[") and (values := read_json_list(text)) is not None:
        return unique(values)
    guarded = text.replace("\\,", _ESCAPED_COMMA)
    for separator in separators:
        if separator in guarded:
            return unique(part.replace(_ESCAPED_COMMA, ",") for part in guarded.split(separator))
    return unique([guarded.replace(_ESCAPED_COMMA, ",")])


def parse_url(text: str) -> str:
    """The address when it is a plain http(s) one, else ""."""
    url = text.strip()
    if url.lower().startswith("www."):
        url = f"https://{url}"
    if not url or len(url) > MAX_URL or not url.isprintable() or len(url.split()) > 1:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme.lower() in ("http", "https") and parts.hostname else ""


@lru_cache(maxsize=8192)
def split_category(text: str) -> tuple[str, ...]:
    """A category cell as a path from broad to narrow.

    ">" and "»" always part levels, "|" and ":" with two marks do when there is no ">", and a slash only where it is
    plainly a path: spaces around it, a leading one, or two and more. "Men/Women" is one name.
    """
    text = clean_line(text)
    if not text or text.lower() in _NO_CATEGORY:
        return ()
    if text.startswith("[") and (values := read_json_list(text)) is not None:
        return unique(values)
    for mark in (">", "»", "›", "|", "::", " / "):
        if mark in text:
            return _levels(text.split(mark))
    if text.startswith("/") or text.count("/") >= 2:
        return _levels(text.split("/"))
    return (text,)


def parse_availability(text: str) -> Availability | None:
    """The state of stock; a number is a count. None when the text is not understood."""
    word = clean_line(text).lower().rstrip(".!")
    if not word:
        return ""
    number = re.fullmatch(r"([-+]?\d+)([.,]0+)?", word)
    if number:
        return "in stock" if int(number[1]) > 0 else "out of stock"
    word = re.sub(r"[_\-\s]+", " ", re.sub(r"^https?://(www\.)?schema\.org/", "", word))
    return _AVAILABILITY_OF.get(word) or _AVAILABILITY_OF.get(word.replace(" ", ""))


def parse_domain(text: str) -> Domain | None:
    """The domain of a cell, None when it is none of the known."""
    word = clean_line(text).lower()
    for domain in DOMAINS:
        if word == domain:
            return domain
    return _DOMAIN_WORDS.get(word)


def _levels(parts: Iterable[str]) -> tuple[str, ...]:
    levels: list[str] = []
    for part in parts:
        name = part.strip()
        if name and (not levels or levels[-1] != name):
            levels.append(name)
    return tuple(levels)


def read_json_list(text: str) -> list[str] | None:
    """The entries of a JSON or Python list, of objects their address or name; None when the text is neither."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        inner = text.strip()
        # Python's way of writing a list, common in exported data frames.
        if re.fullmatch(r"\[\s*('[^'\[\]]*'\s*,?\s*)+\]", inner):
            return re.findall(r"'([^']*)'", inner)
        return None
    return [_entry_text(entry) for entry in (data if isinstance(data, list) else [data])]


def _entry_text(entry: Any) -> str:
    if isinstance(entry, dict):
        for key in ("url", "contentUrl", "src", "href", "name", "value", "@id"):
            if isinstance(entry.get(key), str):
                return str(entry[key])
        return json.dumps(entry, ensure_ascii=False)
    if entry is None:
        return ""
    return entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Each value once, cleaned, without the empty ones."""
    return tuple(dict.fromkeys(value for raw in values if (value := clean_line(raw))))
