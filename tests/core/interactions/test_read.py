import csv
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import core.interactions.columns
from core.catalog.table import ReadOptions
from core.errors import CatalogFileError, MappingError
from core.interactions.log import EVENT_TYPES, NO_TIME
from core.interactions.read import ReadLog, read_log

ITEMS = ("10", "20", "030")
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def save(text: str, name: str = "log.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return save


def codes(found: ReadLog) -> list[tuple[int, str]]:
    return [(problem.row, problem.code) for problem in found.problems]


def events(found: ReadLog) -> list[tuple[str, str, str]]:
    log = found.log
    return [
        (log.user_ids[user], log.item_ids[item], EVENT_TYPES[event])
        for user, item, event in zip(log.users.tolist(), log.items.tolist(), log.events.tolist(), strict=True)
    ]


def test_ratings(write: Write) -> None:
    found = read_log(write("userId,movieId,rating,timestamp\nb,10,4,200\na,20,3.5,100\nb,20,5,100\n"), ITEMS)
    log = found.log
    assert (found.kind, found.rows, found.problems, found.unknown_events) == ("ratings", 3, (), 0)
    assert (log.user_ids, log.item_ids) == (("b", "a"), ITEMS)
    assert log.users.tolist() == [0, 0, 1] and log.users.dtype == np.int64
    assert log.items.tolist() == [1, 0, 1] and log.items.dtype == np.int64
    assert log.values.tolist() == [5, 4, 3.5] and log.values.dtype == np.float32
    assert log.liked.tolist() == [True, True, False] and log.liked.dtype == np.bool_
    assert log.times.tolist() == [100, 200, 100] and log.times.dtype == np.int64
    assert {EVENT_TYPES[code] for code in log.events} == {"rating"} and log.events.dtype == np.int8
    assert log.has_times


def test_counts_without_times(write: Write) -> None:
    found = read_log(write("userID\tartistID\tplays\n1\t10\t1,234\n1\t20\t0\n", "a.dat"), ITEMS)
    assert (
        found.kind == "counts" and found.log.values.tolist() == [1234, 0] and found.log.liked.tolist() == [True, False]
    )
    assert events(found) == [("1", "10", "play"), ("1", "20", "play")]
    assert codes(found) == [(0, "no_times")] and (found.log.times == NO_TIME).all()


@pytest.mark.parametrize(
    "times",
    [
        ("1445714835", "1445714836"),
        ("1445714835000", "1445714836999"),
        ("2015-10-24T19:27:15Z", "2015-10-24T19:27:16Z"),
        ("2015-10-24T21:27:15+02:00", "2015-10-24T21:27:16+02:00"),
        ("2015-10-24 19:27:15", "2015-10-24 19:27:16"),
    ],
)
def test_click_logs(write: Write, times: tuple[str, str]) -> None:
    text = f"timestamp,user,event,item\n{times[1]},u,add_to_cart,10\n{times[0]},u,pageview,10\n"
    found = read_log(write(text), ITEMS)
    assert found.kind == "events" and events(found) == [("u", "10", "view"), ("u", "10", "cart")]
    assert found.log.times.tolist() == [1_445_714_835, 1_445_714_836]
    assert found.log.liked.tolist() == [False, True] and np.isnan(found.log.values).all()


def test_users_and_items_alone(write: Write) -> None:
    found = read_log(write("user,item\nu,10\nv,10\nu,20\n"), ITEMS)
    assert events(found) == [("u", "10", "other"), ("u", "20", "other"), ("v", "10", "other")]
    assert found.kind == "events" and found.log.liked.all()


def test_bad_rows_are_left_out_with_their_line(write: Write) -> None:
    text = (
        "user,item,rating,time\n,10,4,5\nu,,4,5\nu,10,good,5\nu,20,,5\n\nu,10\nu,10,4,soon\n"
        "u,20,=1+1,5\nu,20,4,5\nnull,20,4,5\nu,20,inf,5\nu,20,4;5,6,7\n"
    )
    found = read_log(write(text), ITEMS)
    assert codes(found) == [
        (0, "mixed_times"),
        (2, "missing_user"),
        (3, "missing_item"),
        (4, "bad_rating"),
        (5, "missing_rating"),
        (7, "wrong_width"),
        (8, "bad_time"),
        (9, "bad_rating"),
        (11, "missing_user"),
        (12, "bad_rating"),
        (13, "wrong_width"),
    ]
    assert events(found) == [("u", "10", "rating"), ("u", "20", "rating")] and found.rows == 11
    assert found.log.times.tolist() == [NO_TIME, 5] and not found.log.has_times
    severities = {problem.code: problem.severity for problem in found.problems}
    assert severities["bad_time"] == severities["mixed_times"] == "warning" and severities["bad_rating"] == "error"
    assert all(problem.message.endswith(".") for problem in found.problems)


def test_negative_counts(write: Write) -> None:
    found = read_log(write("user,item,quantity\nu,10,-1\nu,20,2\n"), ITEMS)
    assert (2, "negative_count") in codes(found) and found.log.values.tolist() == [2]


def test_many_bad_rows_are_counted(write: Write) -> None:
    found = read_log(write("user,item\n" + "u,\n" * 3000), ITEMS)
    missing = [problem for problem in found.problems if problem.code == "missing_item"]
    assert len(missing) == 1001 and missing[0].row == 0 and "3,000" in missing[0].message
    assert len(found.log) == 0 and found.log.user_ids == ()


def test_repeated_rows_are_counted_and_left_out(write: Write) -> None:
    text = "user,item,event,time\nu,10,view,5\nu,10,view,5\nu,10,view,6\nu,10,foo,5\nu,10,bar,5\n u ,10,VIEW,5\n"
    found = read_log(write(text), ITEMS)
    repeated = next(problem for problem in found.problems if problem.code == "repeated_rows")
    assert (repeated.value, repeated.severity, len(found.log)) == ("2", "warning", 4)


def test_unknown_events_are_named(write: Write) -> None:
    found = read_log(write("user,item,event\nu,10,buy\nu,20,teleport\n"), ITEMS)
    assert events(found) == [("u", "10", "purchase"), ("u", "20", "other")]
    problem = next(problem for problem in found.problems if problem.code == "unknown_event")
    assert "“teleport” (1)" in problem.message


def test_a_type_column_that_names_no_event_is_not_used(write: Write) -> None:
    found = read_log(write("user,item,type,rating\nu,10,movie,5\nu,20,movie,1\n"), ITEMS)
    assert found.kind == "ratings" and found.log.liked.tolist() == [True, False]
    assert (0, "ignored_events") in codes(found)


def test_events_with_ratings_among_them(write: Write) -> None:
    found = read_log(write("user,item,event,rating\nu,10,view,\nu,20,rate,2\nv,20,rate,5\n"), ITEMS)
    assert events(found) == [("u", "10", "view"), ("u", "20", "rating"), ("v", "20", "rating")]
    assert found.log.liked.tolist() == [False, False, True]
    assert codes(found) == [(0, "no_times")]


def test_items_that_the_catalogue_does_not_have(write: Write) -> None:
    found = read_log(write("user,item\nu,10\nu,99\nv,99\nv,98\nu,30.0\n"), ITEMS)
    assert (dict(found.unknown_items), found.unknown_events) == ({"99": 2, "98": 1}, 3)
    assert events(found) == [("u", "10", "other"), ("u", "030", "other")]
    assert codes(found)[:2] == [(0, "loose_ids"), (0, "no_times")]
    nothing = read_log(write("user,item\nu,99\n"), ITEMS)
    assert next(p for p in nothing.problems if p.code == "unknown_items").severity == "error"


def test_an_item_may_be_called_none(write: Write) -> None:
    found = read_log(write("user,item\nu,NA\nu,none\n"), ["NA"])
    assert events(found) == [("u", "NA", "other")] and (3, "missing_item") in codes(found)


def test_columns_that_are_not_known(write: Write) -> None:
    path = write("who,what,when\nu,10,5\n")
    with pytest.raises(MappingError, match=r"--map user=COLUMN.*columns who, what, when"):
        read_log(path, ITEMS)
    found = read_log(path, ITEMS, overrides={"user": "who", "item": "what", "time": "when"})
    assert len(found.log) == 1 and found.log.times.tolist() == [5]


def test_a_file_without_a_header(write: Write) -> None:
    path = write("1\t10\t5\t881250949\n2\t20\t3\t891717742\n", "u.data")
    with pytest.raises(MappingError, match="column_1"):
        read_log(path, ITEMS)
    pairs = [("user", "column_1"), ("item", "column_2"), ("rating", "column_3"), ("time", "column_4")]
    found = read_log(path, ITEMS, overrides=pairs)
    assert found.rows == 2 and found.log.times.tolist() == [881_250_949, 891_717_742]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_odd_encodings(write: Write, encoding: str) -> None:
    text = "用户,商品,行为,时间\n" + "".join(f"张{n}三丰的朋友,苹果,收藏,2020-01-0{n}\n" for n in range(1, 6))
    found = read_log(write(text, encoding=encoding), ["苹果"])
    assert events(found)[0] == ("张1三丰的朋友", "苹果", "like") and len(found.log) == 5


def test_quotes_line_breaks_and_delimiters_within_cells(write: Write) -> None:
    text = 'user;note;item\n"a;b";"two\nlines";10\n"c""d";x;20\ne;f;\n'
    found = read_log(write(text), ITEMS)
    assert events(found) == [("a;b", "10", "other"), ('c"d', "20", "other")]
    assert (5, "missing_item") in codes(found)


def test_broken_quotes_are_repaired_row_by_row(write: Write) -> None:
    found = read_log(write('user,item,note\nu,10,"a"b\nv,20,x\nw,10,"never closed\n'), ITEMS)
    assert events(found) == [("u", "10", "other"), ("v", "20", "other")]
    assert [row for row, code in codes(found) if code == "bad_quotes"] == [2, 4]


def test_hostile_cells_stay_text(write: Write) -> None:
    ids = ["=cmd|' /C calc'!A0", "x'); DROP TABLE interactions; --", "<script>", "a\x0bb", "😀"]
    text = "user,item\n" + "".join(f'"{item}","{item}"\n' for item in ids) + "u\0v,1\0000\n"
    found = read_log(write(text), [*ids, "10"])
    assert found.log.user_ids == (*ids, "uv") and len(found.log) == 6
    assert (0, "nul_removed") in codes(found)


def test_packed_files_and_extra_empty_cells(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b"Title of the export,,\nuser,item,time\nu,10,5,,\nu,20,6\n,,\nv,10,7\nw,20,8\n"))
    found = read_log(path, ITEMS, options=ReadOptions(header_row=2))
    assert [user for user, *_ in events(found)] == ["u", "u", "v", "w"]
    assert found.problems == ()


