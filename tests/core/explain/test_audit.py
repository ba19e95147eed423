"""Many explained suggestions summed up: worked by hand, and whatever goes in comes out again."""

import csv
import io
import json

import pytest

from core.explain.audit import Case, Mapped, cases_csv, summarise
from core.explain.explanation import WordEffect


def case(item_id: str, modalities: dict[str, float], *words: tuple[str, str, float], **more) -> Case:
    return Case(
        **{
            "need": f"need of {item_id}",
            "item_id": item_id,
            "title": item_id.upper(),
            "score": sum(modalities.values()),
            "rank": 3,
            "modalities": modalities,
            "without": {"picture": 2},
            "words": tuple(WordEffect(word=word, field=field, value=value) for word, field, value in words),
            "seconds": 0.5,
        }
        | more
    )


CASES = (
    case("a", {"picture": 3.0, "title": 1.0}, ("Red", "need", 1.0), ("shoe", "title", 0.5)),
    case("b", {"picture": -1.0, "title": 1.0}, ("red", "need", 3.0), ("red", "title", 2.0)),
    case("c", {"title": 2.0}, ("shoe", "title", -1.5)),
)


def test_parts_are_weighed_as_by_hand() -> None:
    title, picture = summarise(CASES, ()).parts
    assert (title.name, title.cases, title.against) == ("title", 3, 0.0)
    assert title.mean == pytest.approx(4 / 3)
    assert title.share == pytest.approx((1 / 4 + 1 / 2 + 1) / 3)
    assert (picture.name, picture.cases, picture.against, picture.mean) == ("picture", 2, 0.5, 1.0)
    assert picture.share == pytest.approx((3 / 4 + 1 / 2) / 3)
    assert title.share + picture.share == pytest.approx(1)


def test_words_count_from_two_cases_on_whatever_their_case() -> None:
    words = {(one.word, one.field): (one.cases, one.mean) for one in summarise(CASES, ()).words}
    assert words == {("red", "need"): (2, 2.0), ("shoe", "title"): (2, -0.5)}


def test_a_word_that_comes_twice_in_a_text_counts_once_by_its_stronger_place() -> None:
    twice = case("d", {"title": 1.0}, ("red", "title", 0.1), ("Red", "title", -0.4))
    (word,) = summarise([twice, case("e", {"title": 1.0}, ("red", "title", 0.4))], ()).words
    assert (word.cases, word.mean) == (2, pytest.approx(0.0))


def test_pictures_that_hurt_come_worst_first() -> None:
    worse = case("w", {"picture": -2.0, "title": 1.0}, rank=None, without={"picture": 4})
    hardly = case("h", {"picture": -0.04, "title": 1.0})
    found = summarise([*CASES, worse, hardly], ())
    assert [one.item_id for one in found.hurt] == ["w", "b"] and found.pictures == 4
    assert [one["rank_without"] for one in found.to_json()["hurt"]] == [4, 2]


def test_maps_are_counted_by_what_made_them() -> None:
    mapped = [Mapped(method="fast", seconds=1.0), Mapped(method="", seconds=2.0), Mapped(method="fast", seconds=1.0)]
    found = summarise(CASES, mapped)
    assert dict(found.methods) == {"fast": 2} and found.unmapped == 1 and found.looked == 3
    assert found.seconds == pytest.approx(5.5)


def test_nothing_is_nothing() -> None:
    found = summarise((), ())
    assert (found.cases, found.needs, found.parts, found.words, found.hurt, found.looked) == (0, 0, (), (), (), 0)


def test_an_item_that_nothing_moves_has_no_say_in_the_shares() -> None:
    found = summarise([*CASES, case("still", {"title": 0.0})], ())
    assert sum(part.share for part in found.parts) == pytest.approx(1) and found.cases == 4


def test_a_case_comes_back_from_json() -> None:
    for one in CASES:
        assert Case.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_the_table_runs_no_formula() -> None:
    hostile = case("=cmd()", {"picture": 1.0}, need="+1", title='=HYPERLINK("x")')
    header, row = csv.reader(io.StringIO(cases_csv([hostile]).decode("utf-8-sig")))
    assert row[:3] == ["'+1", "'=cmd()", '\'=HYPERLINK("x")']
    assert row[header.index("Picture")] == "1.0000" and row[header.index("Title", 3)] == ""
    assert row[header.index("Rank without picture")] == "2"
