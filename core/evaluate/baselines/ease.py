"""EASE: a linear autoencoder with a closed form, the strongest simple model on interactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.evaluate.baselines.matrices import fill_empty, history_matrix, like_counts, log_matrix
from core.evaluate.recommender import ItemTable
from core.interactions.log import History, InteractionLog

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]


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
        self._precision: Precision = (DualPrecision if matrix.shape[0] < matrix.shape[1] else PrimalPrecision)(
            matrix, self.config.penalty
        )

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """x B, (B, N); popularity for an empty history."""
        history = history_matrix(histories, len(self._popularity), other_weight=self.config.other_weight)
        scores = history.toarray() - self._precision.multiply(history) / self._precision.diagonal
        return fill_empty(scores, history, self._popularity)


class PrimalPrecision:
    """P = (X'X + penalty I)^-1 itself, (N, N)."""

    def __init__(self, matrix: "csr_array", penalty: float) -> None:
        self._inverse = np.linalg.inv(
            (matrix.T @ matrix).toarray().astype(np.float64) + penalty * np.eye(matrix.shape[1])
        )
        self.diagonal: NDArray[np.float64] = self._inverse.diagonal()

    def multiply(self, rows: "csr_array") -> NDArray[np.float64]:
        """Rows times P, (B, N)."""
        product: NDArray[np.float64] = rows @ self._inverse
        return product


class DualPrecision:
    """P = (I - X' K X) / penalty, held as X and K X, (U, N) each."""

    def __init__(self, matrix: "csr_array", penalty: float) -> None:
        gram = (matrix @ matrix.T).toarray().astype(np.float64)
        self._penalty = penalty
        self._matrix = matrix
        self._solved = np.linalg.solve(gram + penalty * np.eye(len(gram)), matrix.toarray())  # (U, N)
        explained = np.asarray((matrix * self._solved).sum(axis=0)).ravel()
        self.diagonal: NDArray[np.float64] = (1 - explained) / penalty

    def multiply(self, rows: "csr_array") -> NDArray[np.float64]:
        """Rows times P, (B, N)."""
        product: NDArray[np.float64] = (rows.toarray() - (rows @ self._matrix.T) @ self._solved) / self._penalty
        return product


Precision = PrimalPrecision | DualPrecision
