"""Words that are dropped, in several scripts, and what they add."""

import pytest

from core.explain.dropped_words import drop_words


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("", []),
        (" ,. ", []),
        ("cup", [("cup", "")]),
        ("red cup!", [("red", "cup!"), ("cup", "red!")]),
        ("a  red\ncup", [("a", "red cup"), ("red", "a cup"), ("cup", "a red")]),
        ("red, blue, green", [("red", "blue, green"), ("blue", "red, green"), ("green", "red, blue")]),
        ("men's t-shirt (cotton)", [
            ("men's", "t-shirt (cotton)"),
            ("t-shirt", "men's (cotton)"),
            ("cotton", "men's t-shirt"),
        ]),
        ("1,000 ml, 2.5 kg.", [
            ("1,000", "ml, 2.5 kg."),
            ("ml", "1,000, 2.5 kg."),
            ("2.5", "1,000 ml, kg."),
            ("kg", "1,000 ml, 2.5."),
        ]),
        ("cup.New", [("cup", "New"), ("New", "cup.")]),
        ("tea tea", [("tea", "tea"), ("tea", "tea")]),
        ("Größe für Füße", [("Größe", "für Füße"), ("für", "Größe Füße"), ("Füße", "Größe für")]),
        ("लाल कप", [("लाल", "कप"), ("कप", "लाल")]),
        ("красная чашка", [("красная", "чашка"), ("чашка", "красная")]),
        ("红杯 A5", [("红", "杯 A5"), ("杯", "红 A5"), ("A5", "红杯")]),
    ],
)  # fmt: skip
def test_each_word_is_dropped_once_in_order(text, dropped) -> None:
    assert drop_words(text) == dropped
