"""Maps of items' pictures: the way that passes is taken, and what cannot be looked at is said."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.catalog.schema import Item
from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.errors import ExplainError
from core.explain.pictures.look import Looker
from core.explain.pictures.maps import PictureMap
from core.explain.pictures.overlay import overlay
from core.explain.pictures.picture import PictureExplainer
from core.store.items import PictureLink, StoredItem
from tests.core.explain.pictures.conftest import SIDE

RED_SQUARE = (slice(4, 12), slice(16, 24))  # rows and columns of a 28 x 28 picture
RED = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], np.float32)


@pytest.fixture
def stored(tmp_path: Path) -> StoredItem:
    """An item whose picture is grey with a red square."""
    pixels = np.full((SIDE, SIDE, 3), 60, np.uint8)
    pixels[RED_SQUARE] = (250, 60, 60)
    Image.fromarray(pixels).save(tmp_path / "square.png")
    Image.new("RGB", (SIDE, SIDE), (60, 60, 60)).save(tmp_path / "grey.png")
    item = Item(item_id="1", title="a square")
    return StoredItem(id=1, catalog_id=1, item=item, pictures=(PictureLink(source="x", picture="square.png"),))


def replace_picture(stored: StoredItem, name: str) -> StoredItem:
    return replace(stored, pictures=(PictureLink(source="x", picture=name),))


@pytest.fixture
def look(conv, tmp_path: Path) -> Looker:
    return Looker(conv, lambda name: tmp_path / name)


def strongest(grid: np.ndarray) -> tuple[float, float]:
    """Centre of the strongest cell, in pixels."""
    row, column = np.unravel_index(grid.argmax(), grid.shape)
    return (row + 0.5) * SIDE / len(grid), (column + 0.5) * SIDE / len(grid)


def test_the_map_lies_where_the_need_is_met(look: Looker, stored: StoredItem) -> None:
    found = look.look(stored, RED)
    row, column = strongest(found.map.grid)
    assert 4 <= row <= 12 and 16 <= column <= 24
    assert found.map.faithful and found.map.method == "mask gradient", "the fast way passed, so no other was tried"
    assert found.pixels.shape == (SIDE, SIDE, 3)
    grey = look.look(replace_picture(stored, "grey.png"), RED)
    whole = look.look(stored, RED, method="faithful").map.grid.sum()
    assert found.lost > 0.5 * whole > 0 and abs(grey.lost) < 1e-4, "most of the score is in the square"
    said = found.to_json()
    assert np.array(said["grid"]).shape == found.map.grid.shape and said["faithful"] is True


def test_where_the_fast_way_fails_the_other_is_taken(look: Looker, stored: StoredItem, monkeypatch) -> None:
    asked = []

    def explain(_self, _pixels, _score, *, method):
        asked.append(method)
        return PictureMap(
            grid=np.zeros((2, 2), np.float32),
            method=method,
            completeness=None,
            gain=0.0,
            faithful=method == "audit",
            seconds=0.0,
        )

    monkeypatch.setattr("core.explain.pictures.picture.PictureExplainer.explain", explain)
    assert look.look(stored, RED).map.method == "audit" and asked == ["fast", "audit"]


def test_an_attention_that_is_unknown_leaves_the_way_without_it(look: Looker, stored: StoredItem, monkeypatch) -> None:
    def refuse(_self, _pixels, _score):
        raise ExplainError("unknown")

    monkeypatch.setattr("core.explain.pictures.picture.PictureExplainer.fast", refuse)
    assert look.look(stored, RED).map.method == "regression on random masks"
    with pytest.raises(ExplainError, match="unknown"):
        look.look(stored, RED, method="fast")


def test_what_cannot_be_looked_at_is_said(look: Looker, stored: StoredItem) -> None:
    with pytest.raises(ExplainError, match="no picture"):
        look.look(replace(stored, pictures=()), RED)
    with pytest.raises(ExplainError, match="no picture"):
        look.look(replace(stored, pictures=(PictureLink(source="x", picture="gone.png"),)), RED)
    with pytest.raises(ExplainError, match="texts alone"):
        look.look(stored, np.zeros((2, 3), np.float32))
    with pytest.raises(ExplainError, match="Choose fast, faithful, audit"):
        look.look(stored, RED, method="magic")


def test_a_version_with_closed_gates_is_explained_as_the_towers_are(tiny_folder: Path, tmp_path: Path) -> None:
    from core.parts import extract_tokens
    from core.train.config import TrainConfig
    from core.train.data import build_data
    from core.train.run import build_model, set_gates

    towers = load_towers(find_backbone(str(tiny_folder)), tmp_path)
    Image.effect_noise((40, 40), 90).convert("RGB").save(tmp_path / "noise.png")
    item = Item(item_id="1", title="a lamp", description="bright")
    stored = StoredItem(id=1, catalog_id=1, item=item, pictures=(PictureLink(source="x", picture="noise.png"),))
    tokens = extract_tokens(towers, [stored] * 2, lambda name: tmp_path / name, lambda *_: None)
    network = build_model(tokens, build_data(tokens, ["a", "b"], ["", ""]), TrainConfig(width=16, layers=1))
    halves = np.random.default_rng(0).standard_normal((2, 32)).astype(np.float32)
    plain = Looker(towers, lambda name: tmp_path / name).look(stored, halves, method="faithful")
    fused = Looker(towers, lambda name: tmp_path / name, network=network)
    np.testing.assert_allclose(fused.look(stored, halves, method="faithful").map.grid, plain.map.grid, atol=1e-4)
    set_gates(network, torch.tensor([0.8, 0.8]))
    opened = fused.look(stored, halves, method="faithful").map.grid
    assert np.abs(opened - plain.map.grid).max() > 1e-3


def test_the_overlay_shows_what_raised_the_score_alone() -> None:
    grid = np.zeros((7, 7), np.float32)
    grid[2, 3], grid[5, 5] = 1.0, -1.0
    grey = np.full((70, 70, 3), 200, np.uint8)
    laid = np.asarray(Image.open(io.BytesIO(overlay(grey, grid, 1.0))))
    assert laid[25, 35, 0] > 200 and laid[25, 35, 1] > 200, "the strongest is yellow"
    thin = tuple(np.round(0.6 * 200 + 0.4 * np.array([68, 1, 84])).astype(int))
    assert tuple(laid[55, 55]) == tuple(laid[0, 0]) == thin, "what spoke against it is laid on as thinly as nothing"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(overlay(grey, grid, 0.0)))), grey)


def test_a_map_follows_the_tower_to_another_device(conv) -> None:
    """Reading items moves the shared tower to a card; "meta" stands for one here, since it needs none."""
    explainer = PictureExplainer(conv)
    kept = {name: one.clone() for name, one in conv.model.visual.state_dict().items()}
    assert explainer._device.type == "cpu" and explainer._batch == 4
    conv.model.visual.to("meta")
    try:
        assert explainer._device.type == "meta" and explainer._batch == 32
    finally:
        conv.model.visual.to_empty(device="cpu")
        conv.model.visual.load_state_dict(kept)