def test_parquet_keeps_types(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    moment = datetime(2015, 10, 24, 19, 27, 15, tzinfo=UTC)
    frame = pl.DataFrame(
        {"user_id": [7, 8], "item_id": [10.0, None], "rating": [4.0, 2.5], "timestamp": [moment, moment]}
    )
    frame.write_parquet(path)
    found = read_log(path, ITEMS)
    assert events(found) == [("7", "10", "rating")] and found.log.times.tolist() == [1_445_714_835]
    assert codes(found) == [(2, "missing_item")]
    naive = frame.with_columns(pl.col("timestamp").dt.replace_time_zone(None).cast(pl.Datetime("ns")))
    naive.with_columns(pl.struct("rating").alias("nested")).write_parquet(path)
    assert read_log(path, ITEMS).log.times.tolist() == [1_445_714_835]
    frame.select(pl.struct(user="user_id").alias("by"), "item_id").write_parquet(path)
    assert events(read_log(path, ITEMS, overrides={"user": "by.user"})) == [("7", "10", "other")]


def test_json_lines(write: Write) -> None:
    lines = [{"user": "u\ud800", "item": "10", "event": "buy"}, {"user": "v", "item": 20, "event": "view"}]
    found = read_log(write("".join(json.dumps(line) + "\n" for line in lines), "log.jsonl"), ITEMS)
    assert events(found) == [("u\ufffd", "10", "purchase"), ("v", "20", "view")]


def test_files_that_are_no_logs(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CatalogFileError):
        read_log(write(""), ITEMS)
    with pytest.raises(CatalogFileError):
        read_log(write("%PDF-1.4", "a.pdf"), ITEMS)
    with pytest.raises(CatalogFileError):
        read_log(write("PAR1 broken", "a.parquet"), ITEMS)
    empty = read_log(write("user,item\n"), ITEMS)
    assert empty.rows == 0 and len(empty.log) == 0 and empty.problems == ()
    monkeypatch.setattr(core.interactions.columns, "MAX_EVENTS", 2)
    with pytest.raises(CatalogFileError, match="more than 2 rows"):
        read_log(write("user,item\n" + "u,10\n" * 3), ITEMS)


def test_broken_quotes_in_a_log_that_is_too_long_to_repair(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.catalog.read.delimited.MAX_ROWS", 60)
    with pytest.raises(CatalogFileError, match=r"broken quotes .* more than 60 rows"):
        read_log(write('user,item\n"a"b,10\n' + "u,10\n" * 70), ITEMS)


def test_a_workbook(shared_data: Path) -> None:
    path = shared_data / "catalog_csvs" / "messy_csvkit" / "examples" / "test.xlsx"
    found = read_log(path, ["40", "63"], overrides={"user": "text", "item": "integer", "time": "datetime"})
    assert events(found) == [("Chicago Reader", "40", "other"), ("Chicago Sun-Times", "63", "other")]
    assert found.log.times.tolist() == [31_551_240, NO_TIME] and found.unknown_items == {"164": 1}
    assert {(3, "bad_time"), (5, "missing_item"), (6, "missing_item")} < set(codes(found))


def test_movielens(shared_data: Path) -> None:
    with (shared_data / "movies" / "items.csv").open(encoding="utf-8") as stream:
        item_ids = [row["movieId"] for row in csv.DictReader(stream)]
    found = read_log(shared_data / "movies" / "ratings.csv", item_ids)
    assert (found.rows, len(found.log), len(found.log.user_ids)) == (52_923, 52_923, 299)
    assert found.kind == "ratings" and found.problems == () and found.unknown_events == 0 and found.log.has_times
    assert np.array_equal(found.log.liked, found.log.values >= 4)
    keys = np.stack([found.log.users, found.log.times])
    assert np.array_equal(np.lexsort(keys[::-1]), np.arange(len(found.log)))


def test_lastfm(shared_data: Path) -> None:
    with (shared_data / "music" / "user_artists.dat").open(encoding="utf-8") as stream:
        item_ids = sorted({line.split("\t")[1] for line in stream} - {"artistID"})
    found = read_log(shared_data / "music" / "user_artists.dat", item_ids)
    assert (found.kind, len(found.log), len(found.log.user_ids)) == ("counts", 92_834, 1_892)
    assert codes(found) == [(0, "no_times")] and found.log.liked.all()


@pytest.mark.parametrize("text", ["1e39", "inf", "-inf", "1e400", "-1e39"])
def test_a_rating_that_is_no_value_costs_its_row(write: Write, text: str) -> None:
    found = read_log(write(f"userId,movieId,rating,timestamp\na,10,{text},100\na,20,3,1e400\nb,20,4,inf\n"), ITEMS)
    assert (2, "bad_rating") in codes(found)
    assert {(3, "bad_time"), (4, "bad_time")} <= set(codes(found))
    assert found.log.values.tolist() == [3.0, 4.0] and set(found.log.times.tolist()) == {NO_TIME}
