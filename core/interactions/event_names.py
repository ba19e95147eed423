"""What the names of events mean, and which events speak for an item."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.catalog.aliases import normalise_header
from core.interactions.log import EVENT_TYPES, EventType

LogKind = Literal["ratings", "counts", "events"]

#: Tops of the scales that ratings are given on.
SCALE_TOPS = (1.0, 5.0, 10.0, 100.0)
#: Share of the scale's top from which on a rating speaks for an item.
LIKED_SHARE = (4, 5)
_CODES: dict[str, int] = {name: code for code, name in enumerate(EVENT_TYPES)}
#: Say more about a person's wish than looking does.
_STRONGER: tuple[EventType, ...] = ("click", "like", "cart", "purchase", "play", "rating")

EVENT_ALIASES: dict[EventType, tuple[str, ...]] = {
    "view": (
        "view", "views", "viewed", "pageview", "page view", "pv", "impression", "impressions", "show", "shown", "seen",
        "detail view", "view item", "product view", "item view", "view content", "visit", "browse", "expose",
        "浏览", "查看", "曝光", "展示", "访问",
    ),
    "click": ("click", "clicks", "clicked", "tap", "select", "select item", "open", "product click", "点击", "点开"),
    "like": (
        "like", "likes", "liked", "fav", "favorite", "favourite", "favorited", "star", "bookmark", "save", "saved",
        "wishlist", "add to wishlist", "upvote", "thumbs up", "heart", "share", "love", "collect", "follow",
        "喜欢", "收藏", "点赞", "赞", "分享", "关注", "加入心愿单",
    ),
    "dislike": (
        "dislike", "dislikes", "disliked", "downvote", "thumbs down", "hide", "hidden", "skip", "skipped", "remove",
        "remove from cart", "removefromcart", "return", "returned", "refund", "not interested", "block", "unlike",
        "不喜欢", "踩", "跳过", "退货", "退款", "移出购物车", "不感兴趣",
    ),
    "cart": (
        "cart", "add to cart", "addtocart", "added to cart", "add cart", "basket", "add to basket", "add to bag",
        "begin checkout", "checkout", "加购", "加购物车", "加入购物车", "购物车",
    ),
    "purchase": (
        "purchase", "purchases", "purchased", "buy", "bought", "transaction", "order", "ordered", "sale", "paid",
        "pay", "conversion", "quantity", "qty", "book", "booking", "rent", "购买", "下单", "支付", "成交", "购买数量",
        "预订",
    ),
    "play": (
        "play", "plays", "played", "listen", "listens", "listened", "watch", "watched", "stream", "streamed",
        "complete", "completed", "read", "播放", "收听", "观看", "听", "看完", "阅读",
    ),
    "rating": ("rating", "rate", "rated", "review", "reviewed", "评分", "打分", "评价"),
    "other": ("other", "其他"),
}  # fmt: skip
_TYPE_OF: dict[str, EventType] = {
    normalise_header(alias).replace(" ", ""): name for name, aliases in EVENT_ALIASES.items() for alias in aliases
}


def parse_event(name: str) -> EventType | None:
    """The type of event that a cell names, whatever its case and separators; None when the name is not known."""
    return _TYPE_OF.get(normalise_header(name).replace(" ", ""))


def name_counted_event(column: str) -> EventType:
    """What a column of counts counts: "plays" and "play count" count plays; "other" when its name does not tell."""
    words = normalise_header(column)
    return parse_event(words) or parse_event(words.removesuffix(" count").removesuffix("次数")) or "other"


def event_code(name: EventType) -> int:
    """Position in `EVENT_TYPES`."""
    return _CODES[name]


def find_scale_top(values: NDArray[np.float64]) -> float:
    """The top of the scale that ratings were given on: the smallest of `SCALE_TOPS` not below the largest rating.

    Ratings above every known scale are their own scale; without any rating the top is 1.
    """
    largest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    return next((top for top in SCALE_TOPS if largest <= top), largest)


def find_liked(kind: LogKind, events: NDArray[np.int8], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each event speaks for its item: the one place where this rule stands.

    - ratings: the rating is at least 80 % of the scale's top (`find_scale_top`), e.g. 4 of 5;
    - counts: the count is at least 1;
    - events: every type but "dislike". A "view" counts only when the log holds nothing that says more (click, like,
      cart, purchase, play, rating); an event of type "rating" that has a value follows the rule of ratings.

    Args:
        kind: What the log holds.
        events: Positions in `EVENT_TYPES`, (N,).
        values: Ratings or counts, NaN where there is none, (N,).
    """
    if kind == "counts":
        return np.asarray(values >= 1)
    if kind == "ratings":
        return _is_high(values, values)
    liked = events != event_code("dislike")
    if np.isin(events, [event_code(name) for name in _STRONGER]).any():
        liked &= events != event_code("view")
    rated = (events == event_code("rating")) & np.isfinite(values)
    return np.where(rated, _is_high(values, values[rated]), liked)


def _is_high(values: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.bool_]:
    over, under = LIKED_SHARE
    # Multiplied instead of divided, so that 80 % of a whole number is exact.
    return np.asarray(values * under >= find_scale_top(scale) * over)
