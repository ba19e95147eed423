"""The fusion transformer."""

import torch

from core.model.attention import Block
from core.model.config import ModalityShape, ModelConfig
from core.model.fusion import FusionTransformer, ItemBatch
from core.model.network import FusionModel
from tests.core.model.conftest import random_items


def test_untrained_model_ranks_exactly_as_the_towers(model: FusionModel) -> None:
    items = random_items(20)
    vectors = model.fusion(items).vectors
    assert torch.equal(vectors, model.fusion.zero_shot(items))
    query = torch.randn(2, 6)
    wanted = (items.joint * query).sum((1, 2)) + ((~items.present).float() * (model.fusion.means * query).sum(-1)).sum(
        1
    )
    found = (vectors * query).sum((1, 2))
    assert torch.equal(found.argsort(), wanted.argsort()) and torch.allclose(found, wanted, atol=1e-6)


def test_a_gate_moves_vectors_and_is_reached_by_the_gradient(model: FusionModel) -> None:
    model.train()
    loss = (model.fusion(random_items(8)).vectors * torch.randn(8, 2, 6)).sum()
    loss.backward()
    assert model.fusion.gate.grad is not None and (model.fusion.gate.grad != 0).all()


def test_parts_are_unit_or_as_long_as_the_mean(opened: FusionModel) -> None:
    items = random_items(6)
    lengths = opened.fusion(items).vectors.norm(dim=-1)
    wanted = torch.where(items.present, torch.ones(6, 2), opened.fusion.means.norm(dim=-1))
    assert torch.allclose(lengths, wanted, atol=1e-5)


def test_what_is_missing_does_not_matter(opened: FusionModel) -> None:
    """Whatever numbers stand in the place of a missing modality, or in padding, the vector is the same."""
    items = random_items(6)
    noisy = ItemBatch(
        tokens={
            name: torch.where(items.masks[name].unsqueeze(-1), one, torch.randn_like(one))
            for name, one in items.tokens.items()
        },
        masks=items.masks,
        joint=torch.where(items.present.unsqueeze(-1), items.joint, torch.randn_like(items.joint)),
        present=items.present,
    )
    assert torch.allclose(opened.fusion(items).vectors, opened.fusion(noisy).vectors, atol=1e-5)


def test_every_modality_and_segment_matters(opened: FusionModel) -> None:
    items = random_items(6)
    base = opened.fusion(items).vectors
    for name in ("picture", "text"):
        changed = dict(items.tokens) | {name: items.tokens[name].flip(0)}
        moved = opened.fusion(ItemBatch(tokens=changed, masks=items.masks, joint=items.joint, present=items.present))
        assert not torch.allclose(base[0], moved.vectors[0])
    for modality in (0, 1):
        assert not torch.allclose(opened.fusion(items.only(modality)).vectors[0], base[0])


def test_rows_do_not_look_at_each_other(opened: FusionModel) -> None:
    items = random_items(6)
    alone = ItemBatch(
        tokens={name: one[3:4] for name, one in items.tokens.items()},
        masks={name: one[3:4] for name, one in items.masks.items()},
        joint=items.joint[3:4],
        present=items.present[3:4],
    )
    assert torch.allclose(opened.fusion(alone).vectors[0], opened.fusion(items).vectors[3], atol=1e-5)


def test_modality_dropout_never_hides_everything(opened: FusionModel) -> None:
    from core.model.fusion import _draw_hidden

    present = torch.tensor([[True, True], [True, False], [False, True]]).repeat(500, 1)
    hidden = _draw_hidden(present, 0.5)
    assert ((present & ~hidden).sum(1) >= 1).all() and hidden.any()
    assert not (hidden & ~present).any()


def test_a_third_modality_needs_no_change(opened: FusionModel) -> None:
    sound = ModalityShape(name="sound", width=3, segments=(0, 1))
    config = ModelConfig(dimension=6, modalities=(*opened.config.modalities, sound), width=16, heads=2, user_width=16)
    items = random_items(4)
    batch = ItemBatch(
        tokens={**items.tokens, "sound": torch.randn(4, 2, 3)},
        masks={**items.masks, "sound": torch.ones(4, 2, dtype=torch.bool)},
        joint=torch.cat([items.joint, torch.randn(4, 1, 6)], 1),
        present=torch.cat([items.present, torch.ones(4, 1, dtype=torch.bool)], 1),
    )
    assert FusionTransformer(config)(batch).vectors.shape == (4, 3, 6)


def test_the_last_block_lets_cls_alone_ask_and_says_the_same() -> None:
    torch.manual_seed(3)
    block = Block(16, 4, 0.0).eval()
    x = torch.randn(5, 7, 16)
    allowed = torch.rand(5, 1, 1, 7) < 0.7
    allowed[..., 0] = True
    assert torch.allclose(block(x, allowed, asking=1), block(x, allowed)[:, :1], atol=1e-6)
