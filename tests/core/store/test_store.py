import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from core.catalog.schema import Item
from core.errors import CatalogNotFoundError, NeedError, StoreError
from core.home import Home
from core.jobs.job_table import JobStore
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.facets import list_facets
from core.store.filters import Filter, parse_filter
from core.store.items import Items, PictureLink
from core.store.migrations import MIGRATIONS
from core.store.versions import Versions
from core.store.word_index import Words

SHOE = Item(
    item_id="007",
    title="Black leather shoe",
    description="Formal, for the office",
    category=("Footwear", "Shoes"),
    brand="Aldo",
    price=Decimal("59.90"),
    currency="EUR",
    tags=("formal",),
    attributes={"Colour": ("Black",), "Year": ("2012",)},
    pictures=("a.jpg", "b.jpg"),
)
BOOT = Item(
    item_id="8",
    title="Brown boot",
    category=("Footwear", "Boots"),
    brand="Bata",
    price=Decimal(120),
    attributes={"Colour": ("Brown", "Black"), "Year": ("2015",)},
)
HAT = Item(item_id="9", title="红色帽子", category=("Hats",), attributes={"Colour": ("Red",)})


@pytest.fixture
def database(home: Home) -> Database:
    return Database(home.database)


@pytest.fixture
def catalog(database: Database) -> Catalog:
    catalog = Catalogs(database).ensure("Shop", domain="goods", backbone="fake")
    with database.transaction():
        Items(database).upsert(
            catalog.id,
            [
                (SHOE, (PictureLink(source="a.jpg", picture="0" * 64), PictureLink(source="b.jpg", picture=None))),
                (BOOT, ()),
                (HAT, ()),
            ],
        )
    return Catalogs(database).find("shop")


def _titles(database: Database, catalog: Catalog, *filters: str) -> list[str]:
    items = Items(database)
    ids = items.select(catalog.id, tuple(parse_filter(text) for text in filters))
    return [stored.item.title for stored in items.fetch(ids.tolist())]


def test_items_come_back_as_they_were(database: Database, catalog: Catalog) -> None:
    stored = Items(database).find(catalog.id, "007")
    assert stored is not None and stored.item == SHOE
    assert stored.main_picture == "0" * 64 and [link.source for link in stored.pictures] == ["a.jpg", "b.jpg"]
    assert (catalog.items, catalog.pictures, catalog.revision) == (3, 1, 1)
    assert [one.item.item_id for one in Items(database).iterate(catalog.id)] == ["007", "8", "9"]


def test_a_changed_item_keeps_its_number_and_replaces_everything(database: Database, catalog: Catalog) -> None:
    items = Items(database)
    before = items.find(catalog.id, "007")
    with database.transaction():
        items.upsert(catalog.id, [(replace(SHOE, title="Green clog", brand="Crocs", pictures=()), ())])
    after = items.find(catalog.id, "007")
    assert before and after and before.id == after.id and after.pictures == ()
    assert _titles(database, catalog, "brand=Aldo") == []
    assert Words(database).search(catalog.id, "leather", 5).ids.tolist() == []
    assert Words(database).search(catalog.id, "clog", 5).ids.tolist() == [after.id]
    assert Catalogs(database).find("Shop").revision == 2


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        ([], ["Black leather shoe", "Brown boot", "红色帽子"]),
        (["brand=aldo"], ["Black leather shoe"]),
        (["colour=black"], ["Black leather shoe", "Brown boot"]),
        (["Colour=Red", "Colour=Brown"], ["Brown boot", "红色帽子"]),
        (["colour=black", "brand=Bata"], ["Brown boot"]),
        (["category=Footwear"], ["Black leather shoe", "Brown boot"]),
        (["price<100"], ["Black leather shoe"]),
        (["price>=59.9", "price <= 120"], ["Black leather shoe", "Brown boot"]),
        (["year>2012"], ["Brown boot"]),
        (["brand!=Aldo"], ["Brown boot", "红色帽子"]),
        (["brand='; DROP TABLE items; --"], []),
    ],
)
def test_filters(database: Database, catalog: Catalog, filters: list[str], titles: list[str]) -> None:
    assert _titles(database, catalog, *filters) == titles


