import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.baselines.recommender import ItemTable
from core.evaluate.doctor import DAY, YEAR_1990, Finding, examine
from core.interactions.log import EVENT_TYPES, NO_TIME, InteractionLog
from core.interactions.read import read_log

NOW = 1_700_000_000
USERS, EACH, ITEMS = 80, 12, 60


def build_items(titles: list[str], texts: list[str] | None = None, ids: list[str] | None = None) -> ItemTable:
    count = len(titles)
    return ItemTable(
        item_ids=tuple(ids or (f"i{n}" for n in range(count))),
        texts=tuple(texts or titles),
        titles=tuple(titles),
        categories=("",) * count,
        text_embeddings=np.zeros((count, 2), np.float32),
        picture_embeddings=np.zeros((count, 2), np.float32),
    )


TABLE = build_items([f"Title {n}" for n in range(ITEMS)])


def build_log(seed: int = 0) -> InteractionLog:
    """Clean: everybody acts often, at random moments, on items in no order."""
    rng = np.random.default_rng(seed)
    count = USERS * EACH
    times = np.sort(NOW - rng.integers(DAY, 300 * DAY, (USERS, EACH)), axis=1).ravel()
    return InteractionLog(
        users=np.repeat(np.arange(USERS), EACH),
        items=rng.integers(0, ITEMS, count),
        events=np.full(count, EVENT_TYPES.index("rating"), np.int8),
        values=rng.integers(1, 6, count).astype(np.float32),
        liked=np.ones(count, bool),
        times=times,
        user_ids=tuple(f"u{n}" for n in range(USERS)),
        item_ids=TABLE.item_ids,
    )


def blamed(found: tuple[Finding, ...]) -> dict[str, str]:
    return {finding.code: finding.severity for finding in found if finding.severity != "ok"}


def find(found: tuple[Finding, ...], code: str) -> Finding:
    return next(finding for finding in found if finding.code == code)


@pytest.mark.parametrize("seed", range(5))
def test_clean_data_is_not_blamed(seed: int) -> None:
    found = examine(build_log(seed), TABLE, now=NOW, unknown_events=5)
    assert blamed(found) == {}
    assert len(found) == len({finding.code for finding in found}) == 9
    assert all(finding.message.endswith(".") for finding in found)


@pytest.mark.parametrize("sign", [1, -1])
def test_items_in_the_order_of_time_are_a_leak(sign: int) -> None:
    log = build_log()
    birth = NOW - 300 * DAY + 5 * DAY * np.arange(ITEMS)[::sign]
    leaky = replace(log, times=birth[log.items] + 3600 * np.arange(len(log)) % (4 * DAY))
    finding = find(examine(leaky, TABLE, now=NOW, unknown_events=0), "order_tells_time")
    assert finding.severity == "warning" and "order in the catalogue follows" in finding.message


def test_numbers_in_ids_are_a_leak_in_whatever_order_the_items_stand() -> None:
    log = build_log()
    shuffled = np.random.default_rng(1).permutation(ITEMS)
    ids = [str(1000 + n) for n in shuffled]
    table = build_items([f"t{n}" for n in range(ITEMS)], ids=ids)
    times = NOW - 300 * DAY + 4 * DAY * shuffled[log.items]
    finding = find(
        examine(replace(log, times=times, item_ids=table.item_ids), table, now=NOW, unknown_events=0),
        "order_tells_time",
    )
    assert (
        finding.severity == "warning" and "items' ids follow the time" in finding.message and "1.00" in finding.message
    )


@pytest.mark.parametrize(("rows", "severity"), [(1, "warning"), (300, "error")])
@pytest.mark.parametrize("time", [NOW + 2 * DAY, YEAR_1990 - 1, NOW * 1000])
def test_impossible_times(rows: int, severity: str, time: int) -> None:
    log = build_log()
    times = log.times.copy()
    times[:rows] = time
    finding = find(examine(replace(log, times=times), TABLE, now=NOW, unknown_events=0), "impossible_times")
    said = "1 event is dated" if rows == 1 else "300 events are dated"
    assert finding.severity == severity and finding.message.startswith(said) and finding.examples


