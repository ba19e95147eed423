"""Where an item lies for a version when it has other fields."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.model.fitted import ItemPlaces
from core.model.memory import Memory
from core.tokens.bag_of_words import WordFolder


class ItemPlacer:
    """Repeats for variants of an item what `core.train.people.memory_vectors` did for the items of a version.

    A vector of the memory is the fused vector beside the folded words, less the catalogue's mean. A version keeps
    neither the vocabulary nor the folding of its words, so both are fitted again on the items as they are now, and a
    linear map takes them to the words that the version kept: exact where the catalogue has stayed as it was, near
    where it has grown.

    Args:
        vectors: Of the version's items, (N, M, D).
        memory: Of the version.
        items: Number in the version to the item, for those that the catalogue still has.
    """

    def __init__(self, vectors: NDArray[np.float32], memory: Memory, items: Mapping[int, Item]) -> None:
        self._flat, self._memory = _unit(vectors.reshape(len(vectors), -1)), memory.vectors
        self._centre = self._flat.mean(axis=0)
        fused = _unit(self._flat - self._centre)  # (N, M * D)
        self._mean = fused.mean(axis=0)
        width = fused.shape[1]
        kept = np.linalg.norm(memory.vectors[:, :width], axis=1)
        lengths = np.linalg.norm(fused - self._mean, axis=1) / np.maximum(kept, 1e-9)  # before they became 1, (N,)
        words = (memory.vectors[:, width:] * lengths[:, None])[list(items)]
        self._folder = WordFolder(list(items.values()), words.shape[1])
        self._map = np.linalg.lstsq(self._fold(list(items.values())), words, rcond=None)[0]

    def place(self, item: int, vectors: NDArray[np.float32], variants: Sequence[Item]) -> ItemPlaces:
        """An item as the version keeps it, the average item, and variants, in this order, 2 + V places.

        Args:
            item: Its number in the version.
            vectors: Of its variants as the version reads them, (V, M, D).
            variants: Their words.
        """
        flat = _unit(vectors.reshape(len(vectors), -1))
        fused = _unit(flat - self._centre) - self._mean
        memory = _unit(np.concatenate([fused, self._fold(variants) @ self._map], axis=1))
        return ItemPlaces(
            item=item,
            flat=np.stack([self._flat[item], self._centre, *flat]),
            memory=np.stack([self._memory[item], self._memory.mean(axis=0), *memory]),
        )

    def _fold(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Folded words and a 1 for what is the same for all, (V, E + 1)."""
        folded = self._folder.fold(items)
        return np.concatenate([folded, np.ones((len(folded), 1), np.float32)], axis=1)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)
