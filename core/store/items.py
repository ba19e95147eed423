"""Items with their pictures and facets."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.catalog.codes import normalise_code
from core.catalog.schema import Item
from core.errors import StoreError
from core.store.database import Database, damaged_database
from core.store.filters import Filter, select_items_sql
from core.store.word_index import replace_words

MAX_FACET_LENGTH = 60
MAX_FACET_VALUES = 24
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLink:
    """One picture of an item, or the reason why there is none.

    Attributes:
        source: The reference as the file wrote it.
        picture: Content hash of the stored picture, None when it could not be used.
        code: Short name of the reason, "" for a good picture.
        message: The reason as a sentence, "" for a good picture.
    """

    source: str
    picture: str | None
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """An item as the database holds it.

    Attributes:
        id: Database id, never used twice.
        catalog_id: The catalogue's database id.
        item: The item.
        pictures: Its pictures in order.
    """

    id: int
    catalog_id: int
    item: Item
    pictures: tuple[PictureLink, ...]

    @property
    def main_picture(self) -> str | None:
        """Content hash of the first usable picture."""
        return next((link.picture for link in self.pictures if link.picture), None)

    @property
    def usable_pictures(self) -> tuple[str, ...]:
        """Content hashes of its pictures that could be used, in order."""
        return tuple(link.picture for link in self.pictures if link.picture)


class Items:
    """The repository of items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def content_hashes(self, catalog_id: int) -> dict[str, str]:
        """Item id to content hash of every item of the catalogue, by database id."""
        rows = self._database.connection.execute(
            "SELECT item_id, content_hash FROM items WHERE catalog_id = ? ORDER BY id", (catalog_id,)
        )
        return {row[0]: row[1] for row in rows}

    def find_many(self, catalog_id: int, item_ids: Sequence[str]) -> dict[str, StoredItem]:
        """Item id to the item of that id; those that are not there are left out."""
        found: dict[str, StoredItem] = {}
        for batch in _batches(item_ids):
            marks = ", ".join("?" for _ in batch)
            rows = self._database.connection.execute(
                f"SELECT id FROM items WHERE catalog_id = ? AND item_id IN ({marks})", (catalog_id, *batch)
            ).fetchall()
            found |= {stored.item.item_id: stored for stored in self.fetch([row["id"] for row in rows])}
        return found

    def upsert(self, catalog_id: int, writes: Iterable[tuple[Item, tuple[PictureLink, ...]]]) -> frozenset[str]:
        """Create or replace items inside the caller's transaction.

        Returns:
            Ids of those that were not there: another import may have written some since the caller looked.

        Raises:
            ValueError: No transaction is open.
            StoreError: The catalogue has been deleted meanwhile.
        """
        connection = self._database.connection
        if not connection.in_transaction:
            raise ValueError("upsert belongs inside a transaction")
        row = connection.execute(
            "UPDATE catalogs SET revision = revision + 1 WHERE id = ? RETURNING revision", (catalog_id,)
        ).fetchone()
        if row is None:
            raise StoreError("The catalogue was deleted while it was written to. Start the import again.")
        created = {item.item_id for item, links in writes if self._upsert_one(catalog_id, row["revision"], item, links)}
        return frozenset(created)

    def fetch(self, ids: Sequence[int]) -> tuple[StoredItem, ...]:
        """The items of these database ids, in their order; those that are gone are left out."""
        found: dict[int, StoredItem] = {}
        for batch in _batches(ids):
            marks = ", ".join("?" for _ in batch)
            rows = self._database.connection.execute(
                f"SELECT id, catalog_id, data FROM items WHERE id IN ({marks})", tuple(batch)
            ).fetchall()
            pictures = self._pictures(batch)
            for row in rows:
                found[row["id"]] = StoredItem(
                    id=row["id"],
                    catalog_id=row["catalog_id"],
                    item=_read_item(row["data"]),
                    pictures=pictures.get(row["id"], ()),
                )
        return tuple(found[number] for number in ids if number in found)

    def find(self, catalog_id: int, item_id: str) -> StoredItem | None:
        """The item that the catalogue's file calls `item_id`."""
        row = self._database.connection.execute(
            "SELECT id FROM items WHERE catalog_id = ? AND item_id = ?", (catalog_id, item_id)
        ).fetchone()
        return self.fetch([row["id"]])[0] if row else None

    def titles(self, ids: Sequence[int]) -> dict[int, str]:
        """Database id to title."""
        found: dict[int, str] = {}
        for batch in _batches(ids):
            marks = ", ".join("?" for _ in batch)
            sql = f"SELECT id, title FROM items WHERE id IN ({marks})"
            found |= dict(self._database.connection.execute(sql, batch).fetchall())
        return found

    def list_titles(self, catalog_id: int, limit: int) -> tuple[str, ...]:
        """Titles of the first items, at most so many."""
        sql = "SELECT title FROM items WHERE catalog_id = ? ORDER BY id LIMIT ?"
        return tuple(row["title"] for row in self._database.connection.execute(sql, (catalog_id, limit)))

    def list_categories(self, catalog_id: int, limit: int) -> tuple[tuple[str, ...], ...]:
        """Categories of some items, at most so many, each once, those of most items first."""
        rows = self._database.connection.execute(
            "SELECT category, count(*) AS items FROM "
            "(SELECT json_extract(data, '$.category') AS category FROM items WHERE catalog_id = ? LIMIT ?) "
            "GROUP BY category ORDER BY items DESC, category",
            (catalog_id, limit),
        )
        return tuple(tuple(json.loads(row["category"] or "[]")) for row in rows)

    def select(self, catalog_id: int, filters: tuple[Filter, ...]) -> NDArray[np.int64]:
        """Database ids of the items that pass every filter, ascending, (N,)."""
        sql, values = select_items_sql(catalog_id, filters)
        rows = self._database.connection.execute(sql, values).fetchall()
        return np.unique(np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows)))

    def iterate(self, catalog_id: int, *, after_revision: int = -1, also: Sequence[int] = ()) -> Iterator[StoredItem]:
        """Items of a catalogue, by database id.

        Args:
            catalog_id: Of the catalogue.
            after_revision: Those that changed after this revision of it; -1 gives all.
            also: Database ids of items that are given whenever they changed.
        """
        last = 0
        while True:
            rows = self._database.connection.execute(
                "SELECT id FROM items WHERE catalog_id = ? AND id > ? "
                "AND (revision > ? OR id IN (SELECT value FROM json_each(?))) ORDER BY id LIMIT ?",
                (catalog_id, last, after_revision, json.dumps(list(also)), _BATCH),
            ).fetchall()
            if not rows:
                return
            last = rows[-1]["id"]
            yield from self.fetch([row["id"] for row in rows])

    def _upsert_one(self, catalog_id: int, revision: int, item: Item, links: tuple[PictureLink, ...]) -> bool:
        """Write one item; whether it is new."""
        connection = self._database.connection
        found = connection.execute(
            "SELECT 1 FROM items WHERE catalog_id = ? AND item_id = ?", (catalog_id, item.item_id)
        ).fetchone()
        price = None if item.price is None else float(item.price)
        data = json.dumps(item.to_json(), ensure_ascii=False)
        (number,) = connection.execute(
            """
            INSERT INTO items(catalog_id, item_id, title, price, data, content_hash, text_hash, revision)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT(catalog_id, item_id) DO UPDATE SET title = excluded.title, price = excluded.price,
                data = excluded.data, content_hash = excluded.content_hash, text_hash = excluded.text_hash,
                revision = excluded.revision
            RETURNING id
            """,
            (catalog_id, item.item_id, item.title, price, data, item.content_hash(), item.text_hash(), revision),
        ).fetchone()
        connection.execute("DELETE FROM item_pictures WHERE item = ?", (number,))
        connection.executemany(
            "INSERT INTO item_pictures(item, position, source, picture, code, message) VALUES (?, ?, ?, ?, ?, ?)",
            [(number, at, link.source, link.picture, link.code, link.message) for at, link in enumerate(links)],
        )
        connection.execute("DELETE FROM facets WHERE item = ?", (number,))
        connection.executemany(
            "INSERT OR IGNORE INTO facets(catalog_id, field, value, item) VALUES (?, ?, ?, ?)",
            [(catalog_id, field, value, number) for field, values in item_facets(item).items() for value in values],
        )
        replace_codes(connection, catalog_id, number, item)
        replace_words(connection, number, item)
        return found is None

    def _pictures(self, ids: Sequence[int]) -> dict[int, tuple[PictureLink, ...]]:
        marks = ", ".join("?" for _ in ids)
        rows = self._database.connection.execute(
            f"SELECT * FROM item_pictures WHERE item IN ({marks}) ORDER BY item, position", tuple(ids)
        )
        links: dict[int, tuple[PictureLink, ...]] = {}
        for row in rows:
            link = PictureLink(source=row["source"], picture=row["picture"], code=row["code"], message=row["message"])
            links[row["item"]] = (*links.get(row["item"], ()), link)
        return links


