"""Variety: maximal marginal relevance over the candidates.

Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998.
"""

import numpy as np
from numpy.typing import NDArray


def rerank_mmr(
    scores: NDArray[np.float32], embeddings: NDArray[np.float32], variety: float, count: int
) -> NDArray[np.int64]:
    """Order candidates by relevance less likeness to what was already taken.

    Args:
        scores: Higher is better, (N,).
        embeddings: Unit-norm, (N, D).
        variety: 0 orders by score alone, 1 by difference alone.
        count: How many to choose; the rest follows by score.

    Returns:
        Positions of all candidates, best first, (N,).

    Raises:
        ValueError: The variety is outside [0, 1] or the shapes differ.

    Examples:
        >>> alike = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
        >>> rerank_mmr(np.array([0.9, 0.8, 0.5], np.float32), alike, variety=0.5, count=2)
        array([0, 2, 1])
    """
    if not 0 <= variety <= 1 or len(scores) != len(embeddings):
        raise ValueError("variety lies in [0, 1], with one embedding a score")
    by_score = np.argsort(-scores, kind="stable")
    if variety == 0 or len(scores) < 3:
        return by_score
    span = float(scores.max() - scores.min()) or 1.0
    relevance = (scores - scores.min()) / span
    likeness = np.full(len(scores), -1.0, np.float32)
    open_ = np.ones(len(scores), bool)
    chosen: list[int] = []
    for _ in range(min(count, len(scores))):
        gain = relevance if not chosen else (1 - variety) * relevance - variety * likeness
        best = int(np.argmax(np.where(open_, gain, -np.inf)))
        chosen.append(best)
        open_[best] = False
        likeness = np.maximum(likeness, embeddings @ embeddings[best])
    rest = [position for position in by_score.tolist() if open_[position]]
    return np.array([*chosen, *rest], dtype=np.int64)


def to_unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (N, D) at length 1; rows of zeros stay."""
    unit: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return unit
