"""From a picture file to the square of pixels that a tower reads, without torch.

The geometry follows open_clip's evaluation transform step by step, so pixels are equal to those of its own transform;
what is added: transparency lies on white, EXIF rotation is applied, and large JPEG files are decoded at a lower scale.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import PictureError

#: Raise it when pixels change for the same file: it is part of the model version.
PREPARATION_VERSION = 1

#: A JPEG is decoded at 1/2, 1/4 or 1/8 as long as that leaves this many times the wanted side.
DRAFT_MARGIN = 1.0
MAX_PIXELS = 180_000_000

ResizeMode = Literal["shortest", "longest", "squash"]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """How a tower wants its pictures.

    Attributes:
        side: Edge of the square, pixels.
        mean: Channel means, [0, 1].
        std: Channel deviations, [0, 1].
        resize_mode: "shortest" crops the longer edge, "longest" pads the shorter one, "squash" ignores the aspect.
        interpolation: "bicubic" or "bilinear".
        fill: Grey level of the padding, 0 to 255.
    """

    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize_mode: ResizeMode = "shortest"
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    fill: int = 0


def open_picture(path: Path, *, side: int) -> Image.Image:
    """Decode a file to RGB.

    Args:
        path: A file that Pillow reads.
        side: Pixels that the shorter edge keeps at least, where a JPEG is decoded at a lower scale.

    Raises:
        PictureError: The file is missing, damaged or too large.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PictureError("too_large", f"The picture {path.name} is too large. Make it smaller and try again.")
            wanted = max(1, round(side * DRAFT_MARGIN))
            image.draft("RGB", (wanted, wanted))
            image.load()
            return on_white(image)
    except FileNotFoundError as exc:
        raise PictureError("missing", f"There is no picture {path.name}.") from exc
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, struct.error, UnidentifiedImageError) as exc:
        raise PictureError("unreadable", f"The picture {path.name} is damaged or of an unknown kind.") from exc
    except Image.DecompressionBombError as exc:
        raise PictureError(
            "too_large", f"The picture {path.name} is too large. Make it smaller and try again."
        ) from exc


def on_white(image: Image.Image) -> Image.Image:
    """Turn a picture upright and flatten it to RGB, transparent parts on white.

    Black would swallow dark things on a transparent ground, and is what a plain conversion gives.
    """
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
        upright = _to_grey(upright)
    if not upright.has_transparency_data:
        return upright if upright.mode == "RGB" else upright.convert("RGB")
    layered = upright.convert("RGBA")
    ground = Image.new("RGB", layered.size, "white")
    ground.paste(layered, mask=layered.getchannel("A"))
    return ground


def prepare(image: Image.Image, preparation: Preparation) -> Pixels:
    """Fit an RGB picture into the tower's square.

    Args:
        image: Any size.
        preparation: The tower's wishes.

    Returns:
        (S, S, 3) RGB; mean and deviation are applied by the runtime.
    """
    resized = image.resize(_resized_size(image.size, preparation), _filter(preparation))
    side = preparation.side
    if resized.size == (side, side):
        return np.asarray(resized)
    if preparation.resize_mode == "longest":
        ground = Image.new("RGB", (side, side), (preparation.fill,) * 3)
        ground.paste(resized, ((side - resized.width) // 2, (side - resized.height) // 2))
        return np.asarray(ground)
    left, top = round((resized.width - side) / 2.0), round((resized.height - side) / 2.0)
    return np.asarray(resized.crop((left, top, left + side, top + side)))


def _resized_size(size: tuple[int, int], preparation: Preparation) -> tuple[int, int]:
    """Width and height after the resize: torchvision's rounding for "shortest", open_clip's for "longest"."""
    width, height = size
    side = preparation.side
    if preparation.resize_mode == "squash":
        return side, side
    if preparation.resize_mode == "longest":
        ratio = max(width / side, height / side)
        return max(1, round(width / ratio)), max(1, round(height / ratio))
    if width <= height:
        return side, int(side * height / width)
    return int(side * width / height), side


def _filter(preparation: Preparation) -> Image.Resampling:
    return Image.Resampling.BICUBIC if preparation.interpolation == "bicubic" else Image.Resampling.BILINEAR


def _to_grey(image: Image.Image) -> Image.Image:
    """Sixteen bits and more to eight: a plain conversion clips, and the picture turns white."""
    values = np.asarray(image, dtype=np.float64)
    if image.mode.startswith("I;16") or values.max(initial=0) > 255:
        values = values / 257.0
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
