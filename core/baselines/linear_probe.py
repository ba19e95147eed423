"""Linear probe: one ridge regression a person on the embeddings of the items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable
from core.baselines.validation import mean_ndcg
from core.interactions.log import History, InteractionLog
from core.train.data import Validation, split_people


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearProbeConfig:
    """The penalty is chosen in the fit; the rest is as first set.

    Attributes:
        penalties: Weights of the squared norm of the coefficients to choose from, above 0, at least one.
        others: Items drawn as not liked, the same for everybody, at least 1.
        other_weight: Weight of one of them against one liked item, above 0.
    """

    penalties: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0)
    others: int = 2000
    other_weight: float = 0.1

    def __post_init__(self) -> None:
        if min(self.penalties, default=0) <= 0 or self.others < 1 or self.other_weight <= 0:
            raise ValueError("at least one penalty, each > 0, others >= 1 and other_weight > 0")


class LinearProbe:
    """Ridge from [text | picture | 1] to liked (1) against drawn others (0), in closed form when a person comes.

    What it knows of an item is its embedding alone: other people's events serve only to choose the penalty, on a
    fifth of the fit's people. Items of the history are never taken as others.

    Attributes:
        penalty: The chosen one; the middle of the list while there is nobody to choose on.
    """

    name = "linear-probe"
    ranks_cold = True

    def __init__(self, config: LinearProbeConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or LinearProbeConfig()
        self.seed = seed
        self.penalty = sorted(self.config.penalties)[len(self.config.penalties) // 2]

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Draw the others, sum up their products once for all people, and choose the penalty."""
        ones = np.ones((len(items), 1), np.float32)
        self._features = np.concatenate([items.text_embeddings, items.picture_embeddings, ones], axis=1)
        drawn = np.random.default_rng(self.seed).permutation(len(items))[: self.config.others]
        self._drawn = np.sort(drawn)
        self._gram = self._features[self._drawn].T @ self._features[self._drawn]  # (F, F)
        if len(self.config.penalties) > 1:
            _, validation = split_people(log, seed=self.seed)
            if len(validation):
                self._choose_penalty(validation)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Regression values, (B, N); all zero without a liked item."""
        scores = np.zeros((len(histories), len(self._features)), np.float32)
        for row, history in enumerate(histories):
            if history.liked.any():
                scores[row] = self._features @ self.coefficients(history)
        return scores

    def _choose_penalty(self, validation: Validation) -> None:
        """The penalty that ranks best what the validation people liked later; of equals the largest."""
        gains = {}
        for penalty in sorted(self.config.penalties):
            self.penalty = penalty
            gains[penalty] = mean_ndcg(self.score(validation.histories), validation)
        self.penalty = max(gains, key=lambda penalty: (gains[penalty], penalty))

    def coefficients(self, history: History) -> NDArray[np.float32]:
        """The person's coefficients, (F,): (W F'F + penalty I)^-1 F'y, put together from the shared sum."""
        liked = self._features[np.unique(history.items[history.liked])]
        met = self._features[np.intersect1d(history.items, self._drawn)]
        gram = liked.T @ liked + self.config.other_weight * (self._gram - met.T @ met)
        gram[np.diag_indices_from(gram)] += self.penalty
        solved: NDArray[np.float32] = np.linalg.solve(gram, liked.sum(axis=0)).astype(np.float32)
        return solved
