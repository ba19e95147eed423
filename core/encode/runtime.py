"""What every runtime does, and how two of them are compared."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.encode.pictures import Pixels, Preparation, prepare
from core.encode.tokens import Tokenizer, Tokens, trim_padding

EmbeddingArray = NDArray[np.float32]

#: A runtime whose embeddings point elsewhere would silently change suggestions.
LEAST_AGREEMENT = 0.998
_CHECK_TEXTS = (
    "red running shoes",
    "a warm woollen hat for the winter",
    "Coffee mug. Kitchen. Acme. colour white, material stoneware. Holds 300 ml and goes into the dishwasher",
    "cat",
    "bright lamp for a child's desk, not too expensive",
    "42",
)


class Runtime(Protocol):
    """Runs both towers.

    Attributes:
        name: "openvino" or "torch".
        reason: One sentence: why this runtime, with which precision.
        picture_batch: Pictures at a time.
        text_batch: Texts at a time.
    """

    name: str
    reason: str
    picture_batch: int
    text_batch: int

    def encode_pixels(self, pixels: Pixels) -> EmbeddingArray:
        """Encode pixels (N, S, S, 3) to (N, D), unit-norm."""

    def encode_tokens(self, tokens: Tokens) -> EmbeddingArray:
        """Encode tokens (N, L) to (N, D), unit-norm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInputs:
    """A handful of inputs on which runtimes are compared.

    Attributes:
        pixels: (6, S, S, 3).
        tokens: (6, L).
    """

    pixels: Pixels
    tokens: Tokens


def build_check_inputs(preparation: Preparation, tokenizer: Tokenizer, *, trims: bool) -> CheckInputs:
    """Draw pictures and take texts of unlike length.

    Args:
        preparation: Of the picture tower.
        tokenizer: Of the text tower.
        trims: Whether the text tower takes rows without their padding.
    """
    tokens = tokenizer(_CHECK_TEXTS)
    return CheckInputs(
        pixels=np.stack([prepare(_draw(seed), preparation) for seed in range(6)]),
        tokens=trim_padding(tokens, tokenizer.pad_id) if trims else tokens,
    )


def measure_agreement(one: EmbeddingArray, other: EmbeddingArray) -> float:
    """Mean cosine of two sets of unit-norm embeddings (N, D); 0 when any value is not finite or shapes differ."""
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return 0.0
    return float((one * other).sum(axis=1).mean())


def _draw(seed: int) -> Image.Image:
    """A few coloured shapes over a soft ground: edges, flat areas and gradients in one picture."""
    rng = np.random.default_rng(seed)
    ground = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)).resize(
        (320, 280), Image.Resampling.BICUBIC
    )
    pen = ImageDraw.Draw(ground)
    for shape in (pen.ellipse, pen.rectangle, pen.ellipse, pen.rectangle):
        left, top = (int(value) for value in rng.integers(0, 220, 2))
        width, height = (int(value) for value in rng.integers(20, 100, 2))
        red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
        shape((left, top, left + width, top + height), fill=(red, green, blue))
    return ground