@pytest.mark.parametrize("text", ["", "brand", "=x", "price<cheap", "price=about 5", "brand="])
def test_a_filter_that_makes_no_sense_is_said(text: str) -> None:
    with pytest.raises(NeedError):
        parse_filter(text)


def test_a_filter_reads_back() -> None:
    assert parse_filter("a b <= 3") == Filter(field="a b", operator="<=", value="3")
    assert parse_filter("size=a=b") == Filter(field="size", operator="=", value="a=b")


def test_facets_are_what_a_choice_can_be_made_by(database: Database, catalog: Catalog) -> None:
    codes = [
        replace(HAT, item_id=f"c{n}", attributes={"Code": (f"x{n}",), "Year": (str(1990 + n),)}) for n in range(30)
    ]
    with database.transaction():
        Items(database).upsert(catalog.id, [(item, ()) for item in codes])
    facets = {facet.field: facet for facet in list_facets(database, catalog.id)}
    assert facets["price"].numbers == (59.9, 120.0)
    assert "Code" not in facets, "a different one in every item"
    assert dict(facets["brand"].values) == {"Aldo": 1, "Bata": 1}
    assert dict(facets["Colour"].values)["Black"] == 2


def test_words_find_codes_stems_and_chinese(database: Database, catalog: Catalog) -> None:
    words = Words(database)
    numbers = {stored.item.item_id: stored.id for stored in Items(database).iterate(catalog.id)}
    assert words.search(catalog.id, "shoes", 5).ids.tolist() == [numbers["007"]]
    assert words.search(catalog.id, "007", 5).ids.tolist() == [numbers["007"]]
    assert words.search(catalog.id, "帽子", 5).ids.tolist() == [numbers["9"]]
    assert words.holding(list(numbers.values()), "brown boot") == {numbers["8"]}
    for hostile in ('"', "shoe OR", "NEAR(", "a* ^b", "title:shoe", "😀", "shoe' --"):
        words.search(catalog.id, hostile, 5)


def test_a_store_from_before_there_were_codes_finds_its_ids(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old = sqlite3.connect(path)
    for step in MIGRATIONS[:4]:
        old.executescript(step)
    old.execute("PRAGMA user_version = 4")
    old.execute("INSERT INTO catalogs(name, domain, backbone) VALUES ('shop', 'goods', 'fake')")
    for number, item_id in enumerate(("FP-22/B", "04006381333931", "007"), start=1):
        old.execute(
            "INSERT INTO items(catalog_id, item_id, title, data, content_hash, text_hash, revision) "
            "VALUES (1, ?, '', '{}', '', '', 1)",
            (item_id,),
        )
        assert number == old.execute("SELECT max(id) FROM items").fetchone()[0]
    old.commit()
    old.close()
    words = Words(Database(path))
    assert words.find_codes(1, ("fp22b", "4006381333931")) == {1: {"fp22b"}, 2: {"4006381333931"}}
    assert words.find_codes(1, ("007", "9")) == {3: {"007"}} and words.find_codes(1, ()) == {}


def test_catalogs_are_found_by_name_and_listed_when_missing(database: Database, catalog: Catalog) -> None:
    with pytest.raises(CatalogNotFoundError, match="“Shop”"):
        Catalogs(database).find("None")
    with pytest.raises(StoreError):
        Catalogs(database).ensure("  ", domain="goods", backbone="fake")
    again = Catalogs(database).ensure(" SHOP ", domain="film", backbone="other")
    assert (again.id, again.domain, again.backbone) == (catalog.id, "goods", "fake")


def test_a_deleted_catalog_leaves_nothing(database: Database, catalog: Catalog) -> None:
    Catalogs(database).delete(catalog.id)
    for table in ("items", "item_pictures", "facets", "item_words"):
        assert database.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0


def test_writing_to_a_deleted_catalog_is_said(database: Database, catalog: Catalog) -> None:
    Catalogs(database).delete(catalog.id)
    with pytest.raises(StoreError, match="deleted"), database.transaction():
        Items(database).upsert(catalog.id, [(BOOT, ())])


def test_a_failed_transaction_writes_nothing(database: Database, catalog: Catalog) -> None:
    with pytest.raises(RuntimeError), database.transaction():
        Items(database).upsert(catalog.id, [(replace(BOOT, item_id="new"), ())])
        raise RuntimeError
    assert Items(database).find(catalog.id, "new") is None
    with pytest.raises(ValueError, match="transaction"):
        Items(database).upsert(catalog.id, [(BOOT, ())])


def test_the_database_is_durable_and_versioned(home: Home, database: Database) -> None:
    connection = database.connection
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    connection.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreError, match="newer Wishlight"):
        Database(home.database)


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="cannot be opened"):
        Database(path)


