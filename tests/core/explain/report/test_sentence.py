"""What is said first about an item: the largest effect, of either sign."""

from dataclasses import replace

import pytest

from core.explain.dropped_words import is_stop_word
from core.explain.explanation import Counterfactual, Explanation, WordEffect
from core.explain.report.html_file import mark_text
from core.explain.report.sentence import describe


def explanation(
    parts: dict[str, float], *, rank: int | None = 7, avoid: tuple[str, ...] = (), need: str = "something warm"
) -> Explanation:
    return Explanation(
        catalog="Shop", item_id="1", title="Hat", need=need, avoid=avoid, score=sum(parts.values()), rank=rank,
        base_value=0.0, modalities=parts, interactions=(), words=(), counterfactuals=(), alone={}, nearest_flip=None,
        lift=None, against=None, completeness=0.0, method="", seconds=0.0,
    )  # fmt: skip


def without(found: Explanation, *removed: tuple[str, float, int | None]) -> Explanation:
    tried = tuple(Counterfactual(removed=word, need="x", score=score, rank=rank) for word, score, rank in removed)
    return replace(found, counterfactuals=tried)


def test_what_was_to_be_avoided_is_the_reason_where_it_moved_most() -> None:
    found = explanation({"description": 1.2, "exact words": -3.39, "title": 0.4}, rank=409, avoid=("red",))
    found = without(found, ("warm", -2.0, 420), ("not red", 1.6, 49))
    said = "It stands at 409 because you asked to avoid “red”: without that it would stand at 49."
    assert describe(found) == said
    assert describe(replace(found, rank=None)).startswith("It is not ranked because you asked to avoid “red”")


def test_what_was_to_be_avoided_is_not_the_reason_where_it_moved_little() -> None:
    found = explanation({"description": 3.0, "exact words": -0.2}, avoid=("red",))
    assert "avoid" not in describe(without(found, ("not red", 3.0, 5)))


def test_a_part_that_speaks_against_is_said_where_it_is_the_largest() -> None:
    said = describe(explanation({"description": 1.0, "picture": -2.0}))
    assert said == "What moved the score most is its picture, and it speaks against this item (67 %)."


@pytest.mark.parametrize(("other", "mostly"), [(0.9, True), (1.1, False)])
def test_mostly_is_more_than_half(other: float, mostly: bool) -> None:
    said = describe(explanation({"title": 1.0, "description": other / 2, "picture": other / 2}))
    assert ("mostly" in said) is mostly and "its title" in said


def test_words_that_only_hold_others_together_are_not_given_as_reasons() -> None:
    found = explanation({"title": 1.0}, need="a toy for a child who loves animals")
    found = without(found, ("who", 0.1, 90), ("toy", 0.5, 40), ("a", 0.9, 8))
    assert "Without “toy” it falls from 7 to 40." in describe(found)
    assert [one.removed for one in found.listed] == ["toy"]


def test_words_that_can_be_wanted_are_not_taken_for_stop_words() -> None:
    assert not [word for word in ("thin", "top", "two", "fire", "down", "Thick", "red", "鞋") if is_stop_word(word)]
    assert all(is_stop_word(word) for word in ("a", "The", "who", "for", "with", "something"))


def test_stop_words_are_not_marked_however_strong() -> None:
    effects = [WordEffect(word=word, field="need", value=value) for word, value in (("the", 5.0), ("hat", 1.0))]
    html = mark_text("Need", "the hat", effects)
    assert html.count("<mark") == 1 and "--strength:1.00" in html and ">hat<" in html


def test_a_word_to_avoid_is_marked_with_what_avoiding_it_did() -> None:
    found = explanation({"title": 1.0}, avoid=("bright red", "wool"))
    found = without(found, ("not bright red", 3.0, 2), ("not wool", 1.0, 7))
    effects = found.list_effects("avoid")
    assert [(one.word, one.value) for one in effects] == [("bright", -2.0), ("red", -2.0), ("wool", 0.0)]
    assert mark_text("Avoid", "bright red, wool", effects).count("wl-against") == 2


def test_the_share_of_the_picture() -> None:
    assert explanation({"picture": -1.0, "title": 3.0}).picture_share == pytest.approx(0.25)
    assert explanation({"picture": 0.0, "title": 0.0}).picture_share == 0
