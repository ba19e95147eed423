"""Where variants of an item lie: what the training did is done again."""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from core.catalog.schema import Item
from core.explain.people.placing import ItemPlacer
from core.model.inference import ItemFacts, unit
from core.model.memory import fit_memory
from core.tokens.bag_of_words import WordFolder, count_words
from core.train.people import memory_vectors

RNG = np.random.default_rng(5)
NAMES = ("red shoe", "blue shoe", "red hat", "blue hat", "green hat", "green shoe")
ITEMS = [Item(item_id=str(n), title=NAMES[n % 6], tags=("new",) if n % 4 else ()) for n in range(24)]
VECTORS = RNG.standard_normal((24, 2, 6)).astype(np.float32)


def fit(items: list[Item]):
    none = np.zeros(len(items), np.float32)
    facts = ItemFacts(vectors=VECTORS, popularity=none, quality=none, categories=none[:, None], states=none[:, None])
    likes = (RNG.random((10, len(items))) < 0.3).astype(np.float32)
    return fit_memory(csr_array(likes), memory_vectors(facts.flat, count_words(items)), shrinkage=2.0, content=0.1)


def test_an_item_that_is_not_changed_stays_where_it_is() -> None:
    memory = fit(ITEMS)
    placer = ItemPlacer(VECTORS, memory, dict(enumerate(ITEMS)))
    found = placer.place(3, VECTORS, ITEMS)
    np.testing.assert_allclose(found.memory[2:], memory.vectors, atol=1e-4)
    np.testing.assert_array_equal(found.memory[0], memory.vectors[3])
    np.testing.assert_allclose(found.flat[1], found.flat[2:].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.flat[2:], axis=1), 1, atol=1e-5)


def test_a_version_with_narrower_words_is_placed_as_exactly() -> None:
    """Earlier releases folded words into fewer numbers."""
    names = [f"{RNG.choice(NAMES)} {'abcdefgh'[n % 7]} {'xyz'[n % 3]}" for n in range(24)]
    items = [replace(item, title=title) for item, title in zip(ITEMS, names, strict=True)]
    words = WordFolder(items, 4).fold(items)
    fused = unit(unit(VECTORS.reshape(24, -1)) - unit(VECTORS.reshape(24, -1)).mean(axis=0))
    likes = csr_array((RNG.random((10, 24)) < 0.3).astype(np.float32))
    memory = fit_memory(likes, np.concatenate([fused, words], axis=1), shrinkage=2.0, content=0.1)
    found = ItemPlacer(VECTORS, memory, dict(enumerate(items))).place(3, VECTORS, items)
    np.testing.assert_allclose(found.memory[2:], memory.vectors, atol=1e-4)


def test_a_variant_lies_where_an_item_of_its_kind_lies() -> None:
    """Item 6 has the words of item 0; with its vectors as well it lies where item 0 does."""
    memory = fit(ITEMS)
    placer = ItemPlacer(VECTORS, memory, dict(enumerate(ITEMS)))
    found = placer.place(6, VECTORS[[0, 6]], [ITEMS[0], Item(item_id="6", title="green hat")])
    np.testing.assert_allclose(found.memory[2], memory.vectors[0], atol=1e-4)
    assert np.abs(found.memory[3] - memory.vectors[6]).max() > 0.01


def test_items_that_left_the_catalogue_are_no_trouble() -> None:
    memory = fit(ITEMS)
    placer = ItemPlacer(VECTORS, memory, {row: item for row, item in enumerate(ITEMS) if row not in (4, 9)})
    found = placer.place(3, VECTORS[[3]], [ITEMS[3]])
    assert found.memory[2] @ memory.vectors[3] > 0.99