def test_two_connections_see_each_other(home: Home, database: Database, catalog: Catalog) -> None:
    other = sqlite3.connect(home.database)
    assert other.execute("SELECT count(*) FROM items").fetchone()[0] == 3
    assert np.array_equal(Items(Database(home.database)).select(catalog.id, ()), Items(database).select(catalog.id, ()))


def test_counts_follow_every_write(database: Database, catalog: Catalog) -> None:
    def counts() -> tuple[int, int]:
        found = Catalogs(database).find("Shop")
        return found.items, found.pictures

    one, two = (PictureLink(source=name, picture=name * 64) for name in "12")
    for links, expected in (((one, two), (3, 2)), ((one,), (3, 1)), ((), (3, 0))):
        with database.transaction():
            Items(database).upsert(catalog.id, [(SHOE, links)])
        assert counts() == expected


@pytest.mark.parametrize("operator", ["!=", "="])
def test_hundreds_of_filters_are_answered(database: Database, catalog: Catalog, operator: str) -> None:
    filters = [f"colour{operator}no{n}" for n in range(600)]
    assert len(_titles(database, catalog, *filters)) == (3 if operator == "!=" else 0)
    prices = [f"price!={n + 1000}" for n in range(600)]
    assert _titles(database, catalog, *prices) == ["Black leather shoe", "Brown boot"]
    with pytest.raises(NeedError, match="at most"):
        _titles(database, catalog, *filters * 10)


@pytest.mark.parametrize("text", ["price<inf", "price>1e400", "Year<nan", "price=-inf", "brand=\udcff", "\ud800=a"])
def test_a_filter_of_no_value_or_of_no_text_is_said(text: str) -> None:
    with pytest.raises(NeedError, match=r"needs a number|half a character"):
        parse_filter(text)


def test_half_characters_are_said(database: Database, catalog: Catalog) -> None:
    with pytest.raises(NeedError, match="half a character"):
        Catalogs(database).find("Sh\udcffop")
    for call in (Catalogs(database).ensure, lambda name, **_: Items(database).find(catalog.id, name)):
        with pytest.raises((NeedError, StoreError), match="half a character"):
            call("a\ud800", domain="goods", backbone="fake")
    assert _titles(database, catalog) == ["Black leather shoe", "Brown boot", "红色帽子"]


def test_flipped_bytes_in_the_database_are_a_sentence(home: Home, database: Database, catalog: Catalog) -> None:
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    whole = home.database.read_bytes()
    for old, new in ((b"Black leather", b"Bl\xff\xfek leather"), (b'"item_id"', b'"item_id\x00')):
        assert old in whole
        home.database.write_bytes(whole.replace(old, new))
        opened = Database(home.database)
        with pytest.raises(StoreError, match="damaged"):
            list(Items(opened).iterate(catalog.id))
            list(opened.connection.execute("SELECT * FROM items"))
        opened.close()


def test_a_damaged_value_of_a_version_or_a_job_is_a_sentence(database: Database, catalog: Catalog) -> None:
    Versions(database).add("v", catalog.id, title="V", backbone="b", has_log=False, metrics={})
    JobStore(database).submit("rebuild", "Rebuild", {}, key="k")
    for table, column in (("versions", "metrics"), ("jobs", "payload")):
        database.connection.execute(f"UPDATE {table} SET {column} = '{{\"a'")
    for read in (Versions(database).list, JobStore(database).list):
        with pytest.raises(StoreError, match="database is damaged"):
            read()


def test_another_failure_of_the_database_stays_what_it_is(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such column") as caught:
        database.connection.execute("SELECT unheard_of")
    assert caught.value.__cause__ is None, "it once led to itself"


def test_what_was_there_already_is_not_counted_as_new(database: Database, catalog: Catalog) -> None:
    with database.transaction():
        created = Items(database).upsert(catalog.id, [(SHOE, ()), (replace(SHOE, item_id="new"), ())])
    assert created == {"new"}