def test_little_data_offers_the_catalogue() -> None:
    log = build_log()
    finding = find(examine(log.take(log.users < 49), TABLE, now=NOW, unknown_events=0), "little_data")
    assert finding.severity == "warning" and "Only 49 users" in finding.message and "catalogue alone" in finding.message
    assert find(examine(log.take(log.users < 50), TABLE, now=NOW, unknown_events=0), "little_data").severity == "ok"
    nothing = replace(log, liked=np.zeros(len(log), bool))
    assert "Only 0 users" in find(examine(nothing, TABLE, now=NOW, unknown_events=0), "little_data").message


def test_people_with_one_event() -> None:
    log = build_log()
    first = np.arange(len(log)) % EACH == 0
    few = log.take(first | (log.users < 30))
    assert find(examine(few, TABLE, now=NOW, unknown_events=0), "single_events").severity == "warning"


def test_a_robot() -> None:
    log = build_log()
    users = np.sort(np.where(np.arange(len(log)) % 3 == 0, 7, log.users))
    finding = find(examine(replace(log, users=users), TABLE, now=NOW, unknown_events=0), "robot")
    assert (finding.severity, finding.examples) == ("warning", ("u7",))
    assert find(examine(log.take(log.users < 2), TABLE, now=NOW, unknown_events=0), "robot").severity == "ok", (
        "two people, one of whom"
    )


def test_repeated_events() -> None:
    log = build_log()
    doubled = log.take(np.sort(np.concatenate([np.arange(len(log)), [0, 5]])))
    finding = find(examine(doubled, TABLE, now=NOW, unknown_events=0), "repeated_events")
    assert finding.severity == "warning" and finding.message.startswith("2 events repeat")
    assert finding.examples[0] == f"u0, i{log.items[0]}, rating"


def test_times_that_are_missing() -> None:
    log = build_log()
    without = examine(replace(log, times=np.full(len(log), NO_TIME)), TABLE, now=NOW, unknown_events=0)
    assert find(without, "times").severity == "warning" and "random order" in find(without, "times").message
    assert not {"impossible_times", "order_tells_time"} & {finding.code for finding in without}
    times = log.times.copy()
    times[::EACH] = NO_TIME
    assert (
        "80 of 960 events have no time"
        in find(examine(replace(log, times=times), TABLE, now=NOW, unknown_events=0), "times").message
    )


def test_ratings_that_are_all_equal() -> None:
    log = build_log()
    finding = find(
        examine(replace(log, values=np.full(len(log), 5, np.float32)), TABLE, now=NOW, unknown_events=0),
        "equal_ratings",
    )
    assert (finding.severity, finding.examples) == ("warning", ("5",))
    plain = replace(log, values=np.full(len(log), np.nan, np.float32))
    assert "equal_ratings" not in {one.code for one in examine(plain, TABLE, now=NOW, unknown_events=0)}


def test_unknown_items() -> None:
    log = build_log()
    finding = find(examine(log, TABLE, now=NOW, unknown_events=len(log)), "unknown_items")
    assert finding.severity == "warning" and finding.message.startswith("50% of the events")
    empty = examine(log.take(np.zeros(len(log), bool)), TABLE, now=NOW, unknown_events=0)
    assert blamed(empty) == {"unknown_items": "error"} and len(empty) == 1


def test_the_worst_comes_first() -> None:
    log = build_log()
    bad = replace(log, times=log.times * 1000, values=np.ones(len(log), np.float32))
    severities = [finding.severity for finding in examine(bad, TABLE, now=NOW, unknown_events=0)]
    assert severities == sorted(severities, key=("error", "warning", "ok").index)
    assert severities[0] == "error" and "warning" in severities


def test_another_catalogue_is_misuse() -> None:
    with pytest.raises(ValueError, match="other items"):
        examine(build_log(), build_items(["x"]), now=NOW, unknown_events=0)


def test_movielens(shared_data: Path) -> None:
    with (shared_data / "movies" / "items.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    table = build_items([row["title"] for row in rows], ids=[row["movieId"] for row in rows])
    log = read_log(shared_data / "movies" / "ratings.csv", table.item_ids).log
    assert blamed(examine(log, table, now=NOW, unknown_events=0)) == {"order_tells_time": "warning"}
