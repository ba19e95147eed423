"""Which column names mean which item field, in English and Chinese.

Exact aliases are filled in without asking. Everything else is only a suggestion that a person confirms.
"""

import re
import unicodedata
from functools import lru_cache

from rapidfuzz import fuzz

#: Lowest rapidfuzz token_sort_ratio of a suggestion; the more lenient scorers match wrongly ("colour" to "cost").
MIN_RATIO = 80.0

ALIASES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "sku", "item id", "product id", "productid", "item no", "item number", "movie id", "film id", "track id",
        "song id", "album id", "artist id", "article id", "news id", "hotel id", "asin", "handle", "product code",
        "item code", "variant sku", "uuid", "identifier",
        "编号", "商品编号", "商品id", "产品编号", "货号", "款号", "商品编码",
    ),
    "title": (
        "title", "name", "product name", "product title", "item name", "item title", "headline", "movie title",
        "film title", "track name", "song title", "hotel name", "display name", "product display name", "标题", "名称",
        "商品名称", "产品名称", "商品名", "品名", "商品标题", "片名", "歌名", "酒店名称",
    ),
    "description": (
        "description", "desc", "product description", "item description", "long description", "body", "body html",
        "overview", "summary", "synopsis", "abstract", "plot",
        "描述", "商品描述", "产品描述", "简介", "详情", "商品详情", "说明",
    ),
    "category": (
        "category", "categories", "product category", "category path", "category name", "product type", "genre",
        "google product category", "main category", "master category", "sub category", "subcategory",
        "sub sub category", "category 1", "category 2", "category 3", "category level 1", "category level 2",
        "category level 3", "category l1", "category l2", "category l3", "department",
        "分类", "类别", "类目", "商品分类",
        "一级类目", "二级类目", "三级类目", "品类",
    ),
    "brand": ("brand", "brand name", "vendor", "manufacturer", "maker", "品牌", "品牌名称", "厂商", "制造商"),
    "price": (
        "price", "unit price", "regular price", "list price", "retail price", "price usd", "price eur", "price gbp",
        "价格", "售价", "单价", "商品价格", "零售价", "原价",
    ),
    "sale_price": ("sale price", "special price", "discount price", "促销价", "折扣价", "优惠价"),
    "currency": ("currency", "currency code", "price currency", "币种", "货币"),
    "availability": (
        "availability", "in stock", "stock status", "stock", "stock quantity", "inventory", "inventory quantity",
        "库存", "库存状态", "库存数量", "是否有货",
    ),
    "url": (
        "url", "link", "product url", "item url", "product link", "web page", "page url", "链接", "商品链接", "网址",
    ),
    "tags": ("tags", "tag", "keywords", "genres", "labels", "标签", "关键词", "关键字"),
    "pictures": (
        "image", "images", "picture", "pictures", "photo", "photos", "image url", "image urls", "image link",
        "additional image link", "image src", "picture url", "photo url", "poster", "poster url", "poster path",
        "cover", "cover url", "img", "img url", "image path", "image file", "filename", "thumbnail", "artwork",
        "main image", "图片", "图片链接", "主图", "商品图片", "图片地址", "封面", "海报",
    ),
    "domain": ("domain", "领域"),
}  # fmt: skip

#: Words that make a column a candidate for a field when no alias is near enough, the most telling first.
HINTS: tuple[tuple[str, frozenset[str]], ...] = (
    ("pictures", frozenset({"image", "images", "picture", "photo", "poster", "img", "cover", "thumbnail"})),
    ("description", frozenset({"description", "extract", "overview", "summary", "synopsis", "plot", "text"})),
    ("category", frozenset({"category", "class", "type", "genre", "department", "section"})),
    ("price", frozenset({"price"})),
    ("brand", frozenset({"brand", "manufacturer"})),
    ("url", frozenset({"url", "link"})),
    ("title", frozenset({"name", "title"})),
)
#: Last words of columns that hold codes, and words of columns that hold files: never the text of a field.
CODE_WORDS = frozenset({"id", "code", "number", "no", "index", "barcode", "gtin", "ean", "upc", "isbn", "mpn"})
FILE_WORDS = frozenset({"path", "file", "filename"})

#: Free attributes under the name people know.
ATTRIBUTE_NAMES = {
    "base colour": "Colour",
    "base color": "Color",
    "colour": "Colour",
    "color": "Color",
    "size": "Size",
    "颜色": "颜色",
    "尺码": "尺码",
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TYPE_NOTE = re.compile(r"\((str|string|int|integer|float|text|number|bool|object)\)")
_SEPARATORS = re.compile(r"[\s_\-./:()\[\]*#]+")


@lru_cache(maxsize=4096)
def normalise_header(name: str) -> str:
    """The words of a column name in lower case: "masterCategory", "Master_Category" -> "master category"."""
    text = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name).strip())
    return _SEPARATORS.sub(" ", _TYPE_NOTE.sub(" ", text.lower())).strip()


_FIELD_OF = {normalise_header(alias): field for field, aliases in ALIASES.items() for alias in aliases}
_COMPACT = {alias.replace(" ", ""): field for alias, field in _FIELD_OF.items() if len(alias) > 3}


def find_exact(name: str) -> str:
    """The field that the column name is a known alias of, or ""."""
    header = normalise_header(name)
    return _FIELD_OF.get(header) or _COMPACT.get(header.replace(" ", ""), "")


def rank_alias(field: str, name: str) -> int:
    """How usual the column name is for the field: 0 is the most usual, aliases that are not listed come last."""
    header = normalise_header(name)
    aliases = ALIASES[field]
    return aliases.index(header) if header in aliases else len(aliases)


def find_near(name: str) -> str:
    """The field whose alias is nearest to the column name, or "" when none is near enough."""
    header = normalise_header(name)
    best, field = 0.0, ""
    for alias, target in _FIELD_OF.items():
        # A column named "domain" without domains in it holds web addresses.
        if (
            len(alias) > 3
            and target != "domain"
            and (ratio := fuzz.token_sort_ratio(header, alias, score_cutoff=MIN_RATIO)) > best
        ):
            best, field = ratio, target
    return field


def is_known_header(name: str) -> bool:
    """Whether a cell is surely a column name."""
    return bool(find_exact(name)) or normalise_header(name) in ATTRIBUTE_NAMES


def build_attribute_name(name: str) -> str:
    """How a free attribute made from a column is called."""
    header = normalise_header(name)
    if header in ATTRIBUTE_NAMES:
        return ATTRIBUTE_NAMES[header]
    spaced = " ".join(_CAMEL.sub(" ", _TYPE_NOTE.sub(" ", name)).replace("_", " ").split())
    return spaced[:1].upper() + spaced[1:].lower() if name != name.upper() and " " not in name else spaced
