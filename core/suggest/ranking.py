"""Candidates of a need, and the order in which they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.serving.served import Served
from core.suggest.need import Need
from core.suggest.query import Query
from core.suggest.results import OTHER_PARTS
from core.suggest.variety import rerank_mmr


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """N candidates of one catalogue for a need, in no order.

    Attributes:
        served: What they come from.
        query: The need against this catalogue.
        ids: Database ids, (N,).
        parts: Of the scores, in the order of `names`; they sum to the score, (N, P + 2).
        embeddings: Unit-norm, (N, P * D).
        passed: How many items passed the filters.
    """

    served: Served
    query: Query
    ids: NDArray[np.int64]
    parts: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    passed: int

    @property
    def names(self) -> tuple[str, ...]:
        """What each part of a score is called."""
        return (*self.served.parts, *OTHER_PARTS)


def merge_ranked(ranked: Sequence[Ranked], need: Need, count: int) -> list[tuple[int, int]]:
    """(catalogue's position, candidate's position) of all candidates, best first."""
    places = [(at, position) for at, one in enumerate(ranked) for position in range(len(one.ids))]
    if not places:
        return []
    scores = np.concatenate([one.parts.sum(axis=1) for one in ranked])
    widths = {one.embeddings.shape[1] for one in ranked}
    if need.variety == 0 or len(widths) > 1:
        return [places[at] for at in np.argsort(-scores, kind="stable").tolist()]
    embeddings = np.concatenate([one.embeddings for one in ranked])
    return [places[at] for at in rerank_mmr(scores, embeddings, need.variety, count).tolist()]
