"""Towers that give token sequences beside embeddings. Imports torch, so import this module inside functions only."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, normalize

from core.errors import BackboneError


class PictureTokens(nn.Module):
    """Pixels to a joint embedding and a few tokens: the last feature map (ViT patches or CNN cells), pooled to a grid.

    Args:
        model: open_clip's model; its weights are used as they are and may be trained.
        mean: Channel means, [0, 1].
        std: Channel deviations, [0, 1].
        grid: Cells on a side of the pooled map.

    Raises:
        BackboneError: The picture tower is of a kind whose feature map is not known.
    """

    def __init__(self, model: Any, mean: Sequence[float], std: Sequence[float], *, grid: int) -> None:
        super().__init__()
        self.visual = model.visual
        self.grid = grid
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", 255.0 * torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", 255.0 * torch.tensor(std).view(1, 3, 1, 1))
        if not hasattr(self.visual, "trunk") and not hasattr(self.visual, "forward_intermediates"):
            raise BackboneError("This model's picture tower gives no feature map, so it cannot be fused. Use another.")

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Encode uint8 pixels (N, S, S, 3) to embeddings (N, D), unit-norm, and tokens (N, grid * grid, W)."""
        if self.is_timm:
            return self.embed(self.read_features(pixels))
        found = self.visual.forward_intermediates(self._normalise(pixels), indices=1, output_fmt="NCHW")
        return self._pool(found["image_features"], found["image_intermediates"][-1])

    @property
    def is_timm(self) -> bool:
        """Whether the tower is timm's, whose features are known before they are pooled."""
        return hasattr(self.visual, "trunk")

    def read_features(self, pixels: Tensor) -> Tensor:
        """The last features of timm's tower: uint8 pixels (N, S, S, 3) to a map (N, C, h, w), or tokens (N, T, W)."""
        features: Tensor = self.visual.trunk.forward_features(self._normalise(pixels))
        return features

    def embed(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` makes of the features that `read_features` gave."""
        trunk = self.visual.trunk
        embeddings = self.visual.head(trunk.forward_head(features))
        if features.ndim == 3:  # a ViT: prefix tokens, then patches row by row
            features = features[:, getattr(trunk, "num_prefix_tokens", 0) :]
            side = int(features.shape[1] ** 0.5)
            features = features[:, : side * side].transpose(1, 2).reshape(len(features), -1, side, side)
        return self._pool(embeddings, features)

    def _normalise(self, pixels: Tensor) -> Tensor:
        return (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std

    def _pool(self, embeddings: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        cells = adaptive_avg_pool2d(cells.float(), self.grid).flatten(2).transpose(1, 2)  # (N, grid^2, W)
        if _is_conse(self.visual):
            cells = self.visual.head(cells)  # the joint space, where cells mean more than raw features do
        return normalize(embeddings.float(), dim=-1), cells


class TextTokens(nn.Module):
    """Token ids to a joint embedding and the last hidden states.

    Args:
        model: open_clip's model.
        pad_id: Token that fills a row up.
    """

    def __init__(self, model: Any, *, pad_id: int) -> None:
        super().__init__()
        self.model = model
        self.pad_id = pad_id

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode ids (N, L) to embeddings (N, D), unit-norm, hidden states (N, L, W) and which are words (N, L)."""
        words = ids != self.pad_id
        words[:, 0] = True  # a tower may pad with the same id that starts a row
        text = getattr(self.model, "text", None)
        if text is not None and hasattr(text, "transformer") and hasattr(text.transformer, "config"):
            attention = (ids != text.config.pad_token_id).long()
            out = text.transformer(input_ids=ids, attention_mask=attention)
            return normalize(text.proj(text.pooler(out, attention)).float(), dim=-1), out.last_hidden_state, words
        found = self.model.forward_intermediates(text=ids, text_indices=1, normalize=True)
        return found["text_features"].float(), found["text_intermediates"][-1], words


def _is_conse(visual: Any) -> bool:
    from core.encode.embedded_parts import ConseHead

    return isinstance(getattr(visual, "head", None), ConseHead)
