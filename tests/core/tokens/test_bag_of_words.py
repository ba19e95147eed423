"""Items as bags of words."""

import numpy as np
import pytest

from core.catalog.schema import Item
from core.tokens.bag_of_words import WordFolder, count_words, fold_words, list_words


def make_items(count: int = 12) -> list[Item]:
    return [
        Item(
            item_id=str(number),
            title=f"{'red' if number % 2 else 'blue'} thing",
            tags=("Sale",),
            category=("Home", "Lamps") if number % 2 else (),
            brand="Acme",
            attributes={"Cast": ("Tom Hanks",) if number < 3 else ("Meg Ryan",)},
        )
        for number in range(count)
    ]


def test_values_of_fields_are_one_mark_each() -> None:
    marks = list_words(make_items()[1])
    assert marks == ["red", "thing", "tag=sale", "category=home", "category=lamps", "cast=tom hanks", "brand=acme"]


def test_rows_have_unit_length_and_rare_words_are_left_out() -> None:
    words = count_words(make_items())
    np.testing.assert_allclose(np.sqrt(words.multiply(words).sum(axis=1)), 1, atol=1e-6)
    rare = count_words([*make_items(), Item(item_id="x", title="unheard words")])
    assert rare.shape == (13, words.shape[1])
    assert rare[12].nnz == 0


def test_without_shared_words_there_are_no_columns() -> None:
    words = count_words([Item(item_id="1", title="one"), Item(item_id="2", title="two")])
    assert words.shape == (2, 0)
    assert fold_words(words).shape == (2, 0)


def test_folding_puts_items_with_the_same_words_together() -> None:
    items = [*make_items(), Item(item_id="x", title="unheard words")]
    folded = fold_words(count_words(items))
    norms = np.linalg.norm(folded, axis=1)
    assert norms[:12] == pytest.approx(1, abs=1e-5)
    assert norms[12] == 0
    assert folded[4] @ folded[6] == pytest.approx(1, abs=1e-4)
    assert folded[4] @ folded[6] > folded[4] @ folded[5] + 0.1
    np.testing.assert_array_equal(folded, fold_words(count_words(items)))


def test_items_that_are_not_in_the_catalogue_are_folded_alike() -> None:
    items = make_items()
    folder = WordFolder(items)
    np.testing.assert_allclose(folder.fold(items), fold_words(count_words(items)), atol=1e-5)
    found = folder.fold([items[4], Item(item_id="x", title="unheard words")])
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 0], abs=1e-5)
    assert WordFolder([Item(item_id="1", title="one")]).fold(items).shape == (12, 0), "too few words to fold"
