from dataclasses import replace

import numpy as np
import pytest

import core.store.database
from core.errors import StoreError
from core.home import Home
from core.interactions.log import NO_TIME, InteractionLog
from core.interactions.simulate import simulate_log
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.interactions import Interactions, LogSummary
from core.store.migrations import MIGRATIONS

LOG = InteractionLog(
    users=np.array([0, 0, 1, 2], np.int64),
    items=np.array([2, 0, 2, 1], np.int64),
    events=np.array([0, 5, 7, 1], np.int8),
    values=np.array([np.nan, 2, 3.5, np.nan], np.float32),
    liked=np.array([False, True, False, True]),
    times=np.array([NO_TIME, 50, 20, 2**40], np.int64),
    user_ids=("x'); DROP TABLE interactions; --", "=1+1", "张三"),
    item_ids=("007", "7", "a b"),
)
COLUMNS = ("users", "items", "events", "values", "liked", "times")


@pytest.fixture
def database(home: Home) -> Database:
    return Database(home.database)


@pytest.fixture
def catalog(database: Database) -> Catalog:
    return Catalogs(database).ensure("Shop", domain="goods", backbone="fake")


def assert_same(one: InteractionLog, other: InteractionLog) -> None:
    for name in COLUMNS:
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype, name
        np.testing.assert_array_equal(left, right, err_msg=name)
    assert (one.user_ids, one.item_ids) == (other.user_ids, other.item_ids)


def test_a_log_comes_back_as_it_was(database: Database, catalog: Catalog) -> None:
    interactions = Interactions(database)
    interactions.replace(catalog.id, LOG, kind="events")
    assert_same(interactions.load(catalog.id, LOG.item_ids), LOG)
    assert interactions.count(catalog.id) == 4


def test_one_person_is_read_alone(database: Database, catalog: Catalog) -> None:
    interactions = Interactions(database)
    interactions.replace(catalog.id, LOG, kind="events")
    assert interactions.first_users(catalog.id, 2) == LOG.user_ids[:2]
    for number, user in enumerate(LOG.user_ids):
        found = interactions.load(catalog.id, LOG.item_ids, user=user)
        (alone,), (among,) = found.histories([0]), LOG.histories([number])
        np.testing.assert_array_equal(alone.items, among.items)
        np.testing.assert_array_equal(alone.times, among.times)
    nobody = interactions.load(catalog.id, LOG.item_ids, user="nobody")
    assert nobody.user_ids == () and len(nobody.histories([0])[0]) == 0


def test_a_long_log_keeps_its_order(database: Database, catalog: Catalog) -> None:
    rng = np.random.default_rng(0)
    users = np.sort(np.concatenate([np.arange(500), rng.integers(0, 500, 119_500)]))
    count = len(users)
    log = InteractionLog(
        users=users,
        items=rng.integers(0, 3, count),
        events=rng.integers(0, 9, count).astype(np.int8),
        values=rng.random(count).astype(np.float32),
        liked=rng.random(count) < 0.5,
        times=rng.integers(0, 10**9, count),
        user_ids=tuple(f"u{n}" for n in range(500)),
        item_ids=LOG.item_ids,
    )
    Interactions(database).replace(catalog.id, log, kind="counts")
    assert_same(Interactions(Database(database.path)).load(catalog.id, log.item_ids), log)


def test_the_summary_tells_what_is_there(database: Database, catalog: Catalog) -> None:
    interactions = Interactions(database)
    assert interactions.summary(catalog.id) is None and interactions.count(catalog.id) == 0
    interactions.replace(catalog.id, LOG, kind="ratings", unknown_events=2)
    found = interactions.summary(catalog.id)
    assert found is not None and found.saved_at.endswith("Z")
    assert replace(found, saved_at="") == LogSummary(
        kind="ratings", users=3, items=3, events=4, first_time=20, last_time=2**40, unknown_events=2, saved_at=""
    )
    interactions.replace(catalog.id, LOG.take(np.array([0])), kind="ratings")
    found = interactions.summary(catalog.id)
    assert found is not None and (found.events, found.first_time, found.last_time) == (1, None, None)


