"""Items: a transformer over the tokens of every modality. Imports torch, so import it inside functions only."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from core.model.attention import Block
from core.model.config import ModalityShape, ModelConfig

#: Items this many times as far away as the reach keep their zero-shot vectors.
_CLOSED = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBatch:
    """B items as tensors.

    Attributes:
        tokens: Modality to tokens (B, T, W).
        masks: Modality to which tokens hold anything, (B, T).
        joint: Zero-shot parts in the order of the modalities, zero where missing, (B, M, D).
        present: Which modalities each item has, (B, M).
    """

    tokens: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]
    joint: Tensor
    present: Tensor

    def hide(self, hidden: Tensor) -> "ItemBatch":
        """The same items without the modalities marked in (B, M)."""
        return ItemBatch(tokens=self.tokens, masks=self.masks, joint=self.joint, present=self.present & ~hidden)

    def only(self, modality: int) -> "ItemBatch":
        """The same items with this modality alone."""
        hidden = torch.ones_like(self.present)
        hidden[:, modality] = False
        return self.hide(hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedItems:
    """B fused items.

    Attributes:
        vectors: One unit-norm part a modality, (B, M, D).
        state: The CLS token's last state, for heads, (B, W).
    """

    vectors: Tensor
    state: Tensor


class FusionTransformer(nn.Module):
    """[CLS | tokens of each modality] to an item vector near its zero-shot vector.

    Each part of the vector is unit(zero-shot part + gate * unit(fused part)). Gates start at 0, so the untrained model
    ranks exactly as the towers do. A missing modality shows one learned null token instead of its tokens, and the
    catalogue's mean (`set_means`) stands for its zero-shot part, as in the index.

    A trained model speaks of items like those it learned from: once `set_reach` was called, the gate closes for items
    whose zero-shot parts lie outside, so that they keep their zero-shot vectors.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, count = config.width, len(config.modalities)
        self.inputs = nn.ModuleDict({one.name: _TokenInput(one, width) for one in config.modalities})
        self.cls = nn.Parameter(torch.randn(width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, config.heads, config.dropout) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, config.item_width)
        self.gate = nn.Parameter(torch.zeros(count))
        self.means: Tensor
        self.precisions: Tensor
        self.reach: Tensor
        lengths = torch.tensor([one.dimension or config.dimension for one in config.modalities])
        self.there: Tensor
        self.register_buffer("there", torch.arange(config.dimension) < lengths.unsqueeze(1), persistent=False)
        self.register_buffer("means", torch.zeros(count, config.dimension))
        self.register_buffer("precisions", torch.zeros(count, config.dimension, config.dimension))
        self.register_buffer("reach", torch.full((count,), torch.inf))

    def set_means(self, means: Tensor) -> None:
        """Take the catalogue's mean zero-shot part of each modality, (M, D)."""
        self.means.copy_(means)

    def set_reach(self, precisions: Tensor, reach: Tensor) -> None:
        """Say which items are like those that were learned from.

        Args:
            precisions: Inverse covariance of each modality's zero-shot parts, (M, D, D).
            reach: Squared Mahalanobis distance from the mean up to which the model speaks, (M,).
        """
        self.precisions.copy_(precisions)
        self.reach.copy_(reach)

    def familiarity(self, batch: ItemBatch) -> Tensor:
        """How far the gate may open for each item, [0, 1], (B,): 1 within reach of every modality that it has."""
        away = batch.joint - self.means
        ratio = torch.einsum("bmd,mde,bme->bm", away, self.precisions, away) / self.reach
        opened = ((_CLOSED - ratio) / (_CLOSED - 1)).clamp(0, 1)
        return torch.where(batch.present, opened, 1.0).amin(1)

    def forward(self, batch: ItemBatch) -> FusedItems:
        """Fuse B items; in training mode each may lose modalities, never all of them."""
        if self.training and self.config.modality_dropout:
            batch = batch.hide(_draw_hidden(batch.present, self.config.modality_dropout))
        pieces = [self.cls.expand(len(batch.joint), 1, -1)]
        allowed = [torch.ones(len(batch.joint), 1, dtype=torch.bool, device=batch.joint.device)]
        for number, shape in enumerate(self.config.modalities):
            present = batch.present[:, number]
            piece, mask = self.inputs[shape.name](batch.tokens[shape.name], batch.masks[shape.name], present)
            pieces.append(piece)
            allowed.append(mask)
        x, mask = torch.cat(pieces, 1), torch.cat(allowed, 1)  # (B, L, W), (B, L)
        for block in self.blocks[:-1]:
            x = block(x, mask[:, None, None])
        # Only [CLS] is read in the end, so in the last block it alone asks.
        state = self.norm(self.blocks[-1](x, mask[:, None, None], asking=1)[:, 0])
        return FusedItems(vectors=self.place(state, batch), state=state)

    def zero_shot(self, batch: ItemBatch) -> Tensor:
        """The towers' own parts, missing ones as the mean, (B, M, D)."""
        return torch.where(batch.present.unsqueeze(-1), batch.joint, self.means)

    def place(self, state: Tensor, batch: ItemBatch) -> Tensor:
        """Vectors (B, M, D) of items whose states (B, W) are known, by the gates as they stand now."""
        base = self.zero_shot(batch)
        step = normalize(self.out(state).unflatten(-1, base.shape[1:]) * self.there, dim=-1)
        gate = self.gate.view(1, -1, 1) * self.familiarity(batch).view(-1, 1, 1)
        length = base.norm(dim=-1, keepdim=True)  # 1, but for a mean that stands for a missing part
        moved = base + gate * length * step
        # A gate of exactly 0 leaves the towers' numbers untouched, bit by bit.
        return torch.where(gate == 0, moved, length * normalize(moved, dim=-1))


class _TokenInput(nn.Module):
    """Tokens of one modality, projected, with modality and segment embeddings; a null token where it is missing."""

    def __init__(self, shape: ModalityShape, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shape.width)
        self.project = nn.Linear(shape.width, width)
        self.modality = nn.Parameter(torch.randn(width) * 0.02)
        self.segments = nn.Embedding(max(shape.segments) + 1, width)
        self.positions = nn.Parameter(torch.randn(len(shape.segments), width) * 0.02)
        self.null = nn.Parameter(torch.randn(width) * 0.02)
        self.segment: Tensor
        self.register_buffer("segment", torch.tensor(shape.segments), persistent=False)

    def forward(self, tokens: Tensor, mask: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, W), mask (B, T), present (B,) to (B, T, width) and a mask that is never all False."""
        x = self.project(self.norm(tokens.float())) + self.segments(self.segment) + self.positions
        first = torch.arange(x.shape[1], device=x.device) == 0
        x = torch.where(present[:, None, None], x, self.null) + self.modality
        shown = torch.where(present[:, None], mask, first)
        return x, shown | (first & ~shown.any(1, keepdim=True))


def _draw_hidden(present: Tensor, chance: float) -> Tensor:
    """Which modalities to hide, (B, M): each with this chance, but an item always keeps one."""
    hidden = (torch.rand(present.shape, device=present.device) < chance) & present
    bare = (present & ~hidden).sum(1) == 0
    return hidden & ~bare.unsqueeze(1)
