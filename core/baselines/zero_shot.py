"""Zero-shot: the embedding model as it comes, no training on events."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.baselines.item_vectors import blend_vectors, to_unit
from core.baselines.matrices import history_matrix, mean_rows
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog


class ZeroShot:
    """Cosine between each item and the mean of the liked history, over blended text and picture vectors."""

    name = "zero-shot"
    ranks_cold = True

    def __init__(self, *, picture_weight: float = 0.1) -> None:
        """Set the pictures' share of an item's vector, [0, 1]; a tenth is what the search itself uses."""
        self.picture_weight = picture_weight

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Blend the vectors; nothing is learned."""
        self._vectors = blend_vectors(items, picture_weight=self.picture_weight)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Cosines, (B, N); all zero without a liked item."""
        profile = to_unit(mean_rows(history_matrix(histories, len(self._vectors)), self._vectors))
        scores: NDArray[np.float32] = profile @ self._vectors.T
        return scores
