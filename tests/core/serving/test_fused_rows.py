"""What a trained version says of an item is what answers: whole, of what was read, and for as long as it serves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.encode.loading import load_encoder
from core.home import Home, open_home
from core.parts import read_key
from core.progress import silent
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.embeddings import Embeddings
from core.store.items import Items
from core.store.versions import Versions
from core.suggest.need import Need
from core.work.activate import ActivateSpec, activate_version
from core.work.import_catalog import run_import
from core.work.train_catalog import TrainSpec, run_train
from core.workspace import Workspace
from tests.core.serving.test_vectors import MODELS, _open, _parts, _write
from tests.core.work.test_import_catalog import write_spec

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


@pytest.mark.slow
def test_an_untrained_version_scores_as_the_towers_do_where_half_have_no_picture(
    tmp_path: Path, tiny_folder: Path
) -> None:
    """What stood for the missing pictures was measured as if it were pictures."""
    from core.train.checkpoint import load_weights, save_weights
    from core.versions.bundle import WEIGHTS

    lines = [f"b{n},bottle {n},glass thing {n * 7},{f'{n}.png' if n % 2 else ''}\n" for n in range(80)]
    (tmp_path / "shop.csv").write_text("id,title,description,image\n" + "".join(lines))
    for n in range(1, 80, 2):
        Image.effect_noise((32, 32), 90).convert("RGB").save(tmp_path / f"{n}.png")
    home = open_home(tmp_path / "home")
    shop = Workspace(home, encoder_loader=lambda name: load_encoder(name, tmp_path, runtime="torch"))
    run_import(shop, replace(write_spec(tmp_path / "shop.csv", folder=tmp_path), backbone=str(tiny_folder)))
    (catalog,) = shop.catalogs.list()
    small = {"epochs": 1, "width": 16, "layers": 1, "items": 12, "alone": 12}
    done = run_train(shop, TrainSpec(catalog=catalog.name, config=small, device="cpu"), "f" * 32, silent)
    weights = shop.home.versions / done.version / WEIGHTS
    network, _ = load_weights(weights)
    network.fusion.gate.data.zero_()
    save_weights(network, weights)
    before = _scores(shop)
    activate_version(shop, ActivateSpec(version=done.version), silent)
    assert _scores(shop) == pytest.approx(before, abs=1e-3)


def _scores(shop: Workspace) -> dict[int, float]:
    return {one.stored.id: one.score for one in shop.suggester.suggest(Need(text="bottle glass"), limit=80).page}
