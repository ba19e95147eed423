"""How much each head counts.

Items with events and items that nobody has met yet are weighed apart: a new item lacks the part that knows what people
like together. What speaks for known items is chosen on validation people, whom the network has not met. What speaks for
new ones is chosen on many simulated new items: some of the known are taken out of the memory, and must be found again.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.model.events import weigh_matrix, weigh_rows
from core.model.fitted import foretell_popularity, head_parts
from core.model.heads import HEADS, HeadWeights
from core.model.memory import Memory
from core.train.blocks import split_rows
from core.train.memory_choice import Deal, MemoryChoice, MemoryChooser, is_better, mean_gains

_TASTE = (0.0, 0.03, 0.1, 0.3, 1.0)
#: The least of them only orders what nothing else tells apart, such as all items for somebody who liked nothing.
_PRIOR = (1e-6, 0.003, 0.01, 0.03, 0.1)
#: Say of content and prior about new items against that of what is carried to them, in units of their spreads.
_SAY = (0.0, 0.5, 1.0)
_USUAL = (0.5, 0.5)
_SCALES = (1.0, 0.5, 0.25, 0.1)
_NEW = [HEADS.index(name) for name in ("carried", "content", "prior")]
#: One known item in so many is taken out at a time, so often at most, until so many people have looked for one.
_OUT, _DRAWS, _ENOUGH = 10, 5, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """People to choose on; their heads are held for some of them at a time.

    Attributes:
        parts: Gives the heads of a stretch of the people without weights, (b, N, 5).
        targets: Items each person liked later, (T,) each, B of them.
        masked: Items each person has had already.
        new: Items without events, (N,).
        shown: Items that compete, (N,).
    """

    parts: Callable[[slice], NDArray[np.float32]]
    targets: Sequence[NDArray[np.int64]]
    masked: Sequence[NDArray[np.int64]]
    new: NDArray[np.bool_]
    shown: NDArray[np.bool_]

    def gains(self, grid: Sequence[HeadWeights]) -> NDArray[np.float64]:
        """ndcg of each person with a target among the items shown, (G, P)."""
        found = [np.zeros((len(grid), 0))]
        for block in split_rows(len(self.targets), len(self.shown) * len(HEADS)):
            parts = self.parts(block)
            targets = [items[self.shown[items]] for items in self.targets[block]]
            scores = (np.einsum("bnh,nh->bn", parts, weights.to_array(self.new)) for weights in grid)
            ranked = (np.where(self.shown, one, -np.inf).astype(np.float32) for one in scores)
            found.append(np.stack([mean_gains(one, targets, self.masked[block]) for one in ranked]))
        gains = np.concatenate(found, axis=1)
        return gains[:, ~np.isnan(gains).any(axis=0)]


def choose_known(panel: Panel) -> tuple[HeadWeights, float]:
    """Weights of taste and prior for items with events, ranked among each other, and the value that they reach.

    The memory alone, unless others are better by more than chance would have it.
    """
    pairs = [HeadWeights(taste=taste, prior=prior) for taste, prior in itertools.product(_TASTE, _PRIOR)]
    grid = [*pairs, HeadWeights(taste=1.0, prior=0.03, together=0.0)]
    grid = [replace(one, newcomer_prior=one.prior) for one in grid]
    gains = panel.gains(grid)
    if not gains.shape[1]:
        return grid[0], 0.0
    best = max(
        (place for place, one in enumerate(gains) if place == 0 or is_better(one, gains[0])),
        key=lambda place: gains[place].mean(),
    )
    return grid[best], float(gains[best].mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draw:
    """What three heads say of the items taken out, C of them, to the people who will like one, P of them.

    Attributes:
        parts: Carried, content and prior, (P, C, 3).
        targets: Places of what each will like, (T,) each.
        masked: Places of what each has had already.
    """

    parts: NDArray[np.float32]
    targets: tuple[NDArray[np.int64], ...]
    masked: tuple[NDArray[np.int64], ...]

    @property
    def tells(self) -> bool:
        """Whether somebody has a choice here."""
        return len(self.targets) > 0 and self.parts.shape[1] > 1

    @property
    def spreads(self) -> NDArray[np.float32]:
        """Of each head over the items, the mean over people, (3,)."""
        return np.asarray(self.parts.std(axis=1).mean(axis=0))


def choose_new(
    weights: HeadWeights,
    chooser: MemoryChooser,
    chosen: MemoryChoice,
) -> HeadWeights:
    """Add the weights for items without events.

    Args:
        weights: Of the known ones.
        chooser: Its people are asked.
        chosen: How the memory is fitted.
    """
    draws: list[_Draw] = []
    for number, deal in zip(range(_DRAWS), itertools.cycle(chooser.deals)):
        draws.append(_take_out(number, deal, chooser.vectors, chosen))
        if sum(len(one.targets) for one in draws) >= _ENOUGH:
            break
    draws = [one for one in draws if one.tells]
    if not draws:
        # Nobody can be asked: likeness counts as much as it does in the memory itself.
        return replace(weights, carried=1.0, content=chosen.content, new_taste=0.0, new_prior=0.0)
    spreads = np.mean([one.spreads for one in draws], axis=0)
    content, prior = _choose_say(draws, spreads)
    unit = spreads[0] / np.maximum(spreads, 1e-9)
    found = replace(
        weights, carried=1.0, content=float(content * unit[1]), new_prior=float(prior * unit[2]), new_taste=0.0
    )
    return _choose_scale(found, chooser, chosen)


def _choose_scale(weights: HeadWeights, chooser: MemoryChooser, chosen: MemoryChoice) -> HeadWeights:
    """Where new items stand among all: items that nobody has met are mostly met by few later on as well."""
    grid = [
        replace(weights, carried=scale, content=scale * weights.content, new_prior=scale * weights.new_prior)
        for scale in _SCALES
    ]
    gains = [_rank_all(deal, chooser.vectors, chosen, grid) for deal in chooser.deals]
    return grid[int(np.concatenate(gains, axis=1).mean(axis=1).argmax())]


def _rank_all(
    deal: Deal, vectors: NDArray[np.float32], chosen: MemoryChoice, grid: Sequence[HeadWeights]
) -> NDArray[np.float64]:
    """ndcg of a deal's people among all items, those that the others have not met included, (G, P)."""
    memory = chosen.fit(weigh_matrix(deal.others, len(vectors), chosen.events), vectors).with_ridge()
    prior = foretell_popularity(memory)
    panel = Panel(
        parts=lambda rows: _read_heads(memory, prior, weigh_rows(deal.asked[rows], len(vectors), chosen.events)),
        targets=deal.targets,
        masked=deal.masked,
        new=~memory.seen,
        shown=np.ones(len(vectors), bool),
    )
    return panel.gains(grid)


def _read_heads(memory: Memory, prior: NDArray[np.float32], liked: NDArray[np.float32]) -> NDArray[np.float32]:
    """The heads without the network's, (B, N, 5)."""
    return head_parts(np.zeros_like(liked), prior, memory, liked)


def _take_out(number: int, deal: Deal, vectors: NDArray[np.float32], chosen: MemoryChoice) -> _Draw:
    """Draw `number`: some known items leave the memory, and the deal's people look for what they will like of them."""
    count = len(vectors)
    out = np.random.default_rng([13, number]).permutation(count) % _OUT == 0
    likes = weigh_matrix(deal.others, count, chosen.events)
    met = np.bincount(likes.indices, minlength=count) > 0
    likes.data[out[likes.indices]] = 0
    likes.eliminate_zeros()
    memory = chosen.fit(likes, vectors).with_ridge()
    there = out & met
    place = np.cumsum(there) - 1
    wanted, had = ([place[items[there[items]]] for items in some] for some in (deal.targets, deal.masked))
    asking = [row for row, items in enumerate(wanted) if len(items)]
    prior = foretell_popularity(memory)
    parts = [np.zeros((0, int(there.sum()), 3), np.float32)]
    for block in split_rows(len(asking), count * len(HEADS)):
        asked = weigh_rows([deal.asked[row] for row in asking[block]], count, chosen.events) * ~out
        parts.append(_read_heads(memory, prior, asked)[:, there][:, :, _NEW])
    targets, masked = (tuple(some[row] for row in asking) for some in (wanted, had))
    return _Draw(parts=np.concatenate(parts), targets=targets, masked=masked)


def _choose_say(draws: Sequence[_Draw], spreads: NDArray[np.float32]) -> tuple[float, float]:
    """Say of content and of prior, the usual unless another is better by more than chance would have it."""
    pairs, gains = list(itertools.product(_SAY, _SAY)), []
    for content, prior in pairs:
        say = np.array([1.0, content, prior]) / np.maximum(spreads, 1e-9)
        gains.append(
            np.concatenate([mean_gains((one.parts @ say).astype(np.float32), one.targets, one.masked) for one in draws])
        )
    usual = pairs.index(_USUAL)
    best = max(range(len(pairs)), key=lambda place: gains[place].mean())
    return pairs[best if is_better(gains[best], gains[usual]) else usual]
