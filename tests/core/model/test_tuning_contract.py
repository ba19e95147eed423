"""What every tuning holds on every kind of backbone, or refuses in a sentence before anything is touched."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.encode.registry import find_backbone
from core.encode.towers import Towers, load_towers
from core.errors import TrainError
from core.model.tuning.methods import METHODS, TuningSpec
from core.model.tuning.tuned import TunedTowers
from tests.core.encode.test_contract import KINDS

#: What these have no layers for in a convolutional picture tower: their text tower alone is tuned.
TEXT_ALONE = {("timm", "adalora"), ("timm", "prefix")}


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Towers]:
    """Fresh towers of a kind; each kind is written once."""
    root = tmp_path_factory.mktemp("tuned")
    folders: dict[str, Path] = {}

    def open_one(kind: str) -> Towers:
        if kind not in folders:
            folders[kind] = KINDS[kind](root / kind, 0)
        return load_towers(find_backbone(str(folders[kind])), root / "models")

    return open_one


def tuned_by(method: str, towers: Towers, seed: int = 0) -> TunedTowers:
    return TunedTowers(towers, TuningSpec(method=method, rank=2, layers=1, steps=30, seed=seed))


def encode(towers: Towers) -> dict[str, torch.Tensor]:
    """What each tower gives, in the mode that it is in."""
    side = towers.preparation.side
    pictures = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 3, side, side)).astype(np.float32))
    tokens = torch.from_numpy(np.asarray(towers.tokenizer(["red shoe", "a lamp", "cup"])))
    model = towers.model
    return {
        "picture": model.encode_image(pictures, normalize=True),
        "text": model.encode_text(tokens, normalize=True),
    }


def read(towers: Towers) -> dict[str, torch.Tensor]:
    towers.model.eval()
    with torch.no_grad():
        return encode(towers)


def learn(tuned: TunedTowers) -> None:
    """Two steps that pull pictures towards texts."""
    optimizer = torch.optim.Adam(tuned.parameters.values(), lr=1e-2)
    for step in range(2):
        torch.manual_seed(step)  # towers may drop out
        tuned.train()
        optimizer.zero_grad()
        found = encode(tuned.towers)
        loss, penalty = -(found["picture"] * found["text"]).sum(), tuned.penalty()
        (loss if penalty is None else loss + penalty).backward()
        optimizer.step()
        tuned.after_step(step)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_from_zero_shot_to_learned_and_back(load: Callable[[str], Towers], kind: str, method: str) -> None:
    towers = load(kind)
    plain = read(towers)
    tuned = tuned_by(method, towers)
    if method != "prefix":  # its tokens are there from the first step on
        for name, one in read(towers).items():
            torch.testing.assert_close(one, plain[name], rtol=1e-5, atol=1e-5)
    learn(tuned)
    learned, counts = read(towers), tuned.counts()
    alone = (kind, method) in TEXT_ALONE
    assert counts["text"] > 0 and (counts["picture"] == 0) == alone
    for name, one in learned.items():
        assert torch.isfinite(one).all()
        assert ((one - plain[name]).abs().max() > 1e-5) == (counts[name] > 0), name
    again = tuned_by(method, load(kind))
    learn(again)
    state = tuned.state()
    for name, one in again.state().items():
        torch.testing.assert_close(one, state[name], rtol=1e-5, atol=1e-6, msg=lambda text, n=name: f"{n}: {text}")
    fresh = tuned_by(method, load(kind), seed=5)
    fresh.load(state)
    for name, one in read(fresh.towers).items():
        torch.testing.assert_close(one, learned[name], rtol=1e-5, atol=1e-5)
    fresh.set_blend(0.0)
    for name, one in read(fresh.towers).items():
        torch.testing.assert_close(one, plain[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_what_one_tuning_learned_is_no_others(load: Callable[[str], Towers], kind: str) -> None:
    state = tuned_by("lora", load(kind)).state()
    with pytest.raises(TrainError, match="Train again"):
        tuned_by("adapter", load(kind)).load(state)
