import numpy as np
import polars as pl
import pytest

from core.interactions.log import NO_TIME
from core.interactions.moments import names_days_first
from core.interactions.times import join_clock, parse_times

MOMENT = 1_445_714_835  # 2015-10-24T19:27:15Z
MINUTE = MOMENT - 15
DAY = 1_445_644_800


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1445714835", MOMENT),
        ("1445714835.9", MOMENT),
        ("1.445714835e9", MOMENT),
        ("1445714835123", MOMENT),
        ("1445714835123456", MOMENT),
        ("1445714835123456768", MOMENT),
        ("0", 0),
        ("2015-10-24T19:27:15Z", MOMENT),
        ("2015-10-24T19:27:15", MOMENT),
        ("2015-10-24 19:27:15.5", MOMENT),
        ("2015-10-24 19:27:15,500", MOMENT),
        ("2015-10-24 19:27:15 UTC", MOMENT),
        ("2015-10-24T21:27:15+02:00", MOMENT),
        ("2015-10-24T21:27:15.123+0200", MOMENT),
        ("2015-10-24T21:27:15+02", MOMENT),
        ("2015-10-24T11:57:15-07:30", MOMENT),
        ("2015-10-24 19:27", MINUTE),
        ("2015-10-24", DAY),
        ("2015/10/24", DAY),
        ("2015/10/24 19:27:15", MOMENT),
        ("20151024", DAY),
        ("20151024192715", MOMENT),
        ("2015年10月24日", DAY),
        ("24.10.2015 19:27", MINUTE),
        ("24/10/2015", DAY),
        ("24-10-2015", DAY),
        ("10/24/2015 7:27 PM", MINUTE),
        ("24 Oct 2015", DAY),
        ("October 24, 2015", DAY),
        ("24 October 2015", DAY),
        ("Oct 24 2015", DAY),
        ("20151024T192715Z", MOMENT),
        ("20151024T212715+0200", MOMENT),
        ("Sat, 24 Oct 2015 19:27:15 GMT", MOMENT),
        ("Saturday, 24 October 2015 19:27:15", MOMENT),
        ("24/Oct/2015:21:27:15 +0200", MOMENT),
    ],
)
def test_ways_to_write_a_moment(text: str, seconds: int) -> None:
    parsed = parse_times(pl.Series([text]))
    assert parsed.seconds.tolist() == [seconds]
    assert not parsed.unreadable.any() and parsed.seconds.dtype == np.int64


@pytest.mark.parametrize(
    "text", ["soon", "nan", "inf", "-5", "1e300", "2015-13-24", "=NOW()", "99999999", "1.2.3", "1960-01-01", "٣"]
)
def test_what_is_no_moment_is_marked(text: str) -> None:
    parsed = parse_times(pl.Series([text, ""]))
    if text == "99999999":  # eight digits that are no date are seconds
        assert parsed.seconds.tolist() == [99_999_999, NO_TIME]
        return
    assert parsed.seconds.tolist() == [NO_TIME, NO_TIME]
    assert parsed.unreadable.tolist() == [True, False]


def test_days_and_months_are_told_apart_by_the_whole_column() -> None:
    day_first = parse_times(pl.Series(["01/02/2020", "13/02/2020"]))
    assert day_first.seconds.tolist() == [1_580_515_200, 1_581_552_000] and not day_first.ambiguous
    month_first = parse_times(pl.Series(["01/02/2020", "02/13/2020"]))
    assert month_first.seconds.tolist() == [1_577_923_200, 1_581_552_000] and not month_first.ambiguous
    assert parse_times(pl.Series(["01/02/2020", "02/03/2020"])).ambiguous


def test_a_column_may_mix_ways_and_hold_nothing() -> None:
    parsed = parse_times(pl.Series(["1445714835", "2015-10-24", "", "x"]))
    assert parsed.seconds.tolist() == [MOMENT, DAY, NO_TIME, NO_TIME]
    assert parse_times(pl.Series([], dtype=pl.String)).seconds.tolist() == []


@pytest.mark.parametrize(
    ("day", "clock", "moment"),
    [
        ("2024-05-01", "12:33", "2024-05-01 12:33"),
        ("2024-05-01 00:00:00", "7:05:09", "2024-05-01 07:05:09"),
        ("20240501", "12:33:00", "2024-05-01 12:33:00"),
        ("05/01/2024", "1:05 p.m.", "05/01/2024 01:05 PM"),
        ("2024-05-01", "1899-12-31 12:33:00", "2024-05-01 12:33:00"),
        ("2024-05-01", "", "2024-05-01"),
        ("", "12:33", ""),
        ("2024-05-01", "noon", "2024-05-01"),
    ],
)
def test_a_day_and_a_time_of_day_are_one_moment(day: str, clock: str, moment: str) -> None:
    assert join_clock(pl.Series([day]), pl.Series([clock])).to_list() == [moment]
    if clock and moment not in ("", day):
        assert not parse_times(pl.Series([moment])).unreadable.any()


@pytest.mark.parametrize(
    "text",
    [
        "Sat, 24 Oct 2015 19:27:15 +0000",
        "Sat Oct 24 19:27:15 2015",
        "Oct-24-15 19:27:15",
        "10/24/15 19:27:15",
        "24/10/15 19:27:15",
        "24.10.15 19:27:15",
    ],
)
def test_other_ways_to_write_a_moment(text: str) -> None:
    assert parse_times(pl.Series([text])).seconds.tolist() == [MOMENT]


def test_days_come_first_where_asked_and_nothing_else_tells() -> None:
    first = parse_times(pl.Series(["01/02/2024"]), day_first=True)
    assert (first.seconds.tolist(), first.ambiguous) == ([1_706_745_600], True)  # 1 February
    told = parse_times(pl.Series(["01/02/2024", "01/13/2024"]), day_first=True)
    assert (told.seconds.tolist(), told.ambiguous) == ([1_704_153_600, 1_705_104_000], False)  # 2 and 13 January


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("Kunde", "Artikel", "Datum"), True),
        (("N° client", "Réf. article", "Date de commande"), True),
        (("Cliente", "Código de artículo", "Fecha"), True),
        (("client", "item", "order date"), False),
        (("user", "data", "date"), False),
    ],
)
def test_the_names_of_columns_tell_the_order_of_days(columns: tuple[str, ...], expected: bool) -> None:
    assert names_days_first(columns) is expected
