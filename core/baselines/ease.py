"""EASE: a linear autoencoder with a closed form, the strongest simple model on interactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import fill_empty, history_matrix, like_counts, log_matrix
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog
from core.model.memory import ridge_gram

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]


#: Items of the matrix at most: those that are liked most. An inverse of items x items takes 800 MB at 10,000.
MOST_ITEMS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EaseConfig:
    """Defaults are the best of those tried on MovieLens validation users.

    Attributes:
        penalty: Weight of the squared norm of B, above 0, in units of events.
        other_weight: Value of an event without a like, [0, 1].
    """

    penalty: float = 50.0
    other_weight: float = 0.0

    def __post_init__(self) -> None:
        if not self.penalty > 0 or not 0 <= self.other_weight <= 1:
            raise ValueError("penalty > 0 and other_weight in [0, 1]")


class Ease:
    """Scores x B, where B minimises |X - X B|^2 + penalty |B|^2 under a zero diagonal.

    With P = (X'X + penalty I)^-1, B = I - P diag(P)^-1. With fewer users than items P is never formed: by Woodbury
    P = (I - X' K X) / penalty, K = (X X' + penalty I)^-1, which is (U, U), and x B needs x P and diag(P) alone.

    Items that nobody liked have zero columns and are left out of X, exactly. Of more than `MOST_ITEMS` others those
    that are liked least are left out as well, and score 0.

    Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data", equations 6 to 8.
    """

    name = "ease"
    ranks_cold = False

    def __init__(self, config: EaseConfig | None = None) -> None:
        self.config = config or EaseConfig()

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Solve for B, in whichever form has the smaller inverse."""
        matrix = log_matrix(log, other_weight=self.config.other_weight)
        self._popularity = like_counts(log)
        worth = np.asarray(matrix.sum(axis=0)).ravel()
        known = np.argsort(-worth, kind="stable")[: min(int((worth > 0).sum()), MOST_ITEMS)]
        self._known = np.sort(known)
        matrix = matrix[:, self._known]
        matrix = matrix[np.diff(matrix.indptr) > 0]
        self._precision: Precision = (DualPrecision if 2 * matrix.shape[0] < matrix.shape[1] else PrimalPrecision)(
            matrix, self.config.penalty
        )

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """x B, (B, N); popularity for an empty history."""
        history = history_matrix(histories, len(self._popularity), other_weight=self.config.other_weight)
        known = history[:, self._known]
        scores = np.zeros(history.shape, np.float32)
        scores[:, self._known] = known.toarray() - self._precision.multiply(known) / self._precision.diagonal
        return fill_empty(scores, history, self._popularity)


class PrimalPrecision:
    """P = (X'X + penalty I)^-1 itself, (N, N)."""

    def __init__(self, matrix: "csr_array", penalty: float) -> None:
        from scipy.linalg import inv  # type: ignore[import-untyped]

        gram = ridge_gram(matrix.T.tocsr(), penalty)
        self._inverse = inv(gram, overwrite_a=True, check_finite=False)
        self.diagonal: NDArray[np.float64] = self._inverse.diagonal()

    def multiply(self, rows: "csr_array") -> NDArray[np.float64]:
        """Rows times P, (B, N)."""
        product: NDArray[np.float64] = rows @ self._inverse
        return product


class DualPrecision:
    """P = (I - X' K X) / penalty, held as X and K X, (U, N) each."""

    def __init__(self, matrix: "csr_array", penalty: float) -> None:
        from scipy.linalg import solve

        self._penalty = penalty
        self._matrix = matrix
        gram, right = ridge_gram(matrix, penalty), matrix.toarray(order="F").astype(np.float64)
        self._solved = solve(gram, right, assume_a="pos", overwrite_a=True, overwrite_b=True)  # (U, N)
        explained = np.asarray((matrix * self._solved).sum(axis=0)).ravel()
        self.diagonal: NDArray[np.float64] = (1 - explained) / penalty

    def multiply(self, rows: "csr_array") -> NDArray[np.float64]:
        """Rows times P, (B, N)."""
        product: NDArray[np.float64] = (rows.toarray() - (rows @ self._matrix.T) @ self._solved) / self._penalty
        return product


Precision = PrimalPrecision | DualPrecision
