"""Item-kNN on interactions: items that the same people liked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import fill_empty, history_matrix, like_counts, log_matrix
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog
from core.metrics import rank_top
from core.train.blocks import split_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

#: Rows that are compared with all items at a time, and fewer where that makes more cells.
_BLOCK, _CELLS = 512, 8_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKnnConfig:
    """Defaults are the best of those tried on MovieLens validation users.

    Attributes:
        neighbours: Kept for each item, at least 1.
        shrinkage: Added to the denominator, so that a likeness seen in few people counts less, at least 0.
        other_weight: Value of an event without a like, [0, 1].
    """

    neighbours: int = 1000
    shrinkage: float = 5.0
    other_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.neighbours < 1 or self.shrinkage < 0 or not 0 <= self.other_weight <= 1:
            raise ValueError("neighbours >= 1, shrinkage >= 0 and other_weight in [0, 1]")


class ItemKnn:
    """Sum over the history of shrunk cosines, each history item speaking for its nearest neighbours only.

    Source: Deshpande and Karypis 2004; the shrinkage of Bell and Koren 2007.
    """

    name = "item-knn"
    ranks_cold = False

    def __init__(self, config: ItemKnnConfig | None = None) -> None:
        self.config = config or ItemKnnConfig()

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Find each item's neighbours."""
        matrix = log_matrix(log, other_weight=self.config.other_weight)
        self._popularity = like_counts(log)
        self._neighbours = nearest_items(
            matrix, neighbours=self.config.neighbours, shrinkage=self.config.shrinkage
        )  # (N, N)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Summed likenesses, (B, N); popularity for an empty history."""
        history = history_matrix(histories, len(self._popularity), other_weight=self.config.other_weight)
        return fill_empty((history @ self._neighbours).toarray(), history, self._popularity)


def nearest_items(matrix: "csr_array", *, neighbours: int, shrinkage: float) -> "csr_array":
    """Shrunk cosines between columns, x_i . x_j / (|x_i| |x_j| + shrinkage), the largest of each row.

    Args:
        matrix: (U, N).
        neighbours: Kept in each row; among equals the lower item.
        shrinkage: In units of the matrix' squared values.

    Returns:
        (N, N), a zero diagonal.
    """
    from scipy.sparse import csr_array, vstack

    count = matrix.shape[1]
    columns = csr_array(matrix.T)
    norms = np.sqrt(np.asarray((matrix * matrix).sum(axis=0)).ravel())
    blocks = [csr_array((0, count), dtype=np.float32)]
    for rows in split_rows(count, count, cells=_CELLS, most=_BLOCK):
        block = (columns[rows] @ matrix).toarray()
        block /= np.maximum(np.outer(norms[rows], norms) + shrinkage, 1e-12)
        block[np.arange(len(block)), np.arange(count)[rows]] = 0
        blocks.append(_keep_largest(block.astype(np.float32), neighbours))
    return csr_array(vstack(blocks))


def _keep_largest(block: NDArray[np.float32], neighbours: int) -> "csr_array":
    """The largest positive values of each row, (R, N)."""
    from scipy.sparse import csr_array

    top = rank_top(block, neighbours)
    rows = np.repeat(np.arange(len(block)), top.shape[1])
    kept = csr_array((block[rows, top.ravel()], (rows, top.ravel())), shape=block.shape)
    kept.eliminate_zeros()
    return kept