def test_a_log_is_replaced_and_forgotten(database: Database, catalog: Catalog) -> None:
    interactions = Interactions(database)
    other = Catalogs(database).ensure("Other", domain="film", backbone="fake")
    interactions.replace(other.id, LOG, kind="events")
    interactions.replace(catalog.id, LOG, kind="events")
    interactions.replace(catalog.id, LOG.take(LOG.liked), kind="events")
    assert interactions.load(catalog.id, LOG.item_ids).values.tolist()[0] == 2
    assert interactions.count(catalog.id) == 2
    interactions.delete(catalog.id)
    interactions.delete(catalog.id)
    assert len(interactions.load(catalog.id, LOG.item_ids)) == 0 and interactions.count(other.id) == 4


def test_items_are_numbered_by_the_catalogue_of_the_day(database: Database, catalog: Catalog) -> None:
    interactions = Interactions(database)
    interactions.replace(catalog.id, LOG, kind="events")
    log = interactions.load(catalog.id, ("new", "a b", "007"))
    assert log.items.tolist() == [1, 2, 1] and log.users.tolist() == [0, 0, 1]
    assert log.user_ids == LOG.user_ids[:2], "nobody without an event"


def test_a_deleted_catalog_takes_its_log_along(database: Database, catalog: Catalog) -> None:
    interactions = Interactions(database)
    interactions.replace(catalog.id, LOG, kind="events")
    Catalogs(database).delete(catalog.id)
    for table in ("interactions", "interaction_logs"):
        assert database.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0
    with pytest.raises(StoreError, match="deleted"):
        interactions.replace(catalog.id, LOG, kind="events")


def test_a_failed_write_leaves_the_old_log(database: Database, catalog: Catalog) -> None:
    interactions = Interactions(database)
    interactions.replace(catalog.id, LOG, kind="events")
    with pytest.raises(IndexError):
        interactions.replace(catalog.id, replace(LOG, user_ids=("only one",)), kind="events")
    assert_same(interactions.load(catalog.id, LOG.item_ids), LOG)


def test_a_log_of_nothing_never_replaces_one(database: Database, catalog: Catalog) -> None:
    interactions = Interactions(database)
    interactions.replace(catalog.id, LOG, kind="events", unknown_events=3)
    with pytest.raises(StoreError, match="nothing was stored; what was stored before stays"):
        interactions.replace(catalog.id, LOG.take(np.zeros(len(LOG), bool)), kind="events")
    assert_same(interactions.load(catalog.id, LOG.item_ids), LOG)
    summary = interactions.summary(catalog.id)
    assert summary is not None and summary.unknown_events == 3


def test_an_older_database_gains_the_tables(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.store.database, "MIGRATIONS", MIGRATIONS[:1])
    old = Database(home.database)
    old.connection.execute("INSERT INTO catalogs(name, domain, backbone) VALUES ('Shop', 'goods', 'fake')")
    assert old.connection.execute("PRAGMA user_version").fetchone()[0] == 1
    monkeypatch.undo()
    newer = Database(home.database)
    catalog = Catalogs(newer).find("Shop")
    Interactions(newer).replace(catalog.id, LOG, kind="events")
    assert Interactions(newer).count(catalog.id) == 4


def test_invented_people_are_known_from_real_ones(database: Database, catalog: Catalog) -> None:
    logs = Interactions(database)
    assert not logs.is_simulated(catalog.id), "there is no log yet"
    logs.replace(catalog.id, LOG, kind="events")
    assert not logs.is_simulated(catalog.id)
    made_up = simulate_log(LOG.item_ids, np.eye(3, dtype=np.float32), users=2, events_per_user=3, seed=0)
    logs.replace(catalog.id, made_up, kind="events")
    assert logs.is_simulated(catalog.id)
