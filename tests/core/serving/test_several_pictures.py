"""An item of several pictures is read the same way by the index, by training and by explanations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.encode.loading import load_encoder
from core.home import open_home
from core.progress import silent
from core.suggest.need import Need
from core.tokens.item_tokens import read_pixels
from core.work.import_catalog import run_import
from core.work.material import load_material
from core.workspace import Workspace
from tests.core.work.test_import_catalog import write_spec


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Workspace:
    folder = tmp_path_factory.mktemp("several")
    lines = ["id,title,image,image 2,image 3\n"]
    for n in range(8):
        names = [f"{n}-{at}.png" for at in range(n % 4)]
        for name in names:
            Image.effect_noise((32, 32), 120).convert("RGB").save(folder / name)
        lines.append(f"i{n},thing {n},{','.join([*names, '', '', ''][:3])}\n")
    (folder / "shop.csv").write_text("".join(lines))
    home = open_home(folder / "home")
    workspace = Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models, runtime="torch"))
    run_import(workspace, replace(write_spec(folder / "shop.csv", folder=folder), backbone=str(tiny_folder)))
    return workspace


def test_the_index_serves_what_training_reads(shop: Workspace) -> None:
    """The cosine of both was 0.67 for an item of two pictures: training read the first one alone."""
    catalog = shop.catalogs.find("Shop")
    material = load_material(shop, "Shop", silent)
    counts = [len(one.usable_pictures) for one in material.stored]
    assert counts == [0, 1, 2, 3] * 2
    rows, has = shop.serving.of(catalog).index.rows(np.array(material.numbers))
    read = material.tokens.join()
    assert (has[:, 0] == material.tokens.modalities["picture"].present).all()
    assert np.abs(np.where(has[:, :, None], rows - read, 0)).max() < 3e-3
    assert np.allclose(np.linalg.norm(read[has], axis=1), 1, atol=1e-3)


def test_a_map_is_of_the_score_that_is_served(shop: Workspace) -> None:
    from core.explain.pictures.look import Looker

    catalog = shop.catalogs.find("Shop")
    served = shop.serving.of(catalog)
    need = Need(text="thing", match="picture")
    query = shop.suggester.find_candidates(served, need).query
    looker = Looker(shop.models.towers(catalog), shop.pictures.path)
    for item_id in ("i1", "i3"):
        stored = shop.items.find(catalog.id, item_id)
        assert stored is not None
        pixels = read_pixels(looker._towers, shop.pictures.path(stored.usable_pictures[0]))
        whole = looker._explainer.score_of_masks(pixels, looker._score(stored, query.vector))(np.ones((1, 3, 3)))
        row, _ = served.index.rows(np.array([stored.id]))
        assert float(whole[0]) == pytest.approx(float((row[0, 0] * query.vector[0]).sum()), rel=0.02)
