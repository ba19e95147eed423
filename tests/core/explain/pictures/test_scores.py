"""Scores of one picture beside the item's other modalities."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from core.explain.pictures.scores import FusedScore, plain_score
from core.model.config import ModalityShape, ModelConfig
from core.model.fusion import ItemBatch
from core.model.network import FusionModel

CONFIG = ModelConfig(
    dimension=6,
    modalities=(
        ModalityShape(name="picture", width=5, segments=(0, 0, 0)),
        ModalityShape(name="text", width=7, segments=(0, 0, 1, 2)),
    ),
    width=16,
    layers=2,
    heads=2,
    user_width=16,
    history=6,
    categories=(),
)


def build_network(gate: float) -> FusionModel:
    torch.manual_seed(0)
    network = FusionModel(CONFIG)
    with torch.no_grad():
        network.fusion.gate.fill_(gate)
    return network


def fused_score(network: FusionModel, item: ItemBatch, target: torch.Tensor, picture: str = "picture") -> FusedScore:
    return FusedScore(network=network, item=item, target=target, picture=picture)


def build_item(*, picture: bool = True) -> ItemBatch:
    torch.manual_seed(1)
    joint = normalize(torch.randn(1, 2, 6), dim=-1)
    present = torch.tensor([[picture, True]])
    return ItemBatch(
        tokens={"picture": torch.randn(1, 3, 5), "text": torch.randn(1, 4, 7).half()},
        masks={"picture": torch.full((1, 3), picture), "text": torch.tensor([[True, True, True, False]])},
        joint=joint * present.unsqueeze(-1),
        present=present,
    )


@pytest.fixture
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(2)
    return normalize(torch.randn(3, 6), dim=-1), torch.randn(3, 3, 5)


def test_plain_score_by_hand() -> None:
    joint = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    assert plain_score(torch.tensor([0.5, 1.0]))(joint, torch.zeros(2, 1, 1)).tolist() == pytest.approx([0.5, 1.1])


def test_at_gate_zero_the_fused_score_is_the_plain_one_beside_the_text(pictures) -> None:
    item, target = build_item(), torch.randn(2, 6)
    fused = fused_score(build_network(0.0), item, target)(*pictures)
    text = float(item.joint[0, 1] @ target[1])
    np.testing.assert_allclose(fused.detach(), plain_score(target[0])(*pictures) + text, atol=1e-6)


@pytest.mark.parametrize("picture", [True, False])
def test_each_picture_is_fused_as_an_item_of_its_own(pictures, picture) -> None:
    network, item, target = build_network(0.5), build_item(picture=picture), torch.randn(2, 6)
    fused = fused_score(network, item, target)(*pictures)
    for row in range(3):
        joint = torch.stack([pictures[0][row], item.joint[0, 1]])[None]
        alone = ItemBatch(
            tokens={**item.tokens, "picture": pictures[1][row : row + 1]},
            masks={**item.masks, "picture": torch.ones(1, 3, dtype=torch.bool)},
            joint=joint,
            present=torch.tensor([[True, True]]),
        )
        expected = (network.fusion(alone).vectors[0] * target).sum()
        assert fused[row].item() == pytest.approx(expected.item(), abs=1e-5)


def test_gradients_reach_the_embedding_and_the_cells(pictures) -> None:
    joint, cells = (one.requires_grad_() for one in pictures)
    fused_score(build_network(0.5), build_item(), torch.randn(2, 6))(joint, cells).sum().backward()
    assert joint.grad.abs().sum() > 0 and cells.grad.abs().sum() > 0


def test_dropout_is_off(pictures) -> None:
    network = build_network(0.5).train()
    score = fused_score(network, build_item(), torch.randn(2, 6))
    torch.testing.assert_close(score(*pictures), score(*pictures), rtol=0, atol=0)


def test_misuse_is_refused(pictures) -> None:
    item = build_item()
    with pytest.raises(ValueError, match="'sound'"):
        fused_score(build_network(0.0), item, torch.randn(2, 6), picture="sound")
    two = ItemBatch(
        tokens={name: one.repeat(2, 1, 1) for name, one in item.tokens.items()},
        masks={name: one.repeat(2, 1) for name, one in item.masks.items()},
        joint=item.joint.repeat(2, 1, 1),
        present=item.present.repeat(2, 1),
    )
    with pytest.raises(ValueError, match="one item"):
        fused_score(build_network(0.0), two, torch.randn(2, 6))
