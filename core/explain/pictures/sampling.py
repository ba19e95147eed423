"""A map from scores alone whose parts sum to the score: sampled Shapley values of cells.

Needs no gradients, so it also sees where a score jumps, which gradients do not.

Source: Castro, Gomez and Tejada 2009, "Polynomial calculation of the Shapley value based on sampling", section 3.
"""

import numpy as np
from numpy.typing import NDArray

from core.explain.pictures.faithfulness import ScoreOfMasks, build_deletion_masks


def sample_shapley(score_of_masks: ScoreOfMasks, side: int, *, orders: int = 8, seed: int = 0) -> NDArray[np.float32]:
    """What each cell takes along when cells go one after the other, on average over random orders and their reverses.

    Args:
        score_of_masks: Called once with all 2 * orders * (G * G + 1) masks.
        side: G, cells on a side.
        orders: How many are drawn; each comes with its reverse, which keeps pairs of cells out of the error.
        seed: Of the orders.

    Returns:
        Signed, in units of the score, (G, G); they sum to score(whole) - score(empty).

    Raises:
        ValueError: No order is to be drawn.
    """
    if orders < 1:
        raise ValueError("needs at least one order")
    rng, count = np.random.default_rng(seed), side * side
    drawn = [rng.permutation(count) for _ in range(orders)]
    both = np.stack([*drawn, *(order[::-1] for order in drawn)])  # (2 O, G * G)
    masks = np.stack([build_deletion_masks(order, np.arange(count + 1.0)) for order in both])
    scores = np.asarray(score_of_masks(masks.reshape(-1, side, side)), np.float64).reshape(len(both), count + 1)
    found = np.zeros(count)
    np.add.at(found, both, scores[:, :-1] - scores[:, 1:])
    return (found / len(both)).astype(np.float32).reshape(side, side)
