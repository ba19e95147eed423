import pytest

from core.catalog.table import Row
from core.errors import MappingError
from core.interactions.aliases import LOG_ALIASES, find_exact_target
from core.interactions.mapping import LogMapping, suggest_log_mapping


def build(*columns: str, **overrides: str) -> LogMapping:
    return suggest_log_mapping(columns).build(overrides)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("userId", "movieId", "rating", "timestamp"), ("userId", "movieId", "", "rating", "", "timestamp")),
        (("userID", "artistID", "weight"), ("userID", "artistID", "", "", "weight", "")),
        (("timestamp", "visitorid", "event", "itemid"), ("visitorid", "itemid", "event", "", "", "timestamp")),
        (
            ("customer", "SKU", "action", "quantity", "created_at"),
            ("customer", "SKU", "action", "", "quantity", "created_at"),
        ),
        (("session_id", "article_id", "stars"), ("session_id", "article_id", "", "stars", "", "")),
        (("用户ID", "商品ID", "行为类型", "时间戳"), ("用户ID", "商品ID", "行为类型", "", "", "时间戳")),
        (("会员编号", "电影id", "评分"), ("会员编号", "电影id", "", "评分", "", "")),
    ],
)
def test_known_names_are_filled_in(columns: tuple[str, ...], expected: tuple[str, ...]) -> None:
    found = build(*columns)
    assert (found.user, found.item, found.event, found.rating, found.count, found.time) == expected


def test_the_most_usual_of_several_names_wins() -> None:
    found = build("session", "date", "user_id", "product", "item_id", "timestamp")
    assert (found.user, found.item, found.time) == ("user_id", "item_id", "timestamp")
    assert found.columns == {"user": "user_id", "item": "item_id", "time": "timestamp"}


def test_aliases_do_not_contradict_each_other() -> None:
    for target, aliases in LOG_ALIASES.items():
        assert {find_exact_target(alias) for alias in aliases} == {target}


def test_near_names_are_only_suggested() -> None:
    suggested = suggest_log_mapping(["user", "itemm_id", "colour"], [Row(2, ("u", "1", "red")), Row(3, ("u",))])
    assert [(c.target, c.confidence, c.samples) for c in suggested.columns] == [
        ("user", "exact", ("u",)),
        ("item", "suggested", ("1",)),
        ("", "none", ("red",)),
    ]
    with pytest.raises(MappingError, match=r'Is it "itemm_id"\? Choose one, as in item=itemm_id'):
        suggested.build()
    assert suggested.build(accept_suggestions=True).item == "itemm_id"


def test_a_person_has_the_last_word() -> None:
    found = build("user", "user_id", "item", "rating", user="USER", rating="")
    assert (found.user, found.rating) == ("user", "")
    assert build("who", "what", user="who", item="what").columns == {"user": "who", "item": "what"}
    assert build("user", "item", "time", item="time", user="item") == LogMapping(user="item", item="time")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"item": "b"}, "No column holds the user .* columns a, b"),
        ({"user": "a"}, "No column holds the item"),
        ({"user": "a", "item": "a"}, '"a" is chosen for user and item'),
        ({"user": "aa", "item": "b"}, "no column"),
        ({"who": "a"}, "no part of a log"),
    ],
)
def test_what_cannot_work_is_said(overrides: dict[str, str], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        build("a", "b", **overrides)
