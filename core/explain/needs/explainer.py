"""Why an item was suggested: its parts as players of a game, its words one by one, and what would change its rank."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import NeedError
from core.explain.audit import Case
from core.explain.explanation import Counterfactual, Explanation, Pair, WordEffect
from core.explain.game import list_interactions, shapley_values, value_game
from core.explain.needs.edits import find_lift, remove_labels, weigh_item_words
from core.explain.needs.ranks import Ranks, Standing, find_flip, remove_each, say_need
from core.explain.pictures.maps import Looked
from core.serving.served import Served
from core.serving.variants import VariantReader, keep_fields, list_fields
from core.store.catalogs import Catalog
from core.store.items import Items, StoredItem
from core.suggest.need import Need
from core.suggest.suggester import Suggester

#: The player that stands for words and codes which the need and the item share exactly.
EXACT = "exact words"


class PictureLooker(Protocol):
    """Gives maps of items' pictures; see `core.explain.pictures.look.Looker`."""

    def look(self, stored: StoredItem, target: NDArray[np.float32], *, method: str = "") -> Looked:
        """A map of what the picture does for what a need looks for, (P, D)."""


OpenLooker = Callable[[Catalog], PictureLooker]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Game:
    """The players of one item's score, and the value of each of their coalitions."""

    standing: Standing
    players: tuple[str, ...]
    values: NDArray[np.float64]

    @property
    def shares(self) -> dict[str, float]:
        return dict(zip(self.players, shapley_values(self.values).tolist(), strict=True))

    @property
    def alone(self) -> dict[str, int | None]:
        """Ranks of the item with one player and no other."""
        scores = {name: float(self.values[1 << place]) for place, name in enumerate(self.players)}
        return {name: self.standing.rank_at(score) for name, score in scores.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """One item and what can be asked about it."""

    stored: StoredItem
    served: Served
    reader: VariantReader
    ranks: Ranks
    game: _Game


class Explainer:
    """Explains suggestions of one data folder.

    Args:
        suggester: Ranks, by what serves.
        items: Of the same data folder.
        open_looker: Gives what maps their pictures.
    """

    def __init__(self, suggester: Suggester, items: Items, open_looker: OpenLooker) -> None:
        self._suggester, self._items, self._open_looker = suggester, items, open_looker

    def explain(self, catalog: Catalog, need: Need, item_id: str, *, against: str = "") -> Explanation:
        """Explain one suggestion.

        Args:
            catalog: The item's.
            need: What was asked; its catalogues, filters and variety count as `suggest` counts them.
            item_id: The item.
            against: Another item to compare with; "" takes the one that stands above it, if any.

        Raises:
            NeedError: An item is not in the catalogue, or has no vector yet.
            BackboneError: The catalogue's model cannot be loaded.
        """
        began = time.perf_counter()
        one = self._open(catalog, need, item_id)
        game, shares, standing = one.game, one.game.shares, one.game.standing
        removed = remove_each(one.ranks, need)
        return Explanation(
            catalog=catalog.name,
            item_id=item_id,
            title=one.stored.item.title,
            need=need.text,
            avoid=need.avoid,
            score=standing.score,
            rank=standing.rank,
            base_value=float(game.values[0]),
            modalities=shares,
            interactions=list_interactions(game.players, game.values),
            words=_weigh_words(one, need, removed),
            counterfactuals=(*removed, *_remove_fields(game), *remove_labels(one.stored, one.reader, standing)),
            alone=game.alone,
            nearest_flip=find_flip(one.ranks, need),
            lift=find_lift(one.stored, need, one.reader, standing),
            against=self._compare(one, need, against),
            completeness=abs(float(game.values[0]) + sum(shares.values()) - standing.score),
            method=f"exact Shapley values over the item's fields, where {one.reader.missing} stands for what is "
            "missing; words by leaving each out; ranks by asking again",
            seconds=time.perf_counter() - began,
        )

    def weigh(self, catalog: Catalog, need: Need, item_id: str) -> Case:
        """What an explanation says that can be summed up over a catalogue, without flips and comparisons.

        Args:
            catalog: The item's.
            need: What was asked.
            item_id: The item.

        Raises:
            NeedError: The item is not in the catalogue, or has no vector yet.
            BackboneError: The catalogue's model cannot be loaded.
        """
        began = time.perf_counter()
        one = self._open(catalog, need, item_id)
        standing = one.game.standing
        return Case(
            need=say_need(need),
            item_id=item_id,
            title=one.stored.item.title,
            score=standing.score,
            rank=standing.rank,
            modalities=one.game.shares,
            without={part.removed: part.rank for part in _remove_fields(one.game)},
            words=_weigh_words(one, need, remove_each(one.ranks, need)),
            seconds=time.perf_counter() - began,
        )

    def look(self, catalog: Catalog, need: Need, item_id: str, *, method: str = "") -> Looked:
        """Where in the item's picture the need finds what it looks for, and its rank without the strongest part.

        Args:
            catalog: The item's.
            need: What was asked, or one word of it.
            item_id: The item.
            method: See `core.explain.pictures.look.Looker.look`.

        Raises:
            ExplainError: There is no picture, pictures do not count, or the method cannot read this model.
            NeedError: The item is not in the catalogue.
        """
        stored = self._find(catalog, item_id)
        served = self._suggester.serving.of(catalog)
        standing = _stand(Ranks(self._suggester, served, stored.id), need, stored)
        looked = self._open_looker(catalog).look(stored, standing.ranked.query.vector, method=method)
        return replace(looked, rank=standing.rank, rank_without=standing.rank_at(standing.score - looked.lost))

    def _open(self, catalog: Catalog, need: Need, item_id: str) -> _Opened:
        stored = self._find(catalog, item_id)
        served = self._suggester.serving.of(catalog)
        reader, ranks = self._suggester.serving.reader(served), Ranks(self._suggester, served, stored.id)
        game = _play(stored, reader, _stand(ranks, need, stored))
        return _Opened(stored=stored, served=served, reader=reader, ranks=ranks, game=game)

    def _find(self, catalog: Catalog, item_id: str) -> StoredItem:
        stored = self._items.find(catalog.id, item_id)
        if stored is None:
            raise NeedError(f"There is no item “{item_id}” in “{catalog.name}”. Choose one from the suggestions.")
        return stored

    def _compare(self, one: _Opened, need: Need, against: str) -> Pair | None:
        game, served = one.game, one.served
        other = self._find(served.catalog, against) if against else self._above(game.standing)
        if other is None:
            return None
        beside = game.standing.of_item(other.id) or _stand(Ranks(self._suggester, served, other.id), need, other)
        theirs = _play(other, one.reader, beside)
        mine, their_shares = game.shares, theirs.shares
        names = list(dict.fromkeys([*game.players, *theirs.players]))
        return Pair(
            item_id=other.item.item_id,
            title=other.item.title,
            score=theirs.standing.score,
            rank=theirs.standing.rank,
            differences={name: mine.get(name, 0.0) - their_shares.get(name, 0.0) for name in names},
        )

    def _above(self, standing: Standing) -> StoredItem | None:
        """The item that stands above, or below the first one."""
        if standing.rank is None or len(standing.order) < 2:
            return None
        other = standing.of_rank(standing.rank - 1 if standing.rank > 1 else 2)
        found = self._items.fetch([int(other.ranked.ids[other.at])])
        return found[0] if found else None


def _stand(ranks: Ranks, need: Need, stored: StoredItem) -> Standing:
    try:
        return ranks.stand(need)
    except ValueError as exc:  # it is not even in the index
        raise NeedError(f"“{stored.item.title}” has no vector yet. Wait until it has been encoded.") from exc


def _play(stored: StoredItem, reader: VariantReader, standing: Standing) -> _Game:
    """The game that makes an item's score."""
    parts = dict(zip(standing.ranked.names, standing.ranked.parts[standing.at].tolist(), strict=True))
    rows, _ = standing.ranked.served.index.rows(np.array([stored.id]))
    query = standing.ranked.query
    exact = parts["words"] + parts["avoid"] + float(query.avoided(rows)[0])
    fields = list_fields(stored)
    players = (*fields, *((EXACT,) if abs(exact) > 1e-6 else ()))

    def value(coalitions: Sequence[frozenset[str]]) -> NDArray[np.float64]:
        read = reader.read(stored, [keep_fields(stored.item, coalition) for coalition in coalitions])
        likeness = query.parts(read).sum(axis=1) - query.avoided(read)
        held = np.array([EXACT in coalition for coalition in coalitions])
        return np.asarray(likeness + exact * held, np.float64)

    return _Game(standing=standing, players=players, values=value_game(players, value))


def _weigh_words(one: _Opened, need: Need, removed: Sequence[Counterfactual]) -> tuple[WordEffect, ...]:
    """Effects of the need's words, from the needs without them, and of the item's."""
    words = removed[: len(removed) - len(need.avoid)]  # what it avoids comes last
    score = one.game.standing.score
    of_need = [WordEffect(word=part.removed, field="need", value=score - part.score) for part in words]
    return (*of_need, *weigh_item_words(one.stored, one.reader, one.game.standing))


def _remove_fields(game: _Game) -> list[Counterfactual]:
    """Where the item would stand without each of its players, everything else as it is."""
    everyone = len(game.values) - 1
    scores = [float(game.values[everyone ^ 1 << place]) for place in range(len(game.players))]
    return [
        Counterfactual(removed=name, need="", score=score, rank=game.standing.rank_at(score))
        for name, score in zip(game.players, scores, strict=True)
    ]
