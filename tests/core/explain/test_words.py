"""Words that are dropped, in several scripts, and what they add."""

import numpy as np
import pytest

from core.explain.words import drop_words, word_effects
from tests.conftest import word_vector


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


def encode(texts):
    assert all(texts)
    return np.stack([sum(word_vector(word) for word in text.split()) for text in texts])


def test_effects_of_a_sum_of_words_are_its_terms() -> None:
    target = word_vector("red")
    found = word_effects(encode, "big red cup", target)
    assert [word for word, _ in found] == ["big", "red", "cup"]
    for word, value in found:
        assert value == pytest.approx(float(word_vector(word) @ target), abs=1e-6)


def test_everything_is_encoded_in_one_call_and_the_empty_text_never() -> None:
    calls = []

    def count(texts):
        calls.append(list(texts))
        return encode(texts)

    assert word_effects(count, "cup", word_vector("cup")) == [("cup", pytest.approx(1.0))]
    word_effects(count, "tea tea cup", word_vector("cup"))
    assert calls == [["cup"], ["tea tea cup", "tea cup", "tea tea"]]
    assert word_effects(count, " ", word_vector("cup")) == []
    assert len(calls) == 2