def _read_item(data: str) -> Item:
    try:
        return Item.from_json(json.loads(data))
    except (ValueError, TypeError, KeyError, ArithmeticError) as exc:
        raise damaged_database() from exc


def item_facets(item: Item) -> Mapping[str, tuple[str, ...]]:
    """What an item can be filtered by: field or attribute name to its short values; price is apart."""
    facets: dict[str, tuple[str, ...]] = {
        "category": item.category,
        "brand": (item.brand,),
        "availability": (item.availability,),
        "tags": item.tags,
        "domain": (item.domain,),
        **item.attributes,
    }
    short = {
        field: tuple(value for value in values if 0 < len(value) <= MAX_FACET_LENGTH)[:MAX_FACET_VALUES]
        for field, values in facets.items()
    }
    return {field: values for field, values in short.items() if values}


def replace_codes(connection: sqlite3.Connection, catalog_id: int, number: int, item: Item) -> None:
    """Index all that an item is found by when it is typed, its id and its codes; part of the caller's transaction."""
    texts = [item.item_id, *(code for codes in item.codes.values() for code in codes)]
    found = {code for text in texts if (code := normalise_code(text))}
    connection.execute("DELETE FROM item_codes WHERE item = ?", (number,))
    connection.executemany(
        "INSERT INTO item_codes(catalog_id, code, item) VALUES (?, ?, ?)",
        [(catalog_id, code, number) for code in found],
    )


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
