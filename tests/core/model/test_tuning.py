"""Every way to tune towers, on a small CLIP of random weights: what is learned, that it moves, and the way back."""

import numpy as np
import pytest
import torch

from core.encode.registry import find_backbone
from core.encode.towers import Towers, load_towers
from core.errors import TrainError
from core.model.tuning.blocks import find_blocks
from core.model.tuning.methods import METHODS, TuningSpec
from core.model.tuning.tuned import TunedTowers

pytestmark = pytest.mark.slow

LAYERS, PICTURE, TEXT, RANK = 2, 64, 32, 4
SPEC = {"rank": RANK, "layers": 1, "steps": 30}
LOW_RANK = {
    # Attention: in (W -> 3 W) and out (W -> W); then the two matrices of the perceptron (W -> 4 W -> W).
    width: LAYERS * RANK * ((width + 3 * width) + (width + width) + (width + 4 * width) + (4 * width + width))
    for width in (PICTURE, TEXT)
}


@pytest.fixture
def load(tiny_folder, tmp_path):
    return lambda: load_towers(find_backbone(str(tiny_folder)), tmp_path)


def outputs(towers: Towers) -> tuple[torch.Tensor, torch.Tensor]:
    towers.model.eval()
    with torch.no_grad():
        pictures = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 3, 32, 32)).astype(np.float32))
        tokens = torch.from_numpy(np.asarray(towers.tokenizer(["red shoe", "a lamp", "cup"])))
        return towers.model.encode_image(pictures), towers.model.encode_text(tokens)


def learn(tuned: TunedTowers, steps: int = 3) -> None:
    """A few steps that pull pictures towards texts."""
    optimizer = torch.optim.Adam(tuned.parameters.values(), lr=1e-2)
    pictures = torch.from_numpy(np.random.default_rng(1).standard_normal((3, 3, 32, 32)).astype(np.float32))
    tokens = torch.from_numpy(np.asarray(tuned.towers.tokenizer(["red shoe", "a lamp", "cup"])))
    tuned.train()
    for step in range(steps):
        optimizer.zero_grad()
        model = tuned.towers.model
        loss = -(model.encode_image(pictures, normalize=True) * model.encode_text(tokens, normalize=True)).sum()
        penalty = tuned.penalty()
        (loss if penalty is None else loss + penalty).backward()
        optimizer.step()
        tuned.after_step(step)


@pytest.mark.parametrize("method", METHODS)
def test_both_towers_move_and_nothing_else_is_learned(load, method) -> None:
    tuned = TunedTowers(load(), TuningSpec(method=method, **SPEC))
    model = tuned.towers.model
    frozen = {name: one.clone() for name, one in model.named_parameters() if name not in tuned.parameters}
    before = outputs(tuned.towers)
    learn(tuned)
    for one, other in zip(before, outputs(tuned.towers), strict=True):
        assert (one - other).abs().max() > 1e-4
    for name, one in model.named_parameters():
        if name in frozen:
            assert torch.equal(one, frozen[name]), name


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"prefix"}))
def test_nothing_changes_before_training(load, method) -> None:
    plain = outputs(load())
    for one, other in zip(plain, outputs(TunedTowers(load(), TuningSpec(method=method, **SPEC)).towers), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_saved_and_loaded_into_fresh_towers(load, method) -> None:
    tuned = TunedTowers(load(), TuningSpec(method=method, **SPEC))
    learn(tuned)
    fresh = TunedTowers(load(), TuningSpec(method=method, seed=5, **SPEC))
    fresh.load(tuned.state())
    for one, other in zip(outputs(tuned.towers), outputs(fresh.towers), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_blend_leads_back_to_zero_shot(load, method) -> None:
    plain = outputs(load())
    tuned = TunedTowers(load(), TuningSpec(method=method, **SPEC))
    learn(tuned)
    far = outputs(tuned.towers)
    tuned.load(tuned.state())
    tuned.set_blend(0.0)
    for one, other in zip(plain, outputs(tuned.towers), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    tuned.set_blend(1.0)
    for one, other in zip(far, outputs(tuned.towers), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_blend_is_a_straight_line_between_weights(load) -> None:
    tuned = TunedTowers(load(), TuningSpec(method="full"))
    name = next(iter(tuned.parameters))
    start = tuned.parameters[name].detach().clone()
    tuned.load({key: value + 2.0 for key, value in tuned.state().items()})
    tuned.set_blend(0.25)
    torch.testing.assert_close(tuned.parameters[name].detach(), start + 0.5)


@pytest.mark.parametrize(
    ("method", "picture", "text"),
    [
        ("lora", LOW_RANK[PICTURE], LOW_RANK[TEXT]),
        # Norm (2 W), down (W R + R), up (R W + W).
        ("adapter", *(LAYERS * (2 * w + w * RANK + RANK + RANK * w + w) for w in (PICTURE, TEXT))),
        ("prefix", LAYERS * RANK * PICTURE, LAYERS * RANK * TEXT),
    ],
)
def test_counts_are_those_worked_by_hand(load, method, picture, text) -> None:
    assert TunedTowers(load(), TuningSpec(method=method, **SPEC)).counts() == {"picture": picture, "text": text}


def test_last_learns_the_last_block_and_what_follows(load) -> None:
    names = set(TunedTowers(load(), TuningSpec(method="last", **SPEC)).parameters)
    assert {name for name in names if "resblocks.0." in name} == set()
    assert any(name.startswith("visual.transformer.resblocks.1.") for name in names)
    assert {"visual.proj", "text_projection", "ln_final.weight"} <= names
    assert "logit_scale" not in names


def test_adalora_keeps_to_its_budget(load) -> None:
    tuned = TunedTowers(load(), TuningSpec(method="adalora", **SPEC))
    learn(tuned, steps=25)
    ranks = [int((one != 0).sum()) for name, one in tuned.parameters.items() if "lora_E" in name]
    # Started with 6 a matrix, and four matrices a tower can be changed.
    assert sum(ranks) <= RANK * len(ranks) < 6 * len(ranks)
    assert len(ranks) == 2 * LAYERS * 2


def test_a_prefix_leaves_the_length_of_what_a_block_gives(load) -> None:
    towers = load()
    shapes = [(place.name, place.width) for place in find_blocks(towers)]
    TunedTowers(towers, TuningSpec(method="prefix", **SPEC))
    assert [(place.name, place.width) for place in find_blocks(towers)] == shapes


def test_what_does_not_fit_is_refused_before_anything_is_touched(load, monkeypatch) -> None:
    towers = load()
    monkeypatch.setattr("core.model.tuning.blocks._PLACES", ())
    before = {name: one.requires_grad for name, one in towers.model.named_parameters()}
    for method in sorted(set(METHODS) - {"full"}):
        with pytest.raises(TrainError, match="finds nothing"):
            TunedTowers(towers, TuningSpec(method=method))
    assert {name: one.requires_grad for name, one in towers.model.named_parameters()} == before
    with pytest.raises(TrainError, match="no tuning called"):
        TunedTowers(towers, TuningSpec(method="magic"))


def test_states_of_another_model_are_refused(load) -> None:
    tuned = TunedTowers(load(), TuningSpec(method="lora", **SPEC))
    with pytest.raises(TrainError, match="Train again"):
        tuned.load({"other": torch.zeros(1)})


def test_every_tuning_of_a_configuration_is_a_method() -> None:
    from core.train.config import TUNINGS

    assert set(TUNINGS) == {"frozen", *METHODS}
