"""Towers that are tuned: what they give, what training changes in them, and that a version takes it along."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from core.catalog.schema import Item
from core.device import choose_device
from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.errors import TrainError
from core.model.inference import read_items
from core.model.tuning.methods import METHODS
from core.parts import extract_tokens
from core.store.items import PictureLink, StoredItem
from core.tokens.item_tokens import embed_texts
from core.train.config import TrainConfig
from core.train.data import build_data
from core.train.run import build_model, build_trainer, train
from core.train.source import LiveTokens, RawItems, build_source
from core.versions.bundle import load_bundle, load_tuned_towers, save_bundle

pytestmark = pytest.mark.slow

COUNT = 60
CPU = choose_device("cpu")
CONFIG = TrainConfig(
    tuning="lora", tower_rate=1e-2, rank=2, epochs=1, items=8, alone=8, width=16, layers=1, people=4, bank=16
)


@pytest.fixture(scope="module")
def raw(tiny_folder, tmp_path_factory) -> RawItems:
    """Sixty items in three colours; item 7 has no picture, item 8 a broken one, item 9 no description."""
    folder = tmp_path_factory.mktemp("items")
    rng = np.random.default_rng(0)
    items = []
    for number in range(COUNT):
        colour = ("red", "green", "blue")[number % 3]
        pixels = rng.integers(0, 60, (32, 32, 3), dtype=np.uint8)
        pixels[..., number % 3] += 180
        Image.fromarray(pixels).save(folder / f"{number}.png")
        about = (
            "" if number == 9 else f"a {colour} thing with many words and more of them than groups can hold {number}"
        )
        item = Item(item_id=str(number), title=f"{colour} thing {number}", description=about)
        shown = () if number == 7 else (PictureLink(source="x", picture=f"{number}.png"),)
        items.append(StoredItem(id=number, catalog_id=1, item=item, pictures=shown))
    (folder / "8.png").write_bytes(b"broken")
    backbone = find_backbone(str(tiny_folder))
    return RawItems(
        load_towers=lambda: load_towers(backbone, folder), items=items, find_picture=lambda name: folder / name
    )


@pytest.fixture(scope="module")
def tokens(raw):
    return extract_tokens(raw.load_towers(), raw.items, raw.find_picture, lambda *_: None, choice=CPU)


@pytest.fixture(scope="module")
def data(raw, tokens):
    return build_data(tokens, [one.item.title for one in raw.items], [""] * COUNT)


@pytest.fixture(scope="module")
def trained(raw, data, tmp_path_factory):
    return train(data, CONFIG, CPU, tmp_path_factory.mktemp("run"), raw=raw)


def test_live_towers_give_the_cached_tokens_before_training(raw, tokens) -> None:
    live = build_source(raw, CONFIG, tokens, CPU, steps=10)
    rows = np.array([3, 7, 8, 9, 3])
    batch = live.batch(rows)
    for place, (name, one) in enumerate(tokens.modalities.items()):
        np.testing.assert_array_equal(batch.masks[name].numpy(), one.mask[rows])
        np.testing.assert_allclose(batch.tokens[name].detach().numpy(), one.tokens[rows], atol=5e-3)
        np.testing.assert_allclose(batch.joint[:, place].detach().numpy(), one.joint[rows], atol=1e-4)
    assert batch.present[:, 0].tolist() == [True, False, False, True, True]


def test_rows_without_any_picture_are_read(raw, tokens) -> None:
    live = build_source(raw, CONFIG, tokens, CPU, steps=10)
    batch = live.batch(np.array([7, 8]))
    assert not batch.present[:, 0].any() and batch.present[:, 1].all()
    assert not batch.joint[:, 0].any()


def test_gradients_reach_both_towers(raw, tokens) -> None:
    live = build_source(raw, CONFIG, tokens, CPU, steps=10)
    live.batch(np.arange(4)).joint.sum().backward()
    moved = {name.split(".")[0] for name, one in live.tuned.parameters.items() if one.grad is not None}
    assert moved == {"visual", "transformer"}


def test_read_renews_these_rows_alone_and_leaves_the_cache(raw, tokens) -> None:
    live = build_source(raw, CONFIG, tokens, CPU, steps=10)
    with torch.no_grad():
        for one in live.tuned.parameters.values():
            one.add_(0.05)
    before = tokens.modalities["text"].joint.copy()
    found = live.read(np.array([1, 2])).modalities["text"].joint
    assert np.abs(found[[1, 2]] - before[[1, 2]]).max() > 1e-3
    np.testing.assert_array_equal(np.delete(found, [1, 2], 0), np.delete(before, [1, 2], 0))
    np.testing.assert_array_equal(tokens.modalities["text"].joint, before)


def test_training_moves_the_towers_and_says_so(trained, tokens) -> None:
    if trained.blend == 0:
        pytest.fail("the planted colours must be learned")
    assert any("lora_B" in name and one.abs().max() > 0 for name, one in trained.tuned.state().items())
    assert np.abs(trained.tokens.modalities["picture"].joint - tokens.modalities["picture"].joint).max() > 1e-3
    texts = embed_texts(trained.tuned.towers, ["red", "", "blue thing"], choice=CPU)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), [1, 0, 1], atol=1e-5)


def test_a_version_takes_its_towers_along(trained, raw, tmp_path) -> None:
    card = {
        "version": "v",
        "catalog": "c",
        "items": COUNT,
        "backbone": "tiny",
        "has_log": False,
        "tuned": True,
        "fingerprint": "f",
        "config": CONFIG.to_json(),
        "metrics": {
            "recommendation": "",
            "tested": 1,
            "split": "titles",
            "rows": [],
            "blend": 1,
            "steps": 1,
            "seconds": 1,
        },
    }
    save_bundle(trained, [one.item.item_id for one in raw.items], card, tmp_path / "v")
    towers = load_tuned_towers(tmp_path / "v", raw.load_towers())
    again = extract_tokens(towers, raw.items, raw.find_picture, lambda *_: None, choice=CPU)
    vectors = read_items(load_bundle(tmp_path / "v").network, again).vectors
    np.testing.assert_allclose(vectors, trained.items.vectors, atol=2e-2)


@pytest.mark.long
@pytest.mark.parametrize(
    ("tuning", "epochs", "stop"),
    [("lora", 2, 30), pytest.param("adalora", 4, 80, id="after AdaLoRA has chosen its ranks")],
)
def test_a_stopped_run_ends_with_the_same_towers(raw, data, tmp_path, tuning, epochs, stop) -> None:
    class StopError(Exception):
        pass

    from core.train.run import Watch

    def halt(step: int, _steps: int) -> None:
        if step == stop:
            raise StopError

    config = TrainConfig.from_json(CONFIG.to_json() | {"epochs": epochs, "patience": epochs, "tuning": tuning})
    whole = train(data, config, CPU, tmp_path / "whole", raw=raw)
    with pytest.raises(StopError):
        train(data, config, CPU, tmp_path / "cut", raw=raw, watch=Watch(on_step=halt))
    again = train(data, config, CPU, tmp_path / "cut", raw=raw)
    for name, one in whole.tuned.state().items():
        torch.testing.assert_close(again.tuned.state()[name], one, rtol=0, atol=0)
    np.testing.assert_array_equal(again.items.vectors, whole.items.vectors)


@pytest.mark.parametrize("tuning", ["adalora", "adapter", "prefix", "last", "full"])
def test_every_tuning_runs_through_the_loop(raw, data, tmp_path, tuning) -> None:
    config = TrainConfig.from_json(CONFIG.to_json() | {"tuning": tuning, "checkpointing": True})
    found = train(data, config, CPU, tmp_path, raw=raw)
    assert np.isfinite(found.items.vectors).all()
    assert np.isfinite(list(found.validation.values())).all()


def test_without_pictures_and_texts_tuning_is_refused(data, tmp_path) -> None:
    with pytest.raises(TrainError, match="frozen"):
        train(data, CONFIG, CPU, tmp_path)
    assert not isinstance(build_source(None, TrainConfig(), data.tokens, CPU, steps=1), LiveTokens)


def test_the_rate_of_the_towers_is_filled_in(raw, data, tmp_path) -> None:
    """What a version's card says would else be 0, for “the one that suits the tuning”."""
    config = dataclasses.replace(CONFIG, tower_rate=0.0)
    trainer = build_trainer(build_model(data.tokens, data, config), data, config, CPU, tmp_path, raw=raw)
    assert trainer.config == dataclasses.replace(CONFIG, tower_rate=METHODS["lora"].rate)
    assert {group["top"] for group in trainer.optimizer.param_groups} >= {METHODS["lora"].rate}
