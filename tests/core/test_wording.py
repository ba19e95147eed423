import pytest

from core.wording import count_noun


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("warning",), "0 warnings"),
        (1, ("warning",), "1 warning"),
        (2000, ("warning",), "2,000 warnings"),
        (1, ("person", "people"), "1 person"),
        (2, ("person", "people"), "2 people"),
    ],
)
def test_a_noun_goes_with_its_number(number: int, words: tuple[str, ...], text: str) -> None:
    assert count_noun(number, *words) == text
