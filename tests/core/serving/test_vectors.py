from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.home import Home
from core.serving.index_files import VectorIndexes
from core.serving.vectors import VectorIndex
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.embeddings import Embeddings
from core.store.items import Items, PictureLink
from tests.conftest import FakeEncoder

D = 16
MODELS = dict.fromkeys(("picture", "text"), FakeEncoder("m", dimension=D))
DIMENSIONS = {"picture": D, "text": D}


def _parts(count: int, seed: int = 0) -> np.ndarray:
    parts = np.random.default_rng(seed).standard_normal((count, 2, D)).astype(np.float32)
    return parts / np.linalg.norm(parts, axis=-1, keepdims=True)


def _index(count: int) -> tuple[VectorIndex, np.ndarray]:
    index, parts = VectorIndex(DIMENSIONS), _parts(count)
    index.add(np.arange(1, count + 1), parts, np.ones((count, 2), bool))
    return index, parts


@pytest.mark.parametrize("allowed", [None, np.arange(2, 200, 7)])
def test_search_is_the_exact_scan(allowed: np.ndarray | None) -> None:
    index, parts = _index(200)
    query = np.random.default_rng(1).standard_normal((2, D)).astype(np.float32)
    stored = parts.astype(np.float16).astype(np.float32).reshape(200, -1)
    scores = (stored - stored.mean(axis=0)) @ query.reshape(-1)
    ids = np.arange(1, 201)
    if allowed is not None:
        keep = np.isin(ids, allowed)
        ids, scores = ids[keep], scores[keep]
    best = np.argsort(-scores)[:10]
    hits = index.search(query, 10, allowed=allowed)
    assert hits.ids.tolist() == ids[best].tolist()
    assert np.allclose(hits.scores, scores[best], atol=1e-4)


def test_a_replaced_row_is_found_by_its_new_content_only() -> None:
    index, _ = _index(50)
    new = np.zeros((1, 2, D), np.float32)
    new[0, 0, 0] = new[0, 1, 1] = 1
    index.add(np.array([7]), new, np.ones((1, 2), bool))
    assert len(index) == 50 and index.ids.tolist().count(7) == 1
    hits = index.search(new[0], 50)
    best = 2 - float((index.means * new[0]).sum())
    assert hits.ids[0] == 7 and hits.scores[0] == pytest.approx(best, abs=1e-3) and len(set(hits.ids.tolist())) == 50
    assert np.allclose(index.rows(np.array([7]))[0][0], new[0])


def test_a_missing_part_scores_as_an_average_item() -> None:
    index, parts = VectorIndex(DIMENSIONS), _parts(40)
    has = np.ones((40, 2), bool)
    has[5, 0] = False
    index.add(np.arange(40), parts, has)
    query = np.stack([_parts(1, 3)[0, 0], np.zeros(D, np.float32)])
    hits = index.search(query, 40)
    scores = dict(zip(hits.ids.tolist(), hits.scores.tolist(), strict=True))
    assert scores[5] == 0 and np.mean([scores[i] for i in range(40) if i != 5]) == pytest.approx(0, abs=1e-3)
    filled, there = index.rows(np.array([5]))
    assert np.allclose(filled[0, 0], index.means[0]) and there.tolist() == [[False, True]]


