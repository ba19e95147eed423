"""Codes as they are compared, and what in a need may be one."""

import pytest

from core.catalog.codes import find_codes, is_code, is_shortened, normalise_code


@pytest.mark.parametrize(
    ("text", "code"),
    [("FP-22/B", "fp22b"), ("978-3-16-148410-0", "9783161484100"), ("04006381333931", "4006381333931"),
     ("007", "007"), ("0000123", "0000123"), ("ＡＢ１２", "ab12"), ("Größe_5", "grösse5"), ("--", ""),
     ("00000000", "00000000")],
)  # fmt: skip
def test_codes_are_compared_by_letters_and_digits(text: str, code: str) -> None:
    assert normalise_code(text) == code


@pytest.mark.parametrize(
    ("need", "code"),
    [("FP-22/B", "fp22b"), ("fp22b", "fp22b"), ("the pen FP 22 B please", "fp22b"),
     ("EAN: 4006381333931", "4006381333931"),
     ("EAN:04006381333931", "4006381333931"), ("ISBN 978-3-16-148410-0", "9783161484100"),
     ("978 3 16 148410 0", "9783161484100"), ("商品ABC123", "abc123"), ("blue-polo", "bluepolo"), ("A1", "a1"),
     ("4711", "4711"), ("WH 1000 XM4 headphones", "wh1000xm4"), ("(MG-07)", "mg07")],
)  # fmt: skip
def test_typed_codes_are_found(need: str, code: str) -> None:
    assert code in find_codes(need)


@pytest.mark.parametrize(
    ("need", "code"), [("a 2 seater sofa", "a2"), ("under 50", "50"), ("red shoe", "red"), ("chairs 20 23", "2023")]
)
def test_words_and_small_numbers_are_no_codes(need: str, code: str) -> None:
    assert code not in find_codes(need)


def test_cells_that_say_nothing_are_no_codes() -> None:
    assert not any(map(is_code, ["", "-", "n/a", "N.A.", "Does not apply", "0", "none", "x" * 101]))
    assert is_code("FP-22/B")


def test_shortened_numbers_are_told() -> None:
    assert is_shortened("4.00638E+12") and is_shortened("4,00638E+12")
    assert not is_shortened("12E4") and not is_shortened("4006381333931")
