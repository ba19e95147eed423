"""A model speaks of items like those it learned from, and of nothing else."""

import numpy as np
import pytest
import torch

from core.model.inference import place_items, read_items
from core.model.inputs import to_batch
from core.train.config import TrainConfig
from core.train.data import build_data
from core.train.reach import fit_reach
from core.train.run import build_model, set_gates
from tests.core.train.conftest import make_tokens

COUNT = 400
CPU = torch.device("cpu")


@pytest.fixture
def known():
    tokens = make_tokens(items=COUNT)
    data = build_data(tokens, [f"title {item}" for item in range(COUNT)], [""] * COUNT)
    model = build_model(tokens, data, TrainConfig(width=16, layers=1))
    set_gates(model, torch.tensor([0.5, 0.5]))
    return model, data


def foreign(tokens):
    """The same items, turned away from where the known ones lie, and far out."""
    for one in tokens.modalities.values():
        one.joint[:] = -5 * one.joint
    return tokens


def test_validation_items_are_within_reach_and_foreign_ones_are_not(known) -> None:
    model, data = known
    everything = np.arange(COUNT)
    assert model.fusion.familiarity(to_batch(data.tokens, everything, CPU)).min() == 1
    fit_reach(model, data)
    validation = model.fusion.familiarity(to_batch(data.tokens, np.flatnonzero(data.validation_items), CPU))
    assert (validation == 1).float().mean() > 0.9
    other = foreign(make_tokens(items=COUNT))
    assert model.fusion.familiarity(to_batch(other, everything, CPU)).max() == 0


def test_foreign_items_keep_their_zero_shot_vectors_bit_by_bit(known) -> None:
    model, data = known
    fit_reach(model, data)
    other = foreign(make_tokens(items=COUNT))
    moved = read_items(model, other).vectors
    set_gates(model, torch.zeros(2))
    np.testing.assert_array_equal(read_items(model, other).vectors, moved)


def test_a_missing_modality_says_nothing_about_familiarity(known) -> None:
    model, data = known
    fit_reach(model, data)
    other = foreign(make_tokens(items=COUNT))
    other.modalities["text"].joint[:] = data.tokens.modalities["text"].joint
    batch = to_batch(other, np.flatnonzero(~data.validation_items), CPU)
    assert model.fusion.familiarity(batch).max() == 0
    assert (model.fusion.familiarity(batch.only(1)) == 1).float().mean() > 0.9


def test_a_handful_of_items_gives_no_reach() -> None:
    tokens = make_tokens(items=40)
    data = build_data(tokens, [f"title {item}" for item in range(40)], [""] * 40)
    model = build_model(tokens, data, TrainConfig(width=16, layers=1))
    fit_reach(model, data)
    assert torch.isinf(model.fusion.reach).all()


def test_items_are_placed_anew_as_if_they_were_read_anew(known) -> None:
    model, data = known
    items = read_items(model, data.tokens)
    fit_reach(model, data)
    set_gates(model, torch.tensor([0.2, -0.3]))
    again = read_items(model, data.tokens)
    placed = place_items(model, data.tokens, items)
    np.testing.assert_allclose(placed.vectors, again.vectors, atol=1e-6)
    assert np.abs(again.vectors - items.vectors).max() > 0.1


def test_zero_shot_parts_are_what_the_untrained_model_says(known) -> None:
    model, data = known
    data.tokens.modalities["picture"].mask[:7] = False
    set_gates(model, torch.zeros(2))
    np.testing.assert_allclose(data.zero_shot, read_items(model, data.tokens).vectors, atol=1e-6)