def _contents(index: VectorIndex) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows, and scores for one query, of all items in the order of their ids."""
    ids = np.sort(index.ids)
    hits = index.search(np.linspace(-1, 1, 2 * D, dtype=np.float32).reshape(2, D), len(index))
    return index.rows(ids)[0], hits.scores[np.argsort(hits.ids)]


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_appends_gives_the_same_index(seed: int) -> None:
    """The mean was once that of the first append for ever."""
    rng = np.random.default_rng(seed)
    parts, has = _parts(60, seed), rng.random((60, 2)) < 0.5
    whole, grown = VectorIndex(DIMENSIONS), VectorIndex(DIMENSIONS)
    whole.add(np.arange(60), parts, has)
    for number in rng.permutation(60).tolist():  # something else at first, which is then replaced
        grown.add(np.array([number]), _parts(1, number + 100), ~has[[number]])
    for number in rng.permutation(60).tolist():
        grown.add(np.array([number]), parts[[number]], has[[number]])
    for one in (grown, VectorIndex.from_arrays(DIMENSIONS, grown.to_arrays())):
        assert np.allclose(one.means, whole.means, atol=1e-6)
        assert all(np.allclose(*pair, atol=1e-5) for pair in zip(_contents(one), _contents(whole), strict=True))
        assert one.sample(10).tolist() == whole.sample(10).tolist()


def test_nobody_reads_the_means_while_rows_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A need that was weighted meanwhile took the average item for the origin."""
    index, _ = _index(3)
    seen: list[Future[np.ndarray]] = []
    add = index._index.add

    def read_meanwhile(rows: np.ndarray) -> None:
        seen.append(pool.submit(lambda: index.means))
        wait(seen, timeout=0.05)
        add(rows)

    monkeypatch.setattr(index._index, "add", read_meanwhile)
    with ThreadPoolExecutor(1) as pool:
        index.add(np.arange(1, 4), _parts(3, 1), np.ones((3, 2), bool))
    assert np.allclose(seen[0].result(), _parts(3, 1).mean(axis=0), atol=1e-3)


def test_saved_arrays_give_the_same_answers() -> None:
    index, _ = _index(64)
    index.add(np.array([3]), _parts(1, 9), np.ones((1, 2), bool))
    again = VectorIndex.from_arrays(DIMENSIONS, index.to_arrays())
    query = np.random.default_rng(2).standard_normal((2, D)).astype(np.float32)
    assert index.search(query, 20).ids.tolist() == again.search(query, 20).ids.tolist()
    broken = index.to_arrays() | {"ids": np.arange(3)}
    with pytest.raises(ValueError, match="fit together"):
        VectorIndex.from_arrays(DIMENSIONS, broken)


def test_nothing_to_search() -> None:
    assert len(VectorIndex(DIMENSIONS).search(np.ones((2, D), np.float32), 5).ids) == 0
    index, _ = _index(3)
    assert len(index.search(np.ones((2, D), np.float32), 5, allowed=np.empty(0, np.int64)).ids) == 0
    assert len(index.search(np.ones((2, D), np.float32), 500).ids) == 3


def _write(database: Database, titles: list[str], *, model: int, pictures: tuple[str, ...] = ()) -> None:
    catalog = Catalogs(database).ensure("Shop", domain="goods", backbone="fake")
    embeddings = Embeddings(database)
    items = [Item(item_id=title, title=title) for title in titles]
    with database.transaction():
        for at, item in enumerate(items):
            embeddings.put(model, "text", {item.text_hash(): _parts(1, at)[0, 1]})
        for at, picture in enumerate(pictures):
            embeddings.put(model, "picture", {picture: _parts(1, 100 + at)[0, 0]})
        links = tuple(PictureLink(source=picture, picture=picture) for picture in pictures)
        Items(database).upsert(catalog.id, [(item, links) for item in items])


def _open(database: Database, home: Home) -> VectorIndexes:
    return VectorIndexes(Items(database), Embeddings(database), home.indexes)


def _save(database: Database, home: Home, catalog: Catalog) -> VectorIndex:
    indexes = _open(database, home)
    index = indexes.get(catalog, "m-1", MODELS)
    indexes.save(catalog, "m-1", index)
    return index


def test_new_items_are_found_without_a_rebuild(home: Home) -> None:
    database = Database(home.database)
    model = Embeddings(database).model_number("m-1")
    _write(database, ["a", "b"], model=model)
    indexes = _open(database, home)
    first = indexes.get(Catalogs(database).find("Shop"), "m-1", MODELS)
    assert len(first) == 2
    _write(database, ["b", "c"], model=model)
    second = indexes.get(Catalogs(database).find("Shop"), "m-1", MODELS, known=first)
    assert second is first and len(second) == 3


