"""Saved needs, asked again: where the items that a person expects stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import NeedError
from core.serving.served import Served
from core.store.catalogs import Catalog
from core.store.expectations import Expectation, SavedNeed
from core.store.items import Items
from core.suggest.need import Need
from core.suggest.suggester import Suggester

#: An expected item is found when it is among the first so many.
FIRST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRank:
    """Where an expected item stands.

    Attributes:
        expectation: The need and the item.
        title: Of the item; "" when it is gone from the catalogue.
        rank: 1 for the best; None where the need does not bring the item at all.
    """

    expectation: Expectation
    title: str
    rank: int | None

    @property
    def found(self) -> bool:
        """Whether it is among the first `FIRST`."""
        return self.rank is not None and self.rank <= FIRST


def can_save(need: Need) -> bool:
    """Whether a need is made of words alone, so that it can be asked again."""
    return bool(need.text.strip()) and need.image is None and need.like is None


def save_need(need: Need) -> SavedNeed:
    """What is kept of a need.

    Raises:
        NeedError: It has no words, or a picture or an item to be like.
    """
    if not can_save(need):
        raise NeedError("Only needs in words can be saved. Say it in a few words, without a picture.")
    return SavedNeed(text=" ".join(need.text.split()), avoid=need.avoid, match=need.match, filters=need.filters)


def open_need(saved: SavedNeed, catalog: Catalog) -> Need:
    """The need as it can be asked in its catalogue."""
    return Need(text=saved.text, avoid=saved.avoid, match=saved.match, filters=saved.filters, catalogs=(catalog.name,))


def rank_expected(
    suggester: Suggester, items: Items, served: Served, expectations: Sequence[Expectation]
) -> tuple[ExpectedRank, ...]:
    """Ask every saved need once and look up its items.

    Args:
        suggester: Ranks as the page does.
        items: Of all catalogues.
        served: What to ask.
        expectations: Of this catalogue.

    Raises:
        BackboneError: The catalogue's backbone cannot be loaded.
    """
    ranks: dict[SavedNeed, dict[int, int]] = {}
    standings = []
    for one in expectations:
        if one.need not in ranks:
            order = suggester.rank(served, open_need(one.need, served.catalog))
            ranks[one.need] = {number: rank for rank, number in enumerate(order, start=1)}
        stored = items.find(served.catalog.id, one.item_id)
        rank = ranks[one.need].get(stored.id) if stored else None
        standings.append(ExpectedRank(expectation=one, title=stored.item.title if stored else "", rank=rank))
    return tuple(standings)
