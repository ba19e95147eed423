"""Random order: what a ranking is worth that knows nothing."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog


class RandomOrder:
    """Uniform scores, drawn from the seed and from the history itself.

    So a person's order is the same in any batch, and two people with different histories get different orders.
    """

    name = "random"
    ranks_cold = True

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Take the number of items; nothing is learned."""
        self._items = len(items)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Uniform numbers in [0, 1), (B, N)."""
        scores = np.empty((len(histories), self._items), np.float32)
        for row, history in enumerate(histories):
            key = zlib.crc32(history.items.tobytes() + history.times.tobytes())
            scores[row] = np.random.default_rng([self.seed, key]).random(self._items, np.float32)
        return scores
