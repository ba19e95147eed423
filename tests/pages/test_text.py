"""Numbers as people write them."""

from dataclasses import replace

import pytest

from core.parts import PARTS
from ui.options import name_match
from ui.text import escape_markdown, format_duration, format_estimate, format_moment


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (3660, "1 h 1 min"), (-1, "0 s")]
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "10 s"),
        (31, "40 s"),
        (60, "60 s"),
        (61, "2 min"),
        (125, "3 min"),
        (5401, "2 h"),
        (7000, "2 h"),
        (9100, "3 h"),
    ],
)
def test_an_estimate_is_rounded_up(seconds: float, text: str) -> None:
    assert format_estimate(seconds) == text


@pytest.mark.parametrize(
    ("passed", "ago"),
    [(-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7199, "1 hour ago"), (200_000, "2 days ago")],
)
def test_a_moment_is_said_from_now_and_in_the_visitors_time(passed: float, ago: str) -> None:
    moment = 1_764_252_180.0  # 27 Nov 2025, 14:03 UTC
    assert format_moment(moment, moment + passed, "UTC") == f"{ago} (27 Nov 2025, 14:03)"
    assert "(27 Nov 2025, 22:03)" in format_moment(moment, moment + passed, "Asia/Shanghai")
    assert format_moment(moment, moment + passed, "No/Where").startswith(ago)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Tom's 100% wool & silk, 1.5 m - a_b_c (C++)", "Tom's 100% wool & silk, 1.5 m - a_b_c (C++)"),
        ("1. FC Köln", r"1\. FC Köln"),
        ("- #1\n of  2", r"\- \#1 of 2"),
        ("$5.99 *now* [x](y) `z`", r"\$5.99 \*now\* \[x\](y) \`z\`"),
        ("Row 3: &amp;", r"Row 3: \&amp;"),
        ("http://a.example", r"http\::color[]//a.example"),
        ("www.a.example", r"www:color[].a.example"),
        ("me@a.example", r"me:color[]@a.example"),
        (":material/home:", r"\::color[]material/home\:"),
        ("a -> b", r"a -:color[]> b"),
        ("\u200d全角　空白\xa0x", "\u200d全角　空白\xa0x"),
    ],
)
def test_markdown_of_a_text_shows_exactly_its_characters(text: str, markdown: str) -> None:
    assert escape_markdown(text) == markdown


def test_a_choice_names_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    assert name_match("both") == "Picture and text"
    monkeypatch.setitem(PARTS, "smell", replace(PARTS["text"], label="Smell"))
    assert (name_match("both"), name_match("smell")) == ("Picture, text and smell", "Smell only")
