"""Hard worlds: any share of the items may lack their picture or their text, for every task and every tuning."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.catalog.schema import Item
from core.device import choose_device
from core.encode.registry import find_backbone
from core.encode.towers import Towers, load_towers
from core.errors import TrainError
from core.model import losses
from core.model.losses import contrastive_sigmoid, contrastive_softmax
from core.model.tasks import TASKS
from core.parts import extract_tokens
from core.store.items import PictureLink, StoredItem
from core.tokens.item_tokens import ItemTokens, ModalityTokens
from core.train.config import LOG_TASKS as LOG_WEIGHTS
from core.train.config import NEED_LOG, TUNINGS, TrainConfig
from core.train.data import TrainData, build_data
from core.train.loop import Trainer
from core.train.run import build_model, build_trainer, train
from core.train.source import RawItems
from tests.core.train.conftest import TINY, make_log, make_tokens

pytestmark = pytest.mark.slow

CPU = choose_device("cpu")
FEW = 20
SHARES = (0.0, 0.03, 0.5, 1.0)
WORLDS = [(picture, text) for picture in SHARES for text in SHARES]


def hide(tokens: ItemTokens, picture: float, text: float) -> ItemTokens:
    """The same items; only these shares of them have a picture and a text, drawn apart."""
    parts = {}
    for seed, (name, share) in enumerate({"picture": picture, "text": text}.items()):
        one = tokens.modalities[name]
        count = len(one.joint)
        there = np.random.default_rng(seed).permutation(count) < round(share * count)
        parts[name] = ModalityTokens(
            tokens=one.tokens * there[:, None, None], mask=one.mask & there[:, None], joint=one.joint * there[:, None]
        )
    return ItemTokens(modalities=parts)


def make_data(tokens: ItemTokens, *, log: bool) -> TrainData:
    count = len(tokens)
    kinds = ["even" if item % 2 == 0 else "odd" for item in range(count)]
    titles = [f"title {item}" for item in range(count)]
    return build_data(tokens, titles, kinds, log=make_log(items=count, events=min(14, count // 2)) if log else None)


def assert_learns(trainer: Trainer, steps: int = 3) -> None:
    vectors = trainer.refresh()
    for number in range(steps):
        for name, loss in trainer.step(number, vectors).items():
            assert torch.isfinite(loss), name
    for name, one in [*trainer.model.named_parameters(), *trainer.learned.items()]:
        assert torch.isfinite(one).all(), name


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("picture", "text"), WORLDS)
def test_every_task_bears_any_share(picture: float, text: float, log: bool, tmp_path: Path) -> None:
    data = make_data(hide(make_tokens(), picture, text), log=log)
    names = sorted(set(TASKS) if log else set(TASKS) - set(NEED_LOG))
    model = build_model(data.tokens, data, TINY)
    for name in names:
        config = replace(TINY, tasks={name: 1.0})
        assert_learns(Trainer(model, data, config, CPU, tmp_path), steps=1)


@pytest.mark.parametrize(("picture", "text"), [(0.0, 1.0), (0.03, 1.0), (0.1, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_a_log_trains_a_version_of_any_catalogue(picture: float, text: float, tmp_path: Path) -> None:
    data = make_data(hide(make_tokens(), picture, text), log=True)
    trained = train(data, replace(TINY, epochs=1), CPU, tmp_path, everything=data.log)
    assert trained.heads is not None and np.isfinite(list(trained.validation.values())).all()
    assert np.isfinite(trained.items.vectors).all()
    histories = make_log(people=5, seed=9).histories(np.arange(5))
    assert np.isfinite(trained.heads.score(trained.model, trained.items.vectors, histories).total).all()


def test_learned_weights_bear_it_as_well(tmp_path: Path) -> None:
    data = make_data(hide(make_tokens(), 0.0, 1.0), log=True)
    train(data, replace(TINY, epochs=1, learned_weights=True), CPU, tmp_path, everything=data.log)


@pytest.mark.parametrize(("picture", "text"), [(0.0, 1.0), (0.03, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_without_a_log_there_must_be_pairs(picture: float, text: float, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="both a picture and a text"):
        train(make_data(hide(make_tokens(), picture, text), log=False), TINY, CPU, tmp_path)


def test_tasks_without_anything_to_learn_are_dropped_or_said() -> None:
    config = TrainConfig()
    found = config.with_tasks(has_log=True, has_categories=False, has_pairs=False)
    assert set(found.tasks) == set(LOG_WEIGHTS) - {"contrastive"}
    assert "contrastive" in config.with_tasks(has_log=True, has_categories=False, has_pairs=True).tasks
    with pytest.raises(TrainError, match="contrastive, masked"):
        replace(config, tasks={"contrastive": 1.0, "masked": 1.0}).with_tasks(
            has_log=True, has_categories=True, has_pairs=False
        )


@pytest.mark.parametrize("same_text", [True, False])
@pytest.mark.parametrize("same_picture", [True, False])
def test_equal_items(same_text: bool, same_picture: bool, tmp_path: Path) -> None:
    tokens = make_tokens(items=120)
    parts = {
        name: ModalityTokens(
            tokens=np.repeat(one.tokens[:1], 120, 0), mask=np.repeat(one.mask[:1], 120, 0),
            joint=np.repeat(one.joint[:1], 120, 0),
        ) if same else one
        for (name, one), same in zip(tokens.modalities.items(), (same_picture, same_text), strict=True)
    }  # fmt: skip
    for log in (False, True):
        data = make_data(ItemTokens(modalities=parts), log=log)
        trained = train(data, replace(TINY, epochs=1), CPU, tmp_path / str(log), everything=data.log)
        assert np.isfinite(trained.items.vectors).all()


@pytest.mark.parametrize("items", [1, 2, 3])
def test_a_handful_of_items(items: int, tmp_path: Path) -> None:
    tokens = make_tokens(items=items)
    titles = [f"title {item}" for item in range(items)]
    log = make_log(people=60, events=1)
    log = replace(log, items=log.items % items, item_ids=log.item_ids[:items])
    for one in (None, log):
        data = build_data(tokens, titles, ["kind"] * items, log=one)
        with pytest.raises(TrainError, match=r"Too few|too few"):
            train(data, replace(TINY, epochs=1), CPU, tmp_path, everything=one)


@pytest.fixture(scope="module")
def shop(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Item], Path]:
    folder = tmp_path_factory.mktemp("shop")
    for number in range(4):
        Image.new("RGB", (32, 32), (60 * number, 200 - 60 * number, 90)).save(folder / f"{number}.png")
    return [Item(item_id=f"i{n}", title=f"thing {n}", category=("kind",)) for n in range(FEW)], folder


@pytest.mark.parametrize("tuning", TUNINGS)
@pytest.mark.parametrize(("picture", "text"), [(0.0, 1.0), (0.1, 0.9), (1.0, 0.0)])
def test_every_tuning_bears_any_share(
    tuning: str, picture: float, text: float, shop: tuple[list[Item], Path], tiny_folder: Path, tmp_path: Path
) -> None:
    words = [item if n < text * FEW else Item(item_id=item.item_id) for n, item in enumerate(shop[0])]
    shown = [(PictureLink(source="x", picture=f"{n % 4}.png"),) if n < picture * FEW else () for n in range(FEW)]
    pairs = enumerate(zip(words, shown, strict=True))
    items = [StoredItem(id=n, catalog_id=1, item=item, pictures=links) for n, (item, links) in pairs]

    def find(name: str) -> Path:
        return shop[1] / name

    def load() -> Towers:
        return load_towers(find_backbone(str(tiny_folder)), tmp_path)

    tokens = extract_tokens(load(), items, find, lambda *_: None)
    data = make_data(tokens, log=True)
    config = replace(
        TINY, tuning=tuning, rank=2, tower_layers=1, tasks={"rank": 1.0, "contrastive": 1.0, "masked": 1.0}
    )
    raw = RawItems(load_towers=load, items=items, find_picture=find)
    trainer = build_trainer(build_model(tokens, data, config), data, config, CPU, tmp_path / "run", raw=raw)
    assert_learns(trainer, steps=1)


def test_no_pairs_are_no_loss() -> None:
    nothing = torch.zeros(0, 4, requires_grad=True)
    same = torch.zeros(0, 0, dtype=torch.bool)
    for loss in (
        contrastive_softmax(nothing, nothing, 10.0, same),
        contrastive_sigmoid(nothing, nothing, 10.0, -10.0, same),
    ):
        assert loss.item() == 0
        loss.backward()


@pytest.mark.parametrize("least", [{"alone": 0}, {"bank": 0}, {"alone": 0, "bank": 0, "items": 1, "people": 1}, {}])
def test_every_task_bears_the_least_of_everything(least: dict[str, int], tmp_path: Path) -> None:
    least = least or {"alone": 0, "bank": 0, "items": 1, "people": 1, "targets": 1, "history": 1}
    data = make_data(hide(make_tokens(), 0.5, 0.5), log=True)
    config = replace(TINY, **least)
    for name in TASKS:
        trainer = Trainer(
            build_model(data.tokens, data, config), data, replace(config, tasks={name: 1.0}), CPU, tmp_path
        )
        assert_learns(trainer, steps=2)


@pytest.mark.parametrize("liked", [True, False])
def test_people_of_whom_hardly_one_did_two_things(liked: bool, tmp_path: Path) -> None:
    """Those who did are needed to check with, so that nobody is left to learn from."""
    tokens, whole = make_tokens(), make_log(people=40)
    for seed in range(4):
        busy = np.isin(whole.users, np.random.default_rng(seed).permutation(40)[:2])
        log = whole.take(busy | np.r_[True, np.diff(whole.users) != 0])
        log = replace(log, liked=log.liked & (busy[busy | np.r_[True, np.diff(whole.users) != 0]] | liked))
        data = build_data(tokens, [f"title {item}" for item in range(80)], ["kind"] * 80, log=log)
        try:
            train(data, replace(TINY, epochs=1), CPU, tmp_path / str(seed), everything=log)
        except TrainError as exc:
            assert "Too few people" in str(exc)


ROWS = (0, 1)


@pytest.mark.parametrize("rows", ROWS)
def test_every_loss_bears_nothing_and_one_row(rows: int) -> None:
    """Also where nothing is known of that row."""
    vectors = torch.nn.functional.normalize(torch.ones(rows, 4), dim=-1).requires_grad_()
    values = torch.zeros(rows, requires_grad=True)
    none, zero = torch.zeros(rows, dtype=torch.bool), torch.zeros(rows, dtype=torch.long)
    candidates = vectors @ torch.ones(4, 3)
    found = {
        "contrastive": contrastive_softmax(vectors, vectors, 10.0),
        "contrastive-sigmoid": contrastive_sigmoid(vectors, vectors, 10.0, -10.0),
        "masked": losses.masked_modality(vectors, vectors, none),
        "category": losses.category_cross_entropy(vectors, zero - 1),
        "popularity": losses.rating_squared(values, values.detach(), none),
        "rank": losses.sampled_softmax(candidates, zero, torch.zeros(3)),
        "rank-bpr": losses.bayesian_ranking(values, values),
        "act": losses.will_act(values, values.detach(), none),
        "rating": losses.rating_squared(values, values.detach(), none),
    }
    assert set(found) == set(TASKS)
    for name, loss in found.items():
        assert torch.isfinite(loss), name
        (gradient,) = torch.autograd.grad(loss, vectors, allow_unused=True, retain_graph=True)
        assert gradient is None or torch.isfinite(gradient).all(), name
