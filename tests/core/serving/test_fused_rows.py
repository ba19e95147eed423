"""What a trained version says of an item is what answers: whole, of what was read, and for as long as it serves."""

from dataclasses import replace

import numpy as np

from core.home import Home
from core.parts import read_key
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.embeddings import Embeddings
from core.store.items import Items
from core.store.versions import Versions
from tests.core.serving.test_vectors import MODELS, _open, _parts, _write

PICTURE = "0" * 64
VERSION = "m-1+v"


def _keys(database: Database, catalog: Catalog) -> dict[int, str]:
    return {one.id: read_key(one) for one in Items(database).iterate(catalog.id)}


def test_what_a_version_says_of_a_missing_picture_is_neither_thrown_away_nor_averaged(home: Home) -> None:
    """Its picture half was replaced by the catalogue's mean, since the item has no picture."""
    database, embeddings = Database(home.database), Embeddings(Database(home.database))
    base, model = embeddings.model_number("m-1"), embeddings.model_number(VERSION)
    _write(database, ["bare", "other"], model=base)
    _write(database, ["shown"], model=base, pictures=(PICTURE,))
    catalog = Catalogs(database).find("Shop")
    said = _parts(3, 7)
    keys = _keys(database, catalog)
    embeddings.put(model, "item", {key: said[at].reshape(-1) for at, key in enumerate(keys.values())})
    index = _open(database, home).get(replace(catalog, version="v"), VERSION, MODELS)
    rows, has = index.rows(np.array(list(keys)))
    np.testing.assert_allclose(rows, said, atol=2e-3)
    assert has.all()
    query = _parts(1, 9)[0]
    found = index.search(query, 3)
    scores = dict(zip(found.ids.tolist(), found.scores.tolist(), strict=True))
    wanted = (said - said.mean(axis=0)).reshape(3, -1) @ query.reshape(-1)
    np.testing.assert_allclose([scores[number] for number in keys], wanted, atol=5e-3)


def test_a_picture_that_comes_later_is_read_by_the_version_as_well(home: Home) -> None:
    """Fused vectors went by the item's fields, so that the one without the picture served for ever."""
    database, embeddings = Database(home.database), Embeddings(Database(home.database))
    base, model = embeddings.model_number("m-1"), embeddings.model_number(VERSION)
    _write(database, ["late"], model=base)
    catalog = Catalogs(database).find("Shop")
    (key,) = _keys(database, catalog).values()
    embeddings.put(model, "item", {key: _parts(1, 7)[0].reshape(-1)})
    indexes = _open(database, home)
    first = indexes.get(replace(catalog, version="v"), VERSION, MODELS)
    assert not len(first.pending)
    _write(database, ["late"], model=base, pictures=(PICTURE,))
    keys = _keys(database, catalog)
    assert embeddings.missing(model, "item", list(keys.values())) == list(keys.values())
    index = indexes.get(replace(Catalogs(database).find("Shop"), version="v"), VERSION, MODELS, known=first)
    assert index.pending.tolist() == list(keys), "served as the untrained model has it until the version read it"


def test_the_same_backbone_again_leaves_the_version_that_serves(home: Home) -> None:
    """A rebuild goes through the same switch, and took every version off."""
    catalogs, versions = Catalogs(Database(home.database)), Versions(Database(home.database))
    catalog = catalogs.ensure("Shop", domain="goods", backbone="fake")
    versions.add("v", catalog.id, title="", backbone="fake", has_log=False, metrics={})
    assert versions.activate(catalog.id, "v")
    assert catalogs.switch_backbone(catalogs.find("Shop"), "fake")
    assert catalogs.find("Shop").version == "v"
    assert catalogs.switch_backbone(catalogs.find("Shop"), "another")
    assert catalogs.find("Shop").version == ""
