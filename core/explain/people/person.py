"""Why an item was suggested to a person: its fields, the history and popularity as players of a game.

The score is the sum of five parts (`core.model.heads`). What each player's absence means for them:

- a field of the item: the item is read anew without it, by the towers and the fusion of the version. Taste is the
  cosine with that vector; likeness (in "together" as in "content") and what is carried from the items that it is like
  are those of its position in the memory, words included.
- all of its fields: taste, likeness and what is carried are the average over all items, exactly. The null tokens are
  no way out here: training always leaves an item one modality, and the mean of all vectors, made as long as the others,
  would lie nearer to everybody than most items do.
- "history": the history is empty. Taste and all parts of the memory are 0 then, and popularity alone speaks.
- "prior": popularity is 0, the mean over items that were seen. What content foretells of it belongs to it.

Who liked the item together with what is known of the item and the person alike, not of what the item says: that part
of "together" stays while the history does, whichever fields are missing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import ExplainError
from core.explain.explanation import Flip
from core.explain.flips import FLIP_RANK, find_fewest
from core.explain.game import list_interactions, members, shapley_values, value_game
from core.explain.people.history import MOST_ITEMS, HistoryRanks
from core.explain.people.person_explanation import HistoryEffect, PersonExplanation
from core.explain.people.placing import ItemPlacer
from core.interactions.log import History
from core.model.heads import HEADS, PeopleHeads
from core.serving.served import Serving
from core.serving.variants import keep_fields, list_fields
from core.store.catalogs import Catalog
from core.store.items import Items, StoredItem
from core.store.versions import Version
from core.versions.bundle import Bundle

#: The players beside the item's fields.
HISTORY, PRIOR = "history", "prior"
_METHOD = (
    "exact Shapley values over the item's fields, the history and popularity: without a field the version reads the "
    "item anew, without any it is the average item, without the history popularity alone speaks, without popularity "
    "it counts as average. Who liked what together goes with the history, as does what an average item would get. The "
    f"newest {MOST_ITEMS} items of the history are left out one by one, and all items are ranked again each time, the "
    "one left out among them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Game:
    """The players of one item's score for one person.

    Attributes:
        players: The item's fields, then `HISTORY` and `PRIOR`.
        values: Of all coalitions, (2^n,).
        drift: Score of the item read anew with all of its fields, less its score.
    """

    players: tuple[str, ...]
    values: NDArray[np.float64]
    drift: float


class PersonExplainer:
    """Explains suggestions to people from the versions of one data folder.

    Args:
        items: Of the data folder.
        serving: What serves its catalogues.
    """

    def __init__(self, items: Items, serving: Serving) -> None:
        self._items, self._serving = items, serving
        self._placers: dict[str, tuple[int, ItemPlacer]] = {}

    def explain(self, catalog: Catalog, version: Version, history: History, item_id: str) -> PersonExplanation:
        """Explain one suggestion.

        Args:
            catalog: The version's.
            version: It was trained with a log; it need not be the one that serves.
            history: Of the person, items numbered as in the version.
            item_id: The item.

        Raises:
            ExplainError: The item is not in the catalogue, or the version does not know it.
            TrainError: The version was trained without a log, is missing or damaged.
            BackboneError: The version's model cannot be loaded.
        """
        began = time.perf_counter()
        bundle = self._serving.models.bundle(version.id)
        stored = self._find(catalog, item_id)
        row = _find_row(bundle, version, stored)
        ranks = HistoryRanks(bundle, history, row)
        standing = ranks.stand([()])[()]
        served = replace(catalog, version=version.id, backbone=version.backbone)
        game = self._play(served, bundle, history, stored, row)
        shares = dict(zip(game.players, shapley_values(game.values).tolist(), strict=True))
        base = float(game.values[0])
        return PersonExplanation(
            catalog=catalog.name,
            version=version.id,
            item_id=item_id,
            title=stored.item.title,
            history=ranks.distinct,
            score=standing.score,
            rank=standing.rank,
            base_value=base,
            modalities=shares,
            interactions=list_interactions(game.players, game.values),
            counterfactuals=self._leave_out(catalog, bundle, ranks),
            nearest_flip=_find_flip(bundle, ranks),
            completeness=abs(base + sum(shares.values()) - standing.score),
            drift=game.drift,
            method=_METHOD,
            seconds=time.perf_counter() - began,
        )

    def _find(self, catalog: Catalog, item_id: str) -> StoredItem:
        stored = self._items.find(catalog.id, item_id)
        if stored is None:
            raise ExplainError(f"There is no item “{item_id}” in “{catalog.name}”. Choose one from the suggestions.")
        return stored

    def _play(self, served: Catalog, bundle: Bundle, history: History, stored: StoredItem, row: int) -> _Game:
        """The game that makes the item's score; `served` names the version."""
        heads = _heads(bundle)
        fields = list_fields(stored)
        kept = [members(fields, number) for number in range(1, 2 ** len(fields))]
        variants = [keep_fields(stored.item, names) for names in kept]
        vectors = self._serving.models.version_reader(served).read(stored, variants)
        places = self._placer(served, bundle, heads).place(row, vectors, [one.item for one in variants])
        parts = heads.score_places(bundle.network, bundle.vectors, history, places).astype(np.float64)
        prior = float(parts[0, HEADS.index("prior")])
        alone = float(heads.score_places(bundle.network, bundle.vectors, history.take(slice(0)), places)[0].sum())
        own, *read = (parts.sum(axis=1) - prior).tolist()  # all of it is 0 for an empty history
        # The item with all of its fields is the one that the version keeps, not the one that was read anew.
        worth = dict(zip([frozenset[str](), *kept], [*read[:-1], own], strict=True))

        def value(coalitions: Sequence[frozenset[str]]) -> NDArray[np.float64]:
            return np.array(
                [
                    worth[one - {HISTORY, PRIOR}] + prior * (PRIOR in one) if HISTORY in one else alone * (PRIOR in one)
                    for one in coalitions
                ]
            )

        players = (*fields, HISTORY, PRIOR)
        return _Game(players=players, values=value_game(players, value), drift=read[-1] - own)

    def _placer(self, served: Catalog, bundle: Bundle, heads: PeopleHeads) -> ItemPlacer:
        revision, placer = self._placers.get(served.version, (-1, None))
        if placer is None or revision != served.revision:
            position = {item_id: row for row, item_id in enumerate(bundle.item_ids)}
            stored = (one.item for one in self._items.iterate(served.id))
            items = {position[item.item_id]: item for item in stored if item.item_id in position}
            placer = ItemPlacer(bundle.vectors, heads.memory, items)
            self._placers[served.version] = (served.revision, placer)
        return placer

    def _leave_out(self, catalog: Catalog, bundle: Bundle, ranks: HistoryRanks) -> tuple[HistoryEffect, ...]:
        found = ranks.stand([(position,) for position in range(len(ranks.items))])
        effects = []
        for (position,), standing in found.items():
            item_id = bundle.item_ids[ranks.items[position]]
            stored = self._items.find(catalog.id, item_id)
            title = stored.item.title if stored else ""
            effects.append(HistoryEffect(removed=item_id, title=title, score=standing.score, rank=standing.rank))
        return tuple(effects)


def _find_row(bundle: Bundle, version: Version, stored: StoredItem) -> int:
    try:
        return bundle.item_ids.index(stored.item.item_id)
    except ValueError as exc:
        raise ExplainError(
            f"The version {version.id} does not know “{stored.item.title}”, which came later. Train again."
        ) from exc


def _heads(bundle: Bundle) -> PeopleHeads:
    if bundle.heads is None:
        raise ValueError("a version without people was let through")
    return bundle.heads


def _find_flip(bundle: Bundle, ranks: HistoryRanks) -> Flip | None:
    positions = find_fewest(len(ranks.items), ranks.rank)
    if positions is None:
        return None
    changed = tuple(bundle.item_ids[ranks.items[position]] for position in positions)
    return Flip(changed=changed, need="", rank=ranks.rank([positions])[positions], across=FLIP_RANK)
