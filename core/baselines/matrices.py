"""Events as sparse matrices, and what to do for a person without any."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.interactions.log import History, InteractionLog

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]


def log_matrix(log: InteractionLog, *, other_weight: float = 0.0) -> "csr_array":
    """One row for each user with an event, in the order of their numbers.

    Args:
        log: Events of the fit.
        other_weight: Value of an item whose events are all without a like, [0, 1]; a liked item has 1.

    Returns:
        (U, N), float32, without stored zeros.
    """
    _, rows = np.unique(log.users, return_inverse=True)
    shape = (int(rows.max()) + 1 if len(rows) else 0, len(log.item_ids))
    return _weigh(rows, log.items, log.liked, shape=shape, other_weight=other_weight)


def history_matrix(histories: Sequence[History], items: int, *, other_weight: float = 0.0) -> "csr_array":
    """The same of histories, (B, N)."""
    rows = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    columns = np.concatenate([np.empty(0, np.int64), *(history.items for history in histories)])
    liked = np.concatenate([np.empty(0, np.bool_), *(history.liked for history in histories)])
    return _weigh(rows, columns, liked, shape=(len(histories), items), other_weight=other_weight)


def mean_rows(matrix: "csr_array", features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the feature rows that each matrix row weighs, (B, D); zero for an empty row."""
    totals = np.maximum(np.asarray(matrix.sum(axis=1)).reshape(-1, 1), np.float32(1e-12))
    means: NDArray[np.float32] = ((matrix @ features) / totals).astype(np.float32)
    return means


def like_counts(log: InteractionLog) -> NDArray[np.float32]:
    """Number of liked events of each item, (N,)."""
    return np.bincount(log.items[log.liked], minlength=len(log.item_ids)).astype(np.float32)


def fill_empty(scores: NDArray[np.float32], history: "csr_array", fallback: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give rows without any history the fallback's order: nothing is known of that person.

    Args:
        scores: (B, N).
        history: (B, N).
        fallback: Usually `like_counts`, (N,).
    """
    return np.where(np.diff(history.indptr)[:, None] > 0, scores, fallback[None, :]).astype(np.float32)


def _weigh(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    liked: NDArray[np.bool_],
    *,
    shape: tuple[int, int],
    other_weight: float,
) -> "csr_array":
    """Repeated events count once: the item is liked when any of them says so."""
    from scipy.sparse import csr_array

    weighed = _ones(rows[liked], columns[liked], shape)
    if other_weight > 0:
        weighed = weighed.maximum(_ones(rows, columns, shape) * np.float32(other_weight))
    return csr_array(weighed, dtype=np.float32)


def _ones(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> "csr_array":
    from scipy.sparse import csr_array

    matrix = csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
