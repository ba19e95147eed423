"""The two towers with everything that runtimes share. Imports torch, so import this module inside functions only."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


class PictureTower(nn.Module):
    """Pixels as Pillow gives them, to unit-norm embeddings: normalisation runs with the tower, not in Python."""

    def __init__(self, model: Any, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.model = model
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", 255.0 * torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", 255.0 * torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode uint8 pixels (N, S, S, 3) to (N, D), unit-norm.

        The permutation leaves memory as it is, which is the channels-last layout that convolutions run fastest in.
        """
        channels_first = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        return normalize(self.model.encode_image(channels_first).float(), dim=-1)


class TextTower(nn.Module):
    """Tokens to unit-norm embeddings."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode int64 tokens (N, L) to (N, D), unit-norm."""
        return normalize(self.model.encode_text(tokens).float(), dim=-1)
