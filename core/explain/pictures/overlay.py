"""A map laid over its picture."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Viridis from low to high, RGB. Source: van der Walt & Smith 2015, matplotlib's default colour map, ten even steps.
VIRIDIS = (
    (68, 1, 84), (72, 40, 120), (62, 73, 137), (49, 104, 142), (38, 130, 142),
    (31, 158, 137), (53, 183, 121), (110, 206, 88), (181, 222, 43), (253, 231, 37),
)  # fmt: skip
#: Share of the opacity that what counted least gets.
_THINNEST = 0.4


def overlay(pixels: NDArray[np.uint8], grid: NDArray[np.float32], opacity: float = 0.6) -> bytes:
    """A picture with the positive cells of a map laid over it in viridis, as PNG.

    What counted little is laid on more thinly, so that the picture stays in sight.

    Args:
        pixels: (S, S, 3).
        grid: Signed, (G, G).
        opacity: Of what counted most, [0, 1].
    """
    positive = np.maximum(grid, 0) / max(float(grid.max()), 1e-12)
    size = (pixels.shape[1], pixels.shape[0])
    smooth = np.asarray(Image.fromarray(positive.astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
    place, colours = np.clip(smooth, 0, 1) * (len(VIRIDIS) - 1), np.array(VIRIDIS, np.float32)
    steps = np.arange(len(VIRIDIS))
    laid = np.stack([np.interp(place, steps, colours[:, channel]) for channel in range(3)], axis=-1)
    alpha = opacity * (_THINNEST + (1 - _THINNEST) * np.clip(smooth, 0, 1))[..., None]  # (S, S, 1)
    mixed = (1 - alpha) * pixels.astype(np.float32) + alpha * laid
    buffer = io.BytesIO()
    Image.fromarray(mixed.round().astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
