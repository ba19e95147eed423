"""A map from forward passes alone: a linear model of the score under random masks.

The slowest and surest map, for checking the others, and for towers whose gradients say little.

Source: Ribeiro et al. 2016, "Why Should I Trust You?" (LIME), section 3.4, on a grid of cells and with even weights.
"""

import numpy as np
from numpy.typing import NDArray

from core.explain.pictures.faithfulness import ScoreOfMasks

#: Strength of the ridge, in masks.
_RIDGE = 2.0


def fit_cells(score_of_masks: ScoreOfMasks, side: int, *, masks: int = 128, seed: int = 0) -> NDArray[np.float32]:
    """How much each cell adds to the score on average over random halves of the picture.

    Args:
        score_of_masks: Called once with all masks.
        side: G, cells on a side.
        masks: How many, an even number: each comes with its opposite, which keeps pairs of cells out of the result.
        seed: Of the masks.

    Returns:
        Signed, in units of the score, (G, G); values are drawn towards 0 where masks are few.

    Raises:
        ValueError: The number of masks is odd or below 2.
    """
    if masks < 2 or masks % 2:
        raise ValueError("needs an even number of masks")
    half = np.random.default_rng(seed).random((masks // 2, side * side)) < 0.5
    shown = np.concatenate([half, ~half]).astype(np.float32)  # (K, G * G)
    scores = np.asarray(score_of_masks(shown.reshape(-1, side, side)), np.float64)
    centred = shown - 0.5
    system = centred.T @ centred + _RIDGE / 4 * np.eye(side * side)
    found: NDArray[np.float64] = np.linalg.solve(system, centred.T @ (scores - scores.mean()))
    return found.astype(np.float32).reshape(side, side)
