"""The fusion model as one of the compared recommenders: fitted afresh on each fold, touching its test people never."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable
from core.device import choose_device
from core.interactions.log import History, InteractionLog
from core.tokens.item_tokens import ItemTokens
from core.train.config import TrainConfig
from core.train.data import TrainData, build_data

if TYPE_CHECKING:
    from core.train.run import Trained


def build_fit_data(tokens: ItemTokens, items: ItemTable, log: InteractionLog, *, seed: int) -> TrainData:
    """What a fit may train on: its events, and no item that none of them touches."""
    untouched = np.bincount(log.items, minlength=len(items)) == 0
    return build_data(
        tokens,
        items.titles,
        items.categories,
        pictures=items.pictures,
        log=log,
        excluded=untouched,
        words=items.words,
        seed=seed,
    )


class FusionRecommender:
    """Trains on a fit's events and items; items without any event in the fit are only ever read.

    Args:
        tokens: Of all items.
        config: Hyper-parameters.
    """

    name = "fusion"
    ranks_cold = True

    def __init__(self, tokens: ItemTokens, config: TrainConfig) -> None:
        self.tokens, self.config = tokens, config
        self.trained: Trained | None = None

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Train, choosing everything on validation people of the fit."""
        from core.train.run import train

        data = build_fit_data(self.tokens, items, log, seed=self.config.seed)
        with tempfile.TemporaryDirectory(prefix="wishlight-") as folder:
            self.trained = train(data, self.config, choose_device(), Path(folder), everything=log)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Sum of all parts, (B, N).

        Raises:
            ValueError: `fit` has not been called.
        """
        if self.trained is None:
            raise ValueError("fit comes first")
        return TrainedRecommender(self.trained).score(histories)


class TrainedRecommender:
    """A version that is trained already."""

    name = "fusion"
    ranks_cold = True

    def __init__(self, trained: "Trained") -> None:
        self._trained = trained

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Nothing: it was fitted on the same events."""

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Sum of all parts, (B, N).

        Raises:
            ValueError: It was trained without a log.
        """
        one = self._trained
        if one.heads is None:
            raise ValueError("a version without a log scores no people")
        return one.heads.score(one.model, one.items.vectors, histories).total
