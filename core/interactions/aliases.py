"""Which column names of a log mean what, in English and Chinese.

Exact aliases are filled in without asking. A near name is only a suggestion that a person confirms.
"""

from rapidfuzz import fuzz

from core.catalog.aliases import MIN_RATIO, normalise_header

#: What a column of a log can be mapped to; the most usual name comes first.
LOG_ALIASES: dict[str, tuple[str, ...]] = {
    "user": (
        "user id", "user", "userid", "uid", "customer id", "customer", "customer no", "visitor id", "visitor",
        "member id", "member", "client id", "client", "account id", "buyer id", "shopper id", "reviewer id", "reviewer",
        "person id", "people", "listener id", "reader id", "guest id", "username", "user name", "session id", "session",
        "用户id", "用户", "用户编号", "用户名", "会员id", "会员", "会员编号", "客户id", "客户", "客户编号", "顾客",
        "顾客id", "买家", "买家id", "访客", "访客id", "会话", "会话id",
    ),
    "item": (
        "item id", "item", "itemid", "iid", "product id", "product", "sku", "sku id", "parent asin", "asin", "movie id",
        "movie", "film id", "film", "artist id", "artist", "track id", "track", "song id", "song", "album id",
        "article id", "article", "news id", "hotel id", "hotel", "book id", "isbn", "business id", "poi id", "place id",
        "video id", "game id", "recipe id", "listing id", "offer id", "content id", "stock code", "goods id", "goods",
        "product code", "item code",
        "商品id", "商品", "商品编号", "商品编码", "产品id", "产品编号", "产品", "物品id", "物品", "货号", "款号",
        "电影id", "影片id", "歌曲id", "歌手id", "文章id", "新闻id", "酒店id",
    ),
    "event": (
        "event", "event type", "event name", "action", "action type", "behavior", "behaviour", "behavior type",
        "behaviour type", "interaction", "interaction type", "activity", "activity type", "type",
        "事件", "事件类型", "行为", "行为类型", "动作", "操作", "类型",
    ),
    "rating": (
        "rating", "ratings", "score", "stars", "star rating", "overall", "user rating", "review score", "grade",
        "评分", "打分", "得分", "分数", "星级",
    ),
    "count": (
        "count", "counts", "plays", "play count", "listens", "listen count", "weight", "quantity", "qty", "clicks",
        "views", "purchases", "frequency",
        "次数", "数量", "播放次数", "点击次数", "浏览次数", "购买数量", "权重",
    ),
    "time": (
        "timestamp", "time", "event time", "date", "datetime", "date time", "created at", "created", "time stamp",
        "timestamp ms", "unix time", "unix timestamp", "unix review time", "event date", "event timestamp",
        "order date", "purchase date", "order time", "view time", "click time", "rated at", "occurred at",
        "happened at", "ts", "invoice date", "review date", "updated at",
        "时间", "时间戳", "日期", "事件时间", "行为时间", "创建时间", "下单时间", "购买时间", "浏览时间", "点击时间",
        "评分时间",
    ),
}  # fmt: skip
LOG_TARGETS: tuple[str, ...] = tuple(LOG_ALIASES)

#: Last words that make a column a candidate when no alias is near enough.
_HINTS: dict[str, frozenset[str]] = {
    "user": frozenset({"user", "customer", "visitor", "member", "session", "buyer"}),
    "item": frozenset({"item", "product", "sku", "movie", "article", "track", "artist", "hotel"}),
    "time": frozenset({"time", "timestamp", "date", "datetime", "at"}),
    "rating": frozenset({"rating", "score", "stars", "value"}),
    "count": frozenset({"count", "quantity", "plays"}),
    "event": frozenset({"event", "action", "behavior", "behaviour"}),
}

_TARGET_OF = {normalise_header(alias): target for target, aliases in LOG_ALIASES.items() for alias in aliases}
_COMPACT = {alias.replace(" ", ""): target for alias, target in _TARGET_OF.items() if len(alias) > 3}


def find_exact_target(name: str) -> str:
    """The target that the column name is a known alias of, or ""."""
    header = normalise_header(name)
    return _TARGET_OF.get(header) or _COMPACT.get(header.replace(" ", ""), "")


def rank_target_alias(target: str, name: str) -> int:
    """How usual the column name is for the target: 0 is the most usual."""
    compact = normalise_header(name).replace(" ", "")
    names = [normalise_header(alias).replace(" ", "") for alias in LOG_ALIASES[target]]
    return names.index(compact) if compact in names else len(names)


def find_near_target(name: str) -> str:
    """The target whose alias is nearest to the column name, or that one of its words hints at; "" for neither."""
    header = normalise_header(name)
    if len(header) < 3:
        return ""
    best, target = 0.0, ""
    for alias, other in _TARGET_OF.items():
        if len(alias) > 3 and (ratio := fuzz.token_sort_ratio(header, alias, score_cutoff=MIN_RATIO)) > best:
            best, target = ratio, other
    if target:
        return target
    words = set(header.split())
    return next((other for other, hints in _HINTS.items() if hints & words), "")
