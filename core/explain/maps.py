"""What a map of a picture is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMap:
    """How much each part of a picture did for a score.

    Attributes:
        grid: Signed, (G, G), rows from the top: positive parts raised the score. In units of the score for mask
            methods, in no unit for attention methods.
        method: What made it, e.g. "mask gradient".
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
