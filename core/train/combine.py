"""How much each head counts, chosen on people kept aside.

One set of weights serves all items, those that nobody has met yet included: a tenth of the items was kept out of the
network's log for this, so their heads say here what they will say about new items.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics import ndcg_at, rank_top

HEADS = ("taste", "prior", "together", "content")
#: Deeper than what is reported: less noise in the choice.
_DEPTHS = (10, 50)
_TASTE = (0.0, 0.03, 0.1, 0.3, 1.0)
_PRIOR = (0.0, 0.003, 0.01, 0.03, 0.1)
_CONTENT = (0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadWeights:
    """Weights of the heads, at least 0.

    Attributes:
        taste: Of the user transformer's cosine.
        prior: Of popularity, observed or predicted.
        together: Of the memory's score of items with events.
        content: Of the memory's score of items without.
    """

    taste: float
    prior: float
    together: float
    content: float

    def to_array(self) -> NDArray[np.float32]:
        """In the order of `HEADS`, (4,)."""
        return np.array([self.taste, self.prior, self.together, self.content], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """People to choose on.

    Attributes:
        parts: Heads without weights, (B, N, 4).
        targets: Items each person liked later, (T,) each.
        masked: Items each person has had already.
        new: Items that the fit has not seen, (N,).
        allowed: Items that may be shown at all, (N,).
    """

    parts: NDArray[np.float32]
    targets: Sequence[NDArray[np.int64]]
    masked: Sequence[NDArray[np.int64]]
    new: NDArray[np.bool_]
    allowed: NDArray[np.bool_]

    def value(self, weights: HeadWeights) -> float:
        """Mean ndcg over two depths; known items among known ones and new items among new ones count alike."""
        scores = self.parts @ weights.to_array()
        found = [self._value(scores, self.allowed & part) for part in (~self.new, self.new)]
        return float(np.mean([value for value in found if value is not None]))

    def _value(self, scores: NDArray[np.float32], shown: NDArray[np.bool_]) -> float | None:
        targets = [items[shown[items]] for items in self.targets]
        rows = [row for row, items in enumerate(targets) if len(items)]
        if not rows:
            return None
        part = np.where(shown, scores[rows], -np.inf)
        top = rank_top(part, max(_DEPTHS), masked=[self.masked[row] for row in rows])
        kept = [targets[row] for row in rows]
        return float(np.mean([ndcg_at(top, kept, depth).mean() for depth in _DEPTHS]))


def choose_weights(panel: Panel) -> tuple[HeadWeights, float]:
    """The best of a grid and its value; among equals the one that comes first, which has the smaller weights."""
    best, best_value = HeadWeights(taste=0.1, prior=0.01, together=1.0, content=1.0), -1.0
    if not len(panel.parts):
        return best, best_value
    for weights in _grid():
        value = panel.value(weights)
        if value > best_value + 1e-9:
            best, best_value = weights, value
    return best, best_value


def _grid() -> Iterator[HeadWeights]:
    for taste, prior, content in itertools.product(_TASTE, _PRIOR, _CONTENT):
        yield HeadWeights(taste=taste, prior=prior, together=1.0, content=content)
    yield HeadWeights(taste=1.0, prior=0.03, together=0.0, content=0.0)
