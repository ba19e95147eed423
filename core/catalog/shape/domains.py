"""Guessing what kind of things a catalogue holds. A guess for a person to confirm: words, not understanding."""

import re
from collections.abc import Sequence

from core.catalog.aliases import find_exact, normalise_header
from core.catalog.schema import Domain
from core.catalog.shops.conventions import detect_convention
from core.catalog.table import Row

SAMPLE_ROWS = 100
_HEADERS: dict[Domain, frozenset[str]] = {
    "film": frozenset(
        {
            "movie",
            "movies",
            "film",
            "imdb",
            "tmdb",
            "cast",
            "director",
            "runtime",
            "genres",
            "actors",
            "poster",
            "plot",
            "电影",
            "片名",
            "导演",
            "演员",
            "主演",
        }
    ),
    "music": frozenset(
        {
            "artist",
            "album",
            "track",
            "song",
            "bpm",
            "lyrics",
            "tempo",
            "danceability",
            "spotify",
            "歌手",
            "歌名",
            "专辑",
        }
    ),
    "news": frozenset(
        {"headline", "byline", "newspaper", "journalist", "news", "published", "author", "abstract", "新闻", "作者"}
    ),
    "travel": frozenset(
        {
            "hotel",
            "destination",
            "flight",
            "itinerary",
            "airport",
            "departure",
            "arrival",
            "checkin",
            "nights",
            "tour",
            "attraction",
            "latitude",
            "longitude",
            "酒店",
            "景点",
            "目的地",
        }
    ),
    "goods": frozenset(
        {
            "price",
            "sku",
            "brand",
            "vendor",
            "stock",
            "colour",
            "color",
            "size",
            "material",
            "gtin",
            "product",
            "usage",
            "variant",
            "grocery",
            "价格",
            "品牌",
            "库存",
            "商品",
            "尺码",
            "颜色",
        }
    ),
}
_CELLS: dict[Domain, re.Pattern[str]] = {
    "film": re.compile(r"(?i)\b(imdb|tmdb|film|movie|sequel|starring|directed by)\b"),
    "music": re.compile(r"(?i)last\.fm|spotify|soundcloud|\b(album|singer|rapper|indie rock|hip hop)\b"),
    "news": re.compile(r"(?i)\b(reuters|breaking news|associated press|editorial|spokes(man|woman|person))\b"),
    "travel": re.compile(r"(?i)booking\.com|tripadvisor|\b(hotel|hostel|resort|beachfront|guided tour)\b"),
    "goods": re.compile(r"(?i)\b(cotton|leather|machine wash|shirts?|t-shirts?|shoes|jeans|dress|pack of|warranty)\b"),
}
_OTHERS = frozenset({"plain", "schema.org"})
#: The share of rows with telling words counts as much as so many telling headers.
_CELL_WEIGHT = 2.0


def guess_domain(columns: Sequence[str], rows: Sequence[Row]) -> Domain:
    """The domain that most headers and cells speak for.

    Args:
        columns: The table's columns.
        rows: The first rows, at most `SAMPLE_ROWS` are looked at.

    Returns:
        "other" when nothing speaks for any domain.
    """
    words = {word for column in columns for word in normalise_header(column).split()}
    texts = [" ".join(row.cells) for row in rows[:SAMPLE_ROWS]]
    scores: dict[Domain, float] = {}
    for domain, hints in _HEADERS.items():
        share = sum(1 for text in texts if _CELLS[domain].search(text)) / max(len(texts), 1)
        scores[domain] = len(words & hints) + _CELL_WEIGHT * share
    if any(find_exact(column) == "price" for column in columns):
        scores["goods"] += 1
    if detect_convention(columns) not in _OTHERS:
        scores["goods"] += 2
    best = max(scores, key=lambda domain: scores[domain])
    return best if scores[best] >= 0.5 else "other"
