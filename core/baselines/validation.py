"""How well scores rank what people of the fit liked later, for choices that a fit makes by itself."""

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import Recommender
from core.metrics import ndcg_at, rank_top
from core.train.blocks import split_rows
from core.train.data import Validation

#: Deeper than what is reported: with some fifty people the first ten ranks are mostly luck.
DEPTH = 100


def mean_ndcg(scores: NDArray[np.float32], validation: Validation, *, depth: int = DEPTH) -> float:
    """Mean ndcg over the validation people, what they had before masked, [0, 1].

    Args:
        scores: Of all items for each of them, (B, N).
        validation: B people, at least 1.
        depth: Ranks that count, at least 1.
    """
    return float(ndcg_at(rank_top(scores, depth, masked=validation.masked), validation.targets, depth).mean())


def validation_ndcg(recommender: Recommender, validation: Validation) -> float:
    """`mean_ndcg` of a fitted recommender, [0, 1]; memory does not grow with the people.

    Args:
        recommender: Fitted without them.
        validation: B people, at least 1.
    """
    width = len(recommender.score(validation.histories[:1])[0])
    total = 0.0
    for part in split_rows(len(validation), width):
        some = Validation(histories=validation.histories[part], targets=validation.targets[part])
        total += mean_ndcg(recommender.score(some.histories), some) * len(some)
    return total / len(validation)
