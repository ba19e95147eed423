"""A tiny model and a few random items."""

import pytest
import torch

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
    categories=("a", "b"),
)


def random_items(count: int, seed: int = 0) -> ItemBatch:
    """Items with everything but the second one's picture and the third one's text."""
    generator = torch.Generator().manual_seed(seed)
    present = torch.ones(count, 2, dtype=torch.bool)
    present[1, 0] = present[2, 1] = False
    joint = torch.nn.functional.normalize(torch.randn(count, 2, 6, generator=generator), dim=-1)
    mask = torch.ones(count, 4, dtype=torch.bool)
    mask[0, 2:] = False
    return ItemBatch(
        tokens={
            "picture": torch.randn(count, 3, 5, generator=generator),
            "text": torch.randn(count, 4, 7, generator=generator),
        },
        masks={"picture": present[:, :1].expand(-1, 3), "text": mask & present[:, 1:]},
        joint=joint * present.unsqueeze(-1),
        present=present,
    )


@pytest.fixture
def model() -> FusionModel:
    torch.manual_seed(0)
    made = FusionModel(CONFIG)
    made.fusion.set_means(torch.randn(2, 6) * 0.2)
    return made.eval()


@pytest.fixture
def opened(model: FusionModel) -> FusionModel:
    """With gates that are no longer 0."""
    with torch.no_grad():
        model.fusion.gate.fill_(0.5)
        model.user.gate.fill_(0.5)
    return model