def test_several_pictures_become_their_unit_mean(home: Home) -> None:
    database = Database(home.database)
    model = Embeddings(database).model_number("m-1")
    _write(database, ["a"], model=model, pictures=("0" * 64, "1" * 64))
    index = _open(database, home).get(Catalogs(database).find("Shop"), "m-1", MODELS)
    mean = (_parts(1, 100)[0, 0] + _parts(1, 101)[0, 0]) / 2
    assert np.allclose(index.rows(index.ids)[0][0, 0], mean / np.linalg.norm(mean), atol=2e-3)


@pytest.mark.parametrize("damage", ["cut", "noise", "gone"])
def test_a_damaged_index_file_is_rebuilt(home: Home, damage: str) -> None:
    database = Database(home.database)
    _write(database, ["a", "b"], model=Embeddings(database).model_number("m-1"))
    catalog = Catalogs(database).find("Shop")
    _save(database, home, catalog)
    (path,) = Path(home.indexes).glob("*.safetensors")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:40])
    elif damage == "noise":
        path.write_bytes(b"\xff" * 400)
    else:
        path.unlink()
    assert len(_open(database, home).get(catalog, "m-1", MODELS)) == 2


def test_a_saved_index_is_read_and_caught_up(home: Home) -> None:
    database = Database(home.database)
    model = Embeddings(database).model_number("m-1")
    _write(database, ["a", "b"], model=model)
    _save(database, home, Catalogs(database).find("Shop"))
    _write(database, ["c"], model=model)
    assert len(_open(database, home).get(Catalogs(database).find("Shop"), "m-1", MODELS)) == 3


def test_embeddings_say_what_is_missing(home: Home) -> None:
    database = Database(home.database)
    embeddings = Embeddings(database)
    one, other = embeddings.model_number("one"), embeddings.model_number("other")
    embeddings.put(one, "text", {"a": np.ones(4, np.float32)})
    assert embeddings.missing(one, "text", ["b", "a", "b"]) == ["b"]
    assert embeddings.missing(other, "text", ["a"]) == embeddings.missing(one, "picture", ["a"]) == ["a"]
    assert embeddings.get(one, "text", ["a"])["a"].tolist() == [1, 1, 1, 1]


def test_a_changed_vector_in_the_file_is_noticed(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    database = Database(home.database)
    _write(database, ["a", "b"], model=Embeddings(database).model_number("m-1"))
    catalog = Catalogs(database).list()[0]
    wanted = _save(database, home, catalog).to_arrays()
    (path,) = home.indexes.glob("*.safetensors")
    data = bytearray(path.read_bytes())
    data[-3] ^= 0x40
    path.write_bytes(data)
    found = _open(database, home).get(catalog, "m-1", MODELS).to_arrays()
    assert all((found[name] == wanted[name]).all() for name in wanted)
    assert "changed on the disk" in caplog.text


@pytest.mark.parametrize(
    "dimensions", [{"picture": 384, "text": 384}, {"text": 5}, {"picture": 7, "text": 16, "sound": 3}]
)
def test_rows_have_a_width_that_the_scan_reads_fast_and_keep_what_was_added(dimensions: dict[str, int]) -> None:
    """Two flags beside 768 numbers made a scan of 100,000 items ten times slower."""
    index, count, longest = VectorIndex(dimensions), len(dimensions), max(dimensions.values())
    assert index._index.d % 16 == 0
    rng = np.random.default_rng(0)
    rows, has = np.zeros((9, count, longest), np.float32), rng.random((9, count)) < 0.7
    for at, length in enumerate(dimensions.values()):
        rows[:, at, :length] = rng.standard_normal((9, length))
    index.add(np.arange(9), rows, has)
    found, there = index.rows(np.arange(9))
    assert (there == has).all() and np.allclose(found[has], rows[has], atol=2e-3)
    query = rng.standard_normal((count, longest)).astype(np.float32)
    hits = index.search(query, 9)
    wanted = np.einsum("npd,pd->n", np.where(has[:, :, None], rows - index.means, 0), query)
    assert np.allclose(hits.scores, wanted[hits.ids], atol=2e-2)
