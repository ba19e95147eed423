"""Transformers over patches, picture towers or the fusion: what is known of them, and maps from their attention.

Imports torch, so import this module inside functions only.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.explain.pictures.attention import AttentionRead
from core.model.fusion import FusionTransformer


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchTower:
    """The shape of a transformer over patches.

    Attributes:
        blocks: Its blocks, each with an attention module somewhere inside.
        side: Patches on a side.
        prefix: Tokens of its own before the patches.
        suffix: Tokens of its own after the patches.
        reads_first: Whether the embedding is read from the first token, and not from the mean of all.
    """

    blocks: tuple[Any, ...]
    side: int
    prefix: int
    suffix: int = 0
    reads_first: bool

    @property
    def length(self) -> int:
        """How many tokens it has of its own."""
        return self.prefix + self.side**2 + self.suffix

    def take_patches(self, tokens: Tensor) -> Tensor:
        """Values of the patches among those of all tokens, (..., K) to (side, side); further tokens come before."""
        end = tokens.shape[-1] - self.suffix
        return tokens[..., end - self.side**2 : end].reshape(self.side, self.side)

    def is_pooling(self, read: AttentionRead) -> bool:
        """Whether attention is none of a block's: nothing of what asks is kept in what it gives."""
        return not any(read.module is module for block in self.blocks for module in block.modules())


def describe_patches(visual: Any) -> PatchTower | None:
    """What kind of transformer a tower of open_clip or timm is; None where its patches are not one square sequence."""
    trunk = getattr(visual, "trunk", None)
    if trunk is None:
        side = _find_side(visual) if hasattr(visual, "transformer") else None
        blocks, prefix = visual.transformer.resblocks if side else (), 1
        first = side is not None and visual.pool_type == "tok"
    else:
        side = _find_side(trunk.patch_embed) if hasattr(trunk, "num_prefix_tokens") else None
        blocks, prefix = (trunk.blocks, int(trunk.num_prefix_tokens)) if side else ((), 0)
        first = side is not None and trunk.global_pool == "token"
    return PatchTower(blocks=tuple(blocks), side=side, prefix=prefix, reads_first=first) if side else None


def describe_fusion(fusion: FusionTransformer, modality: str) -> PatchTower:
    """The fusion as a transformer over the cells of one modality: [CLS], then the tokens of each modality.

    Raises:
        ValueError: There is no such modality, or its tokens are no square.
    """
    counts = {one.name: len(one.segments) for one in fusion.config.modalities}
    side = math.isqrt(counts.get(modality, 0))
    if not side or side**2 != counts[modality]:
        raise ValueError(f"the tokens of {modality!r} are no square of cells")
    before = 1 + sum(list(counts.values())[: list(counts).index(modality)])
    after = 1 + sum(counts.values()) - before - side**2
    return PatchTower(blocks=tuple(fusion.blocks), side=side, prefix=before, suffix=after, reads_first=True)


def _find_side(owner: Any) -> int | None:
    """Patches on a side where they are a square."""
    grid = getattr(owner, "grid_size", None)
    return int(grid[0]) if grid and grid[0] == grid[1] else None


def find_unread(tower: PatchTower, reads: list[AttentionRead]) -> Any | None:
    """The attention of the first block of which nothing was read, by its name, or the block; None where all were."""
    known = {id(one.module) for one in reads}
    for block in tower.blocks:
        if not any(id(module) in known for module in block.modules()):
            return next((one for one in block.modules() if type(one).__name__.lower().endswith("attention")), block)
    return None


def sum_attention(tower: PatchTower, reads: list[AttentionRead]) -> Tensor:
    """Signed attention x gradient, summed over heads, asking tokens and layers, (side, side)."""
    return torch.stack([tower.take_patches(one.relevance[0]) for one in reads]).sum(0)


def roll_attention(tower: PatchTower, reads: list[AttentionRead]) -> Tensor:
    """Attention rolled out over all layers, (side, side).

    Source: Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3.
    """
    mixed, row = torch.eye(tower.length, device=reads[0].weights.device), None
    for one in reads:
        mean = one.weights[0].mean(0)
        if tower.is_pooling(one):
            row = mean.sum(0) @ mixed[-mean.shape[-1] :]
        else:
            taken = _take_own(tower, mean)
            mixed = (taken + torch.eye(*taken.shape, device=taken.device)) / 2 @ mixed
    return tower.take_patches(_pick_row(tower, mixed) if row is None else row)


def game_attention(tower: PatchTower, reads: list[AttentionRead]) -> Tensor:
    """Positive attention x gradient, rolled out over all layers, (side, side).

    Source: Chefer et al. 2021, "Generic Attention-model Explainability", section 3, self-attention rules.
    """
    mixed, row = torch.eye(tower.length, device=reads[0].weights.device), None
    for one in reads:
        positive = (one.weights * one.gradients)[0].clamp(min=0).mean(0)
        if tower.is_pooling(one):
            row = positive.sum(0) @ mixed[-positive.shape[-1] :]
        else:
            taken = _take_own(tower, positive)
            mixed = mixed[: len(taken)] + taken @ mixed
    return tower.take_patches(_pick_row(tower, mixed) if row is None else row)


def _take_own(tower: PatchTower, matrix: Tensor) -> Tensor:
    """What the tower's own tokens took from each other, (Q, length): tuning may have put others before them."""
    return matrix[-tower.length :, -tower.length :]


def _pick_row(tower: PatchTower, mixed: Tensor) -> Tensor:
    return mixed[0] if tower.reads_first else mixed.mean(0)
