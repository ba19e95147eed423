"""Whether a map tells what a score relied on: parts are deleted in its order, and the score must fall fast.

Source: Petsiuk et al. 2018, "RISE", section 4.3, for the deletion and insertion curves.
It does not know whether the map looks right to a person.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Masks (B, G, G) in [0, 1], where 1 shows a cell, to scores (B,).
ScoreOfMasks = Callable[[NDArray[np.float32]], NDArray[np.floating[Any]]]
#: A map must beat this share of the random ones.
_SHARE = 0.95
_RANDOM_MAPS = 20
#: Points of a curve in the quick test, from one deleted cell to all of them.
_QUICK_POINTS = 6
#: Differences below this share of the scores are rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Scores while cells are taken away or put in, in one order.

    Attributes:
        deletion: From the whole picture to none, (steps + 1,).
        insertion: From no picture to the whole one, (steps + 1,).
    """

    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]


def order_cells(grid: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Numbers of the cells of a map (G, G), row by row, the most helpful one first, (G * G,)."""
    return np.argsort(-grid.ravel(), kind="stable").astype(np.int64)


def deletion_insertion(score_of_masks: ScoreOfMasks, order: NDArray[np.int64], steps: int) -> Curves:
    """Delete and insert cells in an order, all masks in one call.

    Args:
        score_of_masks: Gives the score of masked pictures.
        order: Every cell once, the most important first, (G * G,).
        steps: Equal shares in which the cells go, 1 to G * G.

    Raises:
        ValueError: The order is not one of a square grid, or there are more steps than cells.
    """
    if not 1 <= steps <= len(order):
        raise ValueError("there must be 1 to G * G steps")
    masks = build_deletion_masks(order, np.round(np.arange(steps + 1) * len(order) / steps))
    scores = np.asarray(score_of_masks(np.concatenate([masks, 1 - masks])), np.float64)
    return Curves(deletion=scores[: steps + 1], insertion=scores[steps + 1 :])


def build_deletion_masks(order: NDArray[np.int64], deleted: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Masks without the first cells of an order.

    Args:
        order: Every cell once, the most important first, (G * G,).
        deleted: How many cells each mask lacks, (K,).

    Returns:
        (K, G, G), 0 for deleted cells and 1 for others.

    Raises:
        ValueError: The order is not one of a square grid.
    """
    side = math.isqrt(len(order))
    if side * side != len(order) or not np.array_equal(np.sort(order), np.arange(len(order))):
        raise ValueError("an order names every cell of a square grid once")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return (place >= deleted[:, None]).astype(np.float32).reshape(-1, side, side)


def measure_area(curve: NDArray[np.float64]) -> float:
    """Area under a curve over [0, 1] of evenly placed points (K,), by the trapezoid rule, in units of the score."""
    return float(np.trapezoid(curve, dx=1 / max(len(curve) - 1, 1)))


def aid(curves: Curves) -> float:
    """Insertion area minus deletion area (AID) of scores normalised by the effect of the whole picture.

    With f the score, AID = (area of the insertion curve - area of the deletion curve) / |f(whole) - f(empty)|. A
    random order gives about 0; an order that is best for a score which is a sum over cells gives up to 1; more than 1
    is possible where parts of a picture score higher, or lower, than the whole and the empty one.

    Returns:
        NaN where the whole picture scores as the empty one does.
    """
    effect = abs(float(curves.deletion[0] - curves.deletion[-1]))
    area = measure_area(curves.insertion) - measure_area(curves.deletion)
    return area / effect if effect > 0 else math.nan


def quick_deletion_test(
    score_of_masks: ScoreOfMasks, grid: NDArray[np.floating[Any]], *, seed: int = 0
) -> tuple[float, bool]:
    """Compare a map with random maps by deletion, all masks in one call.

    Each curve is read after 1 cell and at equal factors up to all cells (1, 2, 5, 10, 22 of 49), and its area is taken
    over the logarithm of their number: what matters is that the score falls with the first cells. A random map passes
    by chance with a probability of about 2 / 21 at 20 random maps.

    Args:
        score_of_masks: Gives the score of masked pictures.
        grid: The map, signed, (G, G).
        seed: Of the random maps.

    Returns:
        The gain, which is the mean over random maps of their deletion area minus the map's, in units of the score; and
        whether the map has a smaller deletion area than at least 95 % of them.
    """
    rng = np.random.default_rng(seed)
    orders = [order_cells(grid), *(rng.permutation(grid.size) for _ in range(_RANDOM_MAPS))]
    deleted = np.unique(np.round(np.geomspace(1, grid.size, _QUICK_POINTS)))
    masks = np.stack([build_deletion_masks(order, deleted) for order in orders])  # (R + 1, K, G, G)
    scores = _score_once(score_of_masks, masks)
    areas = np.array([measure_area(curve) for curve in scores])
    margins = areas[1:] - areas[0]
    beaten = float((margins > _ROUNDING * np.abs(scores).max()).mean())
    gain = float(margins.mean())
    return gain, bool(beaten >= _SHARE and gain > 0)


def _score_once(score_of_masks: ScoreOfMasks, masks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores of masks (R, K, G, G), (R, K); equal masks, such as the whole and the empty one, are scored once."""
    flat = masks.reshape(masks.shape[0] * masks.shape[1], -1)
    rows, place = np.unique(flat, axis=0, return_inverse=True)
    scores = np.asarray(score_of_masks(rows.reshape(-1, *masks.shape[2:])), np.float64)
    return scores[place.reshape(masks.shape[:2])]
