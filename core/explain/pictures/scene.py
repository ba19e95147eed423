"""A picture with parts of it deleted, in its pixels or in the last feature map of a convolutional tower.

A cell of a feature map has seen more than its place in the picture, but what is behind it costs next to nothing: two
pictures are read, the whole one and the empty one, and every mask between them is a mixture of their maps.

Imports torch, so import this module inside functions only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from core.encode.pictures import Pixels
from core.explain.pictures.scores import Score
from core.tokens.token_parts import PictureTokens

#: What stands for a deleted part: the picture's mean colour, or the picture blurred beyond recognition.
Fill = Literal["mean", "blur"]
#: Masks (B, G, G) in [0, 1], where 1 shows a cell, to what scores read: embeddings (B, D) and tokens (B, T, W).
Show = Callable[[Tensor], tuple[Tensor, Tensor]]
#: Cells on a side of a blurred picture.
_BLUR = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A picture.

    Attributes:
        whole: Its pixels, (S, S, 3).
        empty: What it looks like when all of it is deleted, (S, S, 3).
    """

    whole: Tensor
    empty: Tensor

    def cover(self, masks: Tensor) -> Tensor:
        """The picture under masks (B, G, G), (B, S, S, 3)."""
        shown = interpolate(masks[:, None], size=self.whole.shape[:2], mode="nearest")[:, 0, :, :, None]
        return self.empty + shown * (self.whole - self.empty)  # (B, S, S, 3)


def open_scene(pixels: Pixels, fill: Fill, device: torch.device) -> Scene:
    """Read a picture (S, S, 3).

    Raises:
        ValueError: It is no square of three colours.
    """
    if pixels.ndim != 3 or pixels.shape[0] != pixels.shape[1] or pixels.shape[2] != 3:
        raise ValueError("a picture is (S, S, 3)")
    whole = torch.from_numpy(np.array(pixels)).to(device).float()
    small = adaptive_avg_pool2d(whole.permute(2, 0, 1)[None], 1 if fill == "mean" else _BLUR)
    empty = interpolate(small, size=whole.shape[:2], mode="bilinear")[0].permute(1, 2, 0)
    return Scene(whole=whole, empty=empty)


def has_feature_map(tokens: PictureTokens, side: int, device: torch.device) -> bool:
    """Whether the tower, read with pictures of this many pixels on a side, is timm's and ends in one square map."""
    if not tokens.is_timm:
        return False
    with torch.no_grad():
        found = tokens.read_features(torch.zeros(1, side, side, 3, device=device))
    return found.ndim == 4 and found.shape[-1] == found.shape[-2]


def show_features(tokens: PictureTokens, scene: Scene) -> Show:
    """Masks over the last feature map; where a cell covers a part of a place of the map, it shows that part of it.

    Args:
        tokens: A tower that `has_feature_map`.
        scene: Read once, whole and empty.
    """
    with torch.no_grad():
        whole, empty = tokens.read_features(torch.stack([scene.whole, scene.empty]))  # (C, h, h) each
    side = whole.shape[-1]

    def show(masks: Tensor) -> tuple[Tensor, Tensor]:
        fine = interpolate(masks[:, None], scale_factor=side, mode="nearest")
        shown = adaptive_avg_pool2d(fine, side)  # (B, 1, h, h)
        return tokens.embed(empty + shown * (whole - empty))

    return show


def differentiate(show: Show, score: Score, masks: Tensor, batch: int) -> Tensor:
    """Gradients of the score with respect to masks (B, G, G), (B, G, G), so many at once."""
    found = []
    for part in torch.split(masks, batch):
        with torch.enable_grad():
            leaf = part.clone().requires_grad_()
            found.append(torch.autograd.grad(score(*show(leaf)).sum(), leaf)[0])
    return torch.cat(found)
