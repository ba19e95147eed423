"""Needs that must keep working: what a person typed, and an item that it has to bring."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from core.errors import NeedError, StoreError
from core.store.database import Database, read_value
from core.store.filters import Filter
from core.store.items import Items


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNeed:
    """A need in words as it is kept; pictures, blends and variety are not.

    Attributes:
        text: Plain words, with what to avoid already taken out.
        avoid: Things to avoid, each a short phrase.
        match: Which part of an item is compared, one of `core.suggest.need.list_matches`.
        filters: Conditions that every suggestion must meet.
    """

    text: str
    avoid: tuple[str, ...] = ()
    match: str = "both"
    filters: tuple[Filter, ...] = ()

    @property
    def title(self) -> str:
        """The need in words with all its conditions, e.g. "boots, not leather (price < 80)"."""
        words = ", not ".join((self.text, *self.avoid))
        more = [f"{one.field} {one.operator} {one.value}" for one in self.filters]
        more += [f"{self.match} only"] if self.match != "both" else []
        return f"{words} ({', '.join(more)})" if more else words

    def to_json(self) -> str:
        """One need, one text: equal needs are equal texts."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "SavedNeed":
        """Read what `to_json` wrote."""
        data = read_value(text)
        filters = tuple(Filter(**one) for one in data.pop("filters"))
        return cls(**data | {"avoid": tuple(data["avoid"]), "filters": filters})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One item that one saved need has to bring.

    Attributes:
        id: Database id.
        catalog_id: Where to look.
        need: What is asked.
        item_id: The item, as the catalogue's file calls it; it may be gone from the catalogue by now.
    """

    id: int
    catalog_id: int
    need: SavedNeed
    item_id: str


class Expectations:
    """The repository of saved needs; they go with their catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, catalog_id: int, need: SavedNeed, item_ids: Sequence[str]) -> tuple[Expectation, ...]:
        """Expect items for a need; what is expected already stays as it is.

        Returns:
            All that is expected of this need now.

        Raises:
            NeedError: No item is named, or one is not in the catalogue; nothing is kept then.
            StoreError: The catalogue is gone.
        """
        unknown = [one for one in item_ids if Items(self._database).find(catalog_id, one) is None]
        if unknown or not item_ids:
            problem = f"These items are not in the catalogue: {', '.join(unknown)}." if unknown else "No item is named."
            raise NeedError(f"{problem} Name items by the ids they have in the catalogue's file.")
        kept = need.to_json()
        try:
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT INTO expectations(catalog_id, need, item_id) VALUES (?, ?, ?) "
                    "ON CONFLICT(catalog_id, need, item_id) DO NOTHING",
                    [(catalog_id, kept, item_id) for item_id in item_ids],
                )
        except sqlite3.IntegrityError as exc:
            raise StoreError("The catalogue was deleted meanwhile. Import it again first.") from exc
        return tuple(one for one in self.list(catalog_id) if one.need == need)

    def list(self, catalog_id: int) -> tuple[Expectation, ...]:
        """What is expected in a catalogue: needs in the order they were first saved, the items of one together."""
        rows = self._database.connection.execute(
            "SELECT *, MIN(id) OVER (PARTITION BY need) AS first FROM expectations WHERE catalog_id = ? "
            "ORDER BY first, id",
            (catalog_id,),
        ).fetchall()
        return tuple(
            Expectation(
                id=row["id"],
                catalog_id=row["catalog_id"],
                need=SavedNeed.from_json(row["need"]),
                item_id=row["item_id"],
            )
            for row in rows
        )

    def remove(self, catalog_id: int, number: int) -> None:
        """Expect it no longer; nothing happens when the catalogue has none of that id."""
        self._database.connection.execute(
            "DELETE FROM expectations WHERE catalog_id = ? AND id = ?", (catalog_id, number)
        )
