"""What a map of a picture is."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.encode.pictures import Pixels

#: Ways to make a map: `core.explain.pictures.picture` says what each does.
Method = Literal["fast", "faithful", "audit", "rollout", "game"]
METHODS: tuple[Method, ...] = get_args(Method)
#: Share of a map's cells that is taken away to see where the item would stand.
REMOVED = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMap:
    """How much each part of a picture did for a score.

    Attributes:
        grid: Signed, (G, G), rows from the top: positive parts raised the score. In units of the score for mask
            methods, in no unit for attention methods.
        method: What made it, e.g. "feature gradients".
        completeness: |sum of the grid - (score - score of the empty picture)| / |the same difference|; None for
            methods whose parts need not sum to the score. Above 0.1 the values are rough.
        gain: How much faster the score falls when parts are deleted in the map's order than in random orders, in units
            of the score (see `quick_deletion_test`).
        faithful: Whether the map passed that test; a map that did not must not be shown as a reason.
        seconds: What it took, with the test.
    """

    grid: NDArray[np.float32]
    method: str
    completeness: float | None
    gain: float
    faithful: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A map and the picture that it lies over.

    Attributes:
        map: Of what the picture did for the score.
        pixels: The picture as the model saw it, (S, S, 3).
        lost: How much lower the score is without the strongest `REMOVED` of the map's cells.
        rank: Of the item, for what was asked; None where it is not ranked.
        rank_without: Its rank then, what is to be avoided counting as before.
    """

    map: PictureMap
    pixels: Pixels
    lost: float
    rank: int | None = None
    rank_without: int | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON values; the picture itself is left out."""
        return {
            "grid": [[round(float(value), 6) for value in row] for row in self.map.grid],
            "method": self.map.method,
            "faithful": self.map.faithful,
            "deletion_gain": self.map.gain,
            "completeness": self.map.completeness,
            "seconds": self.map.seconds,
            "without_strongest": {"share": REMOVED, "lost": self.lost, "rank": self.rank_without},
        }


def miss_change(grid: NDArray[np.float32], change: float) -> float:
    """The completeness error of a map (G, G) that should sum to a change of the score, as a share of the change."""
    return abs(float(grid.sum(dtype=np.float64)) - change) / max(abs(change), 1e-9)
