"""One vector an item out of its text and its pictures."""

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable


def blend_vectors(items: ItemTable, *, picture_weight: float) -> NDArray[np.float32]:
    """unit((1 - w) text + w picture): both lie in one space, (N, D); zero for an item without either."""
    return to_unit((1 - picture_weight) * items.text_embeddings + picture_weight * items.picture_embeddings)


def join_vectors(items: ItemTable, *, picture_weight: float) -> NDArray[np.float32]:
    """unit([sqrt(1 - w) text | sqrt(w) picture]): a cosine is then the weighted mean of both cosines, (N, 2 D)."""
    text = np.sqrt(1 - picture_weight) * items.text_embeddings
    return to_unit(np.concatenate([text, np.sqrt(picture_weight) * items.picture_embeddings], axis=1))


def to_unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of norm 1; a zero row stays zero."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (rows / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit
