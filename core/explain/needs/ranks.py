"""Where one item stands for changed needs, and what change of a need moves it across a rank."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.explain.dropped_words import drop_words
from core.explain.explanation import Counterfactual, Flip
from core.explain.flips import FLIP_RANK, Positions, find_fewest
from core.serving.served import Served
from core.suggest.need import Need
from core.suggest.ranking import Ranked, merge_ranked
from core.suggest.suggester import CANDIDATES, Suggester

#: Words of a need that are tried; a longer need is a text, and its first words say what it is about.
MOST_WORDS = 16
#: Scores that differ by less are the same but for rounding.
_TIE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an item stands for one need.

    Attributes:
        ranked: The candidates, the item among them.
        at: The item's position in `ranked`, which is in no order.
        order: Positions in `ranked` as `suggest` shows them, best first.
        rank: As `suggest` gives it, None where it is no candidate.
    """

    ranked: Ranked
    at: int
    order: tuple[int, ...]
    rank: int | None

    @property
    def score(self) -> float:
        """As on the item's card."""
        return float(self.ranked.parts[self.at].sum())

    def rank_at(self, score: float) -> int | None:
        """The rank of the item with another score, None where every candidate would stand above it; ties stay."""
        scores = self.ranked.parts.sum(axis=1)
        ahead = np.zeros(len(scores), bool)
        ahead[list(self.order if self.rank is None else self.order[: self.rank - 1])] = True
        above = np.where(np.abs(scores - score) < _TIE, ahead, scores > score)
        above[self.at] = False
        rank = int(above.sum()) + 1
        return rank if rank < len(scores) else None

    def of_rank(self, rank: int) -> "Standing":
        """Where the item of that rank stands for the same need."""
        return replace(self, at=self.order[rank - 1], rank=rank)

    def of_item(self, number: int) -> "Standing | None":
        """Where another item stands for the same need; None where it is no candidate."""
        positions = (self.ranked.ids == number).nonzero()[0].tolist()
        found = [self.order.index(position) + 1 for position in positions if position in self.order]
        return self.of_rank(found[0]) if found else None


class Ranks:
    """Ranks of one item for needs; each need is asked once.

    Args:
        suggester: Ranks.
        served: What serves the item's catalogue.
        number: Database id of the item.
    """

    def __init__(self, suggester: Suggester, served: Served, number: int) -> None:
        self._suggester, self._served, self._number = suggester, served, number
        self._known: dict[tuple[str, tuple[str, ...]], Standing] = {}

    def stand(self, need: Need) -> Standing:
        """Where the item stands; needs differ in their words and in what they avoid alone."""
        key = (need.text, need.avoid)
        if key not in self._known:
            self._known[key] = self._ask(need)
        return self._known[key]

    def _ask(self, need: Need) -> Standing:
        ranked = self._suggester.find_candidates(self._served, need)
        is_candidate = self._number in ranked.ids
        if not is_candidate:
            ranked = self._suggester.find_candidates(self._served, need, also=self._number)
        (at,) = (ranked.ids == self._number).nonzero()[0].tolist()
        order = tuple(position for _, position in merge_ranked([ranked], need, CANDIDATES))
        return Standing(ranked=ranked, at=at, order=order, rank=order.index(at) + 1 if is_candidate else None)


def remove_each(ranks: Ranks, need: Need) -> tuple[Counterfactual, ...]:
    """The need without each of its words, and without each thing it avoids, really ranked."""
    found = []
    for position, (word, _) in enumerate(drop_words(need.text)[:MOST_WORDS]):
        if (changed := without_words(need, [position])) is not None:
            found.append(_counterfactual(word, changed, ranks))
    for position, phrase in enumerate(need.avoid):
        changed = replace(need, avoid=(*need.avoid[:position], *need.avoid[position + 1 :]))
        found.append(_counterfactual(f"not {phrase}", changed, ranks))
    return tuple(found)


def _counterfactual(removed: str, need: Need, ranks: Ranks) -> Counterfactual:
    standing = ranks.stand(need)
    return Counterfactual(removed=removed, need=say_need(need), score=standing.score, rank=standing.rank)


def say_need(need: Need) -> str:
    """A need as a person would type it; reading it again gives the same need."""
    return ", ".join([*([need.text] if need.text else []), *(f"not {phrase}" for phrase in need.avoid)])


def without_words(need: Need, positions: Sequence[int]) -> Need | None:
    """The need without the words of these positions; None where nothing would be left to ask for."""
    text = need.text
    for position in sorted(positions, reverse=True):
        text = drop_words(text)[position][1]
    if not text and need.image is None and need.like is None:
        return None
    return replace(need, text=text)


def find_flip(ranks: Ranks, need: Need, *, across: int = FLIP_RANK) -> Flip | None:
    """The fewest words whose removal brings the item across a rank.

    Args:
        ranks: Of the item.
        need: The need as it was asked.
        across: An item within this rank is to fall behind it, any other to come within it.
    """

    def rank(sets: Collection[Positions]) -> dict[Positions, int | None]:
        needs = {positions: without_words(need, positions) for positions in sets}
        return {positions: ranks.stand(changed).rank for positions, changed in needs.items() if changed is not None}

    words = [word for word, _ in drop_words(need.text)]
    positions = find_fewest(min(len(words), MOST_WORDS), rank, across=across)
    changed = None if positions is None else without_words(need, positions)
    if positions is None or changed is None:
        return None
    return Flip(
        changed=tuple(words[position] for position in positions),
        need=say_need(changed),
        rank=ranks.stand(changed).rank,
        across=across,
    )
