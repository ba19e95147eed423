"""Linear probe: one ridge regression a person on the embeddings of the items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearProbeConfig:
    """Defaults are in the middle of what was tried.

    Attributes:
        penalty: Weight of the squared norm of the coefficients, above 0.
        others: Items drawn as not liked, the same for everybody, at least 1.
        other_weight: Weight of one of them against one liked item, above 0.
    """

    penalty: float = 10.0
    others: int = 2000
    other_weight: float = 0.1

    def __post_init__(self) -> None:
        if self.penalty <= 0 or self.others < 1 or self.other_weight <= 0:
            raise ValueError("penalty > 0, others >= 1 and other_weight > 0")


class LinearProbe:
    """Ridge from [text | picture | 1] to liked (1) against drawn others (0), in closed form when a person comes.

    What it knows of an item is its embedding alone: other people's events teach it nothing. Items of the history are
    never taken as others.
    """

    name = "linear-probe"
    ranks_cold = True

    def __init__(self, config: LinearProbeConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or LinearProbeConfig()
        self.seed = seed

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Draw the others and sum up their products once for all people."""
        ones = np.ones((len(items), 1), np.float32)
        self._features = np.concatenate([items.text_embeddings, items.picture_embeddings, ones], axis=1)
        drawn = np.random.default_rng(self.seed).permutation(len(items))[: self.config.others]
        self._drawn = np.sort(drawn)
        self._gram = self._features[self._drawn].T @ self._features[self._drawn]  # (F, F)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Regression values, (B, N); all zero without a liked item."""
        scores = np.zeros((len(histories), len(self._features)), np.float32)
        for row, history in enumerate(histories):
            if history.liked.any():
                scores[row] = self._features @ self.coefficients(history)
        return scores

    def coefficients(self, history: History) -> NDArray[np.float32]:
        """The person's coefficients, (F,): (W F'F + penalty I)^-1 F'y, put together from the shared sum."""
        liked = self._features[np.unique(history.items[history.liked])]
        met = self._features[np.intersect1d(history.items, self._drawn)]
        gram = liked.T @ liked + self.config.other_weight * (self._gram - met.T @ met)
        gram[np.diag_indices_from(gram)] += self.config.penalty
        solved: NDArray[np.float32] = np.linalg.solve(gram, liked.sum(axis=0)).astype(np.float32)
        return solved
