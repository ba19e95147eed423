"""How much each head counts, chosen on validation people.

Items that somebody has liked and items that nobody has met yet are weighed apart: a new item lacks the part that knows
what people like together, so its content and its foretold popularity must carry it. A tenth of the items was held out
of the network's log for this, so their heads say here what they will say about new items.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.metrics import ndcg_at, rank_top
from core.model.heads import HEADS, HeadWeights
from core.train.blocks import split_rows

#: Deeper than what is reported: less noise in the choice.
_DEPTHS = (10, 50)
_TASTE = (0.0, 0.03, 0.1, 0.3, 1.0)
_PRIOR = (0.0, 0.003, 0.01, 0.03, 0.1)
#: Say of each head about new items, in units of its own spread over them. Too few people meet the cold items to
#: choose this anew each time.
_NEW = {"taste": 0.5, "prior": 1.0, "content": 1.0}
_SCALES = tuple(10.0**power for power in np.arange(-4, 1.1, 0.5).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """People to choose on; their heads are held for some of them at a time.

    Attributes:
        parts: Gives the heads of a stretch of the people without weights, (b, N, 4).
        targets: Items each person liked later, (T,) each, B of them.
        masked: Items each person has had already.
        new: Items without likes in the fit, (N,).
        cold: Items held out of the fit, which stand for new ones, (N,).
        allowed: Items that may be shown at all, (N,).
    """

    parts: Callable[[slice], NDArray[np.float32]]
    targets: Sequence[NDArray[np.int64]]
    masked: Sequence[NDArray[np.int64]]
    new: NDArray[np.bool_]
    cold: NDArray[np.bool_]
    allowed: NDArray[np.bool_]

    def blocks(self) -> Iterator[slice]:
        """Stretches of people whose heads fit into memory together."""
        return split_rows(len(self.targets), len(self.new) * len(HEADS))

    def values(self, grid: Sequence[HeadWeights], shown: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Mean ndcg over two depths for each weights, where only the shown items (N,) compete; 0 where nobody has a
        target there, (G,)."""
        position = np.cumsum(shown) - 1
        found = [np.zeros((0, len(grid), len(_DEPTHS)))]
        for block in self.blocks():
            targets = [position[items[shown[items]]] for items in self.targets[block]]
            rows = [row for row, items in enumerate(targets) if len(items)]
            if rows:
                masked = [position[self.masked[block][row][shown[self.masked[block][row]]]] for row in rows]
                parts = self.parts(block)[rows][:, shown]
                ranked = [self._rank(parts, weights.to_array(self.new)[shown], masked) for weights in grid]
                kept = [targets[row] for row in rows]
                gains = [[ndcg_at(top, kept, depth) for depth in _DEPTHS] for top in ranked]
                found.append(np.transpose(np.array(gains), (2, 0, 1)))
        gains_of_all = np.concatenate(found)  # (people with targets, G, 2)
        return gains_of_all.mean(axis=0).mean(axis=1) if len(gains_of_all) else np.zeros(len(grid))

    @staticmethod
    def _rank(
        parts: NDArray[np.float32], weights: NDArray[np.float32], masked: Sequence[NDArray[np.int64]]
    ) -> NDArray[np.int64]:
        return rank_top(np.einsum("bnh,nh->bn", parts, weights).astype(np.float32), max(_DEPTHS), masked=masked)


def choose_known(panel: Panel) -> tuple[HeadWeights, float]:
    """Weights of taste and prior for items with likes, ranked among each other, and the value that they reach.

    Among equals the one that comes first, which has the smaller weights.
    """
    shown = panel.allowed & ~panel.cold & ~panel.new
    grid = [HeadWeights(taste=taste, prior=prior) for taste, prior in itertools.product(_TASTE, _PRIOR)]
    return _best(panel, [*grid, HeadWeights(taste=1.0, prior=0.03, together=0.0)], shown)


def choose_new(panel: Panel, weights: HeadWeights) -> HeadWeights:
    """Add weights for new items, on the scale that ranks best when they stand among all others."""
    cold = panel.allowed & panel.cold
    if not cold.any() or not len(panel.targets):
        return weights
    spreads = [panel.parts(block)[:, cold].std(axis=1) for block in panel.blocks()]
    spread = np.concatenate(spreads).mean(axis=0)  # (4,)
    say = {name: amount / max(float(spread[HEADS.index(name)]), 1e-3) for name, amount in _NEW.items()}
    grid = [
        replace(weights, new_taste=scale * say["taste"], new_prior=scale * say["prior"], content=scale * say["content"])
        for scale in _SCALES
    ]
    best, _ = _best(panel, grid, panel.allowed)
    return best


def _best(panel: Panel, grid: Sequence[HeadWeights], shown: NDArray[np.bool_]) -> tuple[HeadWeights, float]:
    best, best_value = grid[0], -1.0
    for weights, value in zip(grid, panel.values(grid, shown).tolist(), strict=True):
        if value > best_value + 1e-9:
            best, best_value = weights, value
    return best, best_value
