"""TF-IDF: items whose words are those of the history."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import history_matrix
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog

#: Runs of letters and digits. A language written without spaces gives whole phrases, which seldom meet again.
WORD = r"(?u)\b\w+\b"


class Tfidf:
    """Mean over the liked history of the cosines between TF-IDF vectors.

    Source: Lops, de Gemmis and Semeraro 2011, content-based recommendation by a centroid of item vectors.
    """

    name = "tfidf"
    ranks_cold = True

    def __init__(self, *, longest_phrase: int = 2, fewest_items: int = 1) -> None:
        """Set what counts as a term.

        Args:
            longest_phrase: Words in a phrase, at least 1.
            fewest_items: A term must be in this many items, at least 1.
        """
        self.longest_phrase = longest_phrase
        self.fewest_items = fewest_items

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Make the item vectors, unit-norm, (N, V)."""
        from scipy.sparse import csr_array  # type: ignore[import-untyped]
        from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

        if not any(re.search(r"\w", text) for text in items.texts):  # scikit-learn refuses an empty vocabulary
            self._vectors = csr_array((len(items), 0), dtype=np.float32)
            return
        vectorizer = TfidfVectorizer(
            token_pattern=WORD,
            sublinear_tf=True,
            ngram_range=(1, self.longest_phrase),
            min_df=min(self.fewest_items, len(items)),
            dtype=np.float32,
        )
        self._vectors = csr_array(vectorizer.fit_transform(items.texts))

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Mean cosines, (B, N), [0, 1]; all zero without a liked item."""
        liked = history_matrix(histories, self._vectors.shape[0])
        counts = np.maximum(np.diff(liked.indptr), 1).astype(np.float32)
        scores: NDArray[np.float32] = ((liked @ self._vectors) @ self._vectors.T).toarray() / counts[:, None]
        return scores
