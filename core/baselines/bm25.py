"""BM25: item texts that share rare words with the texts of the history."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import history_matrix
from core.baselines.recommender import ItemTable
from core.baselines.word_matrices import count_words
from core.interactions.log import History, InteractionLog

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]


class Bm25:
    """The query is all texts of the liked history end to end, the documents are the items' texts.

    Source: Robertson and Zaragoza 2009, equation 3.15, with the idf log(1 + (N - n + 0.5) / (n + 0.5)), never negative.
    """

    name = "bm25"
    ranks_cold = True

    def __init__(self, *, saturation: float = 1.2, length_weight: float = 0.75) -> None:
        """Set k1 and b.

        Args:
            saturation: k1, at least 0: how fast repeated words stop to count.
            length_weight: b, [0, 1]: how far long texts are held against an item.

        Raises:
            ValueError: One of them is out of range.
        """
        if saturation < 0 or not 0 <= length_weight <= 1:
            raise ValueError("saturation >= 0 and length_weight in [0, 1]")
        self.saturation = saturation
        self.length_weight = length_weight

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Weigh the words of all items."""
        self._counts = count_words(items.texts)
        self._weights = weigh_words(self._counts, saturation=self.saturation, length_weight=self.length_weight)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """BM25 scores, (B, N); all zero without a liked item."""
        query = history_matrix(histories, self._counts.shape[0]) @ self._counts  # (B, V)
        scores: NDArray[np.float32] = (query @ self._weights.T).toarray().astype(np.float32)
        return scores


def weigh_words(counts: "csr_array", *, saturation: float, length_weight: float) -> "csr_array":
    """What one occurrence of a word in the query adds to each document's score, (N, V).

    Args:
        counts: Occurrences, (N, V).
        saturation: k1.
        length_weight: b.
    """
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    holders = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log1p((counts.shape[0] - holders + 0.5) / (holders + 0.5))
    norm = saturation * (1 - length_weight + length_weight * lengths / max(lengths.mean(), 1e-12))
    weights = counts.copy()
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    weights.data = (idf[counts.indices] * counts.data * (saturation + 1) / (counts.data + norm[rows])).astype(
        np.float32
    )
    return weights
