"""The item template, cleaning and scripts."""

import pytest

from core.catalog.schema import Item
from core.encode.text import (
    MAX_CHARACTERS,
    clean_text,
    find_scripts,
    is_supported_language,
    item_text,
)


def test_item_text_is_title_category_brand_attributes_description() -> None:
    item = Item(
        item_id="1",
        title="Trail shoe",
        description="Light, for wet stones.",
        category=("Shoes", "Running"),
        brand="Acme",
        attributes={"colour": ("red", "black"), "size": ("42",)},
    )
    assert item_text(item) == "Trail shoe. Running. Acme. colour red, black, size 42. Light, for wet stones"


def test_item_text_leaves_out_what_the_title_says() -> None:
    item = Item(item_id="1", title="Acme mug", brand="ACME", category=("Kitchen", "Mug"))
    assert item_text(item) == "Acme mug"


def test_a_word_within_a_word_is_no_repetition() -> None:
    assert item_text(Item(item_id="1", title="Capable", brand="Cap")) == "Capable. Cap"


def test_tags_stand_in_for_attributes() -> None:
    assert item_text(Item(item_id="1", title="Song", tags=("jazz", "slow"))) == "Song. jazz, slow"


def test_item_without_words_is_empty() -> None:
    assert item_text(Item(item_id="1", brand=" \x00 ")) == ""


def test_item_text_is_bounded_and_starts_with_the_title() -> None:
    item = Item(item_id="1", title="T" * 50, description="word " * 5000, attributes={"long": ("x" * 500,)})
    assert item_text(item).startswith("T" * 50 + ". word")
    assert len(item_text(item)) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("", ""),
        ("a\x00b\r\n c", "a b c"),
        ("bad \ud800 half", "bad half"),
        ("  红色\t鞋 ", "红色 鞋"),
        ("a\u2028b", "a b"),
    ],
)
def test_clean_text(text: str, clean: str) -> None:
    assert clean_text(text) == clean
    clean_text(text).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("red running shoes", False),
        ("café crème brûlée", False),
        ("", False),
        ("12345 !?", False),
        ("红色跑步鞋", True),
        ("給媽媽的生日禮物", True),
        ("赤いランニングシューズ", True),
        ("빨간 운동화", True),
        ("красные кроссовки", True),
        ("a long guide book for a trip to 北京", False),
        ("红色 Nike", True),
        ("resistor 10 kΩ", False),
    ],
)
def test_another_script_needs_a_multilingual_model(text: str, needed: bool) -> None:
    assert is_supported_language(text, {"en"}) is not needed


def test_shares_of_scripts_sum_to_one() -> None:
    assert find_scripts("abc 红") == {"LATIN": 0.5, "CJK": 0.5}


def test_supported_language_asks_for_a_language_of_the_script() -> None:
    assert is_supported_language("red shoes", {"en"})
    assert not is_supported_language("红色的鞋", {"en"})
    assert is_supported_language("红色的鞋", {"en", "zh"})
    assert not is_supported_language("빨간 운동화", {"en", "zh"})
    assert is_supported_language("", {"en"})
