"""Item-kNN on embeddings: items that look and read like those of the history."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.baselines.item_vectors import join_vectors
from core.baselines.matrices import history_matrix, mean_rows
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog


class EmbeddingKnn:
    """Mean over the liked history of the cosines of joint text and picture embeddings.

    Texts are compared with texts and pictures with pictures, where "zero-shot" lays both into one vector.
    """

    name = "item-knn-embeddings"
    ranks_cold = True

    def __init__(self, *, picture_weight: float = 0.1) -> None:
        """Set the pictures' share of the cosine, [0, 1]."""
        self.picture_weight = picture_weight

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Join the vectors; nothing is learned."""
        self._vectors = join_vectors(items, picture_weight=self.picture_weight)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Mean cosines, (B, N); all zero without a liked item."""
        # The mean of the cosines with unit rows is the product with their mean.
        scores: NDArray[np.float32] = (
            mean_rows(history_matrix(histories, len(self._vectors)), self._vectors) @ self._vectors.T
        )
        return scores
