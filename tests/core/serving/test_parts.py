"""A part that exists in this test alone goes all the way: one entry in `PARTS`, and not a line elsewhere."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.encode.loading import load_encoder
from core.errors import TrainError
from core.explain.explanation import player_names
from core.home import Home, open_home
from core.parts import PARTS, Part
from core.progress import silent
from core.store.items import StoredItem
from core.suggest.need import Need
from core.tokens.item_tokens import ModalityTokens
from core.work.activate import ActivateSpec, activate_version
from core.work.import_catalog import run_import
from core.work.material import load_material
from core.work.train_catalog import TrainSpec, run_train
from core.workspace import Workspace
from tests.core.work.test_import_catalog import write_spec

#: Five smells, each a direction; a column of the file says how strong each is.
SMELLS = ("rose", "smoke", "lemon", "leather", "salt")
COUNT = 60


class Nose:
    """Asks for smells by their names."""

    dimension = len(SMELLS)
    model_version = "nose-1"

    def encode_texts(self, texts: Any) -> np.ndarray:
        return np.stack([_unit([float(smell in text) for smell in SMELLS]) for text in texts])

    def encode_images(self, images: Any) -> np.ndarray:
        raise AssertionError("nobody asks for a smell by a picture")


def _unit(values: list[float]) -> np.ndarray:
    row = np.array(values, np.float32)
    return row / max(float(np.linalg.norm(row)), 1e-6)


def read_smell(stored: StoredItem) -> dict[str, str]:
    found = stored.item.attributes.get("smell", ("",))[0]
    return {found: found} if found else {}


def _vectors(values: list[str]) -> list[np.ndarray]:
    return [_unit([float(one) for one in value.split()]) for value in values]


def extract_smells(_runtime: Any, items: list[StoredItem], _find: Any, _progress: Any) -> ModalityTokens:
    tokens, joint = np.zeros((len(items), 2, 3), np.float16), np.zeros((len(items), 5), np.float32)
    mask = np.zeros((len(items), 2), bool)
    for row, one in enumerate(items):
        for vector in _vectors(list(read_smell(one))):
            tokens[row], mask[row], joint[row] = vector[:3], True, vector
    return ModalityTokens(tokens=tokens, mask=mask, joint=joint)


@pytest.fixture(scope="module")
def smell() -> Iterator[None]:
    PARTS["smell"] = Part(
        label="Smell",
        read=read_smell,
        encode=lambda _encoder, values, _find: _vectors(list(values)),
        open=lambda _encoder: Nose(),
        asked_by=("text",),
        prior={"text": 0.5, "picture": 0.1},
        segments=(0, 1),
        extract=extract_smells,
    )
    yield
    del PARTS["smell"]


@pytest.fixture(scope="module")
def shop(smell: None, tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Workspace:
    """Bottles whose smell neither words nor pictures tell; one in six has none."""
    folder = tmp_path_factory.mktemp("smells")
    lines = ["id,title,description,smell,image\n"]
    for n in range(COUNT):
        values = " ".join(str(float(at == n % 5) + 0.01 * n / COUNT) for at in range(5)) if n % 6 else ""
        lines.append(f"b{n},bottle {n},glass bottle with a cork {n},{values},{n}.png\n")
        Image.effect_noise((32, 32), 90).convert("RGB").save(folder / f"{n}.png")
    (folder / "shop.csv").write_text("".join(lines))
    home = open_home(folder / "home")
    workspace = Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models, runtime="torch"))
    spec = write_spec(folder / "shop.csv", folder=folder, catalog="Smells")
    mapping = replace(spec.mapping, targets={**spec.mapping.targets, "smell": "attribute:smell"})
    run_import(workspace, replace(spec, backbone=str(tiny_folder), mapping=mapping))
    return workspace


def _reopen(shop: Workspace) -> Workspace:
    home: Home = shop.home
    return Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models, runtime="torch"))


def test_its_values_are_imported_and_indexed(shop: Workspace) -> None:
    served = shop.serving.of(shop.catalogs.find("Smells"))
    (rows, has), at = served.index.rows(served.index.ids), list(PARTS).index("smell")
    assert served.index.dimensions["smell"] == 5 and has[:, at].sum() == COUNT - COUNT // 6
    assert np.allclose(rows[has[:, at]][:, at, 5:], 0)
    assert set(served.calibration.weights["text"]) == set(PARTS)
    assert _reopen(shop).serving.of(served.catalog).calibration == served.calibration


@pytest.mark.parametrize("match", ["both", "smell"])
def test_needs_find_it(shop: Workspace, match: str) -> None:
    page = shop.suggester.suggest(Need(text="lemon", match=match), limit=8).page
    assert all(int(one.stored.item.item_id[1:]) % 5 == 2 for one in page)
    assert all(sum(one.parts.values()) == pytest.approx(one.score) for one in page)
    assert all(one.parts["smell"] > 1 for one in page)
    like = shop.suggester.suggest(Need(like=("Smells", "b7"), match=match), limit=5).page
    assert sum(int(one.stored.item.item_id[1:]) % 5 == 2 for one in like) >= (5 if match == "smell" else 1)


def test_it_is_a_player_of_explanations(shop: Workspace) -> None:
    catalog = shop.catalogs.find("Smells")
    found = shop.explainer.explain(catalog, Need(text="lemon"), "b7")
    assert found.modalities["smell"] > 1 and found.completeness < 1e-3
    assert next(part for part in found.counterfactuals if part.removed == "smell").label == "its smell"
    without = shop.explainer.explain(catalog, Need(text="lemon"), "b12")
    assert "smell" not in without.modalities and without.completeness < 1e-3
    assert player_names()["smell"] == "Smell"


def test_training_fusion_and_knock_outs_take_it_up(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.evaluate.knock_out import swap_modality
    from core.model.inference import read_items

    catalog = shop.catalogs.find("Smells")
    material = load_material(shop, "Smells", silent)
    assert material.tokens.modalities["smell"].present.sum() == COUNT - COUNT // 6
    assert load_material(shop, "Smells", silent).tokens.modalities["smell"].joint.shape == (COUNT, 5)
    small = {"epochs": 2, "width": 16, "layers": 1, "items": 12, "alone": 12, "tasks": {"masked": 1.0}}
    done = run_train(shop, TrainSpec(catalog="Smells", config=small, device="cpu"), "f" * 32, silent)
    activate_version(shop, ActivateSpec(version=done.version), silent)
    served = shop.serving.of(shop.catalogs.find("Smells"))
    (rows, has), at = served.index.rows(served.index.ids), list(PARTS).index("smell")
    assert has.all() and not rows[:, at, 5:].any(), "a part is as long as its own space"
    bundle = shop.models.bundle(done.version)
    read = read_items(bundle.network, material.tokens).vectors
    assert np.abs(rows - read).max() < 2e-3, "measured is served"
    order = np.roll(np.arange(COUNT), 1)
    swapped = read_items(bundle.network, swap_modality(material.tokens, "smell", order)).vectors
    assert np.abs(swapped[:, at] - read[:, at]).max() > 0.1
    for item_id in ("b7", "b12"):
        found = shop.explainer.explain(served.catalog, Need(text="lemon"), item_id)
        assert found.completeness < 0.02 * max(abs(found.score), 1)
    monkeypatch.delitem(PARTS, "smell")
    with pytest.raises(TrainError, match=r"trained on picture, text, .*smell; items have .* Let the model without"):
        _reopen(shop).suggester.suggest(Need(text="lemon"))
    monkeypatch.undo()
    activate_version(shop, ActivateSpec(version="", catalog="Smells"), silent)
    assert shop.serving.of(catalog).index.dimensions["smell"] == 5
