"""Towers whose right map is known: small picture towers with chosen weights."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from core.encode.pictures import Preparation
from core.encode.towers import Towers

SIDE = 28


class ColourConv(nn.Module):
    """A convolutional tower: the embedding is the mean of each colour, the feature map the colours themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 1, bias=False)
        self.mix.weight.data = torch.eye(3).view(3, 3, 1, 1)

    def forward_intermediates(self, pixels, *, indices, output_fmt):
        found = self.mix(pixels)
        return {"image_features": found.mean((2, 3)) + torch.tensor([0.0, 0.0, 0.5]), "image_intermediates": [found]}


class ColourTransformer(nn.Module):
    """A transformer of one layer: the first token looks evenly at all 4 x 4 patches, whose values are their colours."""

    def __init__(self) -> None:
        super().__init__()
        self.grid_size, self.pool_type = (4, 4), "tok"
        attention = nn.MultiheadAttention(3, 1, batch_first=True)
        attention.in_proj_weight.data = torch.cat([torch.zeros(6, 3), torch.eye(3)])
        attention.out_proj.weight.data = torch.eye(3)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList([nn.ModuleDict({"attn": attention})])

    def forward_intermediates(self, pixels, *, indices, output_fmt):
        cells = nn.functional.adaptive_avg_pool2d(pixels, 4)
        tokens = torch.cat([torch.zeros(len(pixels), 1, 3), cells.flatten(2).transpose(1, 2)], 1)  # (N, 17, 3)
        found = self.transformer.resblocks[0]["attn"](tokens, tokens, tokens, need_weights=False)[0]
        return {"image_features": found[:, 0], "image_intermediates": [cells]}


def wrap(visual: nn.Module, side: int = SIDE) -> Towers:
    """Towers around a picture tower alone; pixels reach it as [0, 1]."""
    return Towers(
        model=SimpleNamespace(visual=visual.eval()),
        tokenizer=None,
        preparation=Preparation(side=side, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
        dimension=3,
        trims=False,
        logit_scale=1.0,
    )


@pytest.fixture
def conv() -> Towers:
    return wrap(ColourConv())


@pytest.fixture
def transformer() -> Towers:
    return wrap(ColourTransformer())
