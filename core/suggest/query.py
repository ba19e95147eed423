"""From a need to one query vector per catalogue.

Every similarity (a text need to pictures, to texts; a picture need to pictures, to texts) is divided by its own
spread in the catalogue and is linear in the item, so their weighted sum is one inner product: one scan of the index.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.encode.encoder import Encoder
from core.serving.calibration import Calibration
from core.serving.served import Served
from core.suggest.need import Need

#: How much a thing to avoid counts against the need.
AVOID_WEIGHT = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedEmbeddings:
    """A need under one encoder; None where the need has no such side.

    Attributes:
        text: Unit-norm, (D,).
        picture: Unit-norm, (D,).
        like_text: Text embedding of the item to be like, (D,).
        avoid: Unit-norm, (A, D).
    """

    text: NDArray[np.float32] | None
    picture: NDArray[np.float32] | None
    like_text: NDArray[np.float32] | None
    avoid: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A need against one catalogue.

    Attributes:
        halves: Weighted picture and text halves, (2, D).
        offset: Score of an average item by half, subtracted so that a score of 0 means "like any other item", (2,).
        avoid: Halves of what is to be avoided, (A, 2, D).
        avoid_offset: Likeness of an average item to each of them, (A,).
    """

    halves: NDArray[np.float32]
    offset: NDArray[np.float32]
    avoid: NDArray[np.float32]
    avoid_offset: NDArray[np.float32]

    @property
    def vector(self) -> NDArray[np.float32]:
        """The vector to scan with, (2 D,)."""
        return self.halves.reshape(-1)

    def parts(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Picture and text parts of the scores of index rows (N, 2, D): (N, 2)."""
        parts: NDArray[np.float32] = np.einsum("npd,pd->np", rows, self.halves) - self.offset
        return parts

    def avoided(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much more than an average item rows (N, 2, D) are like what is to be avoided, at least 0, (N,)."""
        if not len(self.avoid):
            return np.zeros(len(rows), np.float32)
        likeness: NDArray[np.float32] = (np.einsum("npd,apd->na", rows, self.avoid) - self.avoid_offset).max(axis=1)
        return np.maximum(likeness, np.float32(0))


def embed_need(need: Need, encoder: Encoder, like: NDArray[np.float32] | None) -> NeedEmbeddings:
    """Encode a need.

    Args:
        need: The need.
        encoder: The catalogue's.
        like: Picture and text parts of the item to be like, (2, D), None where there is none.
    """
    texts = ([need.text] if need.text.strip() else []) + list(need.avoid)
    encoded = encoder.encode_texts(texts) if texts else np.empty((0, encoder.dimension), np.float32)
    text = encoded[0] if need.text.strip() else None
    picture = encoder.encode_images([need.image])[0] if need.image is not None else None
    return NeedEmbeddings(
        text=text,
        picture=like[0] if like is not None else picture,
        like_text=None if like is None else like[1],
        avoid=encoded[len(texts) - len(need.avoid) :],
    )


def build_query(need: Need, embeddings: NeedEmbeddings, served: Served) -> Query:
    """Weight a need for one catalogue."""
    index, calibration = served.index, served.calibration
    halves = np.zeros((2, index.dimension), np.float32)
    for side in _sides(need, embeddings, calibration):
        halves[0] += side.share * side.weights[0] * side.picture / side.spreads[0]
        halves[1] += side.share * side.weights[1] * side.text / side.spreads[1]
    avoid = _avoid_halves(embeddings.avoid, calibration, calibration.weights[need.match])
    return Query(
        halves=halves,
        offset=np.einsum("pd,pd->p", halves, index.means),
        avoid=avoid,
        avoid_offset=np.einsum("apd,pd->a", avoid, index.means),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One way a need speaks: what is compared with pictures and with texts (D,), their weights and spreads."""

    share: float
    weights: tuple[float, float]
    picture: NDArray[np.float32]
    text: NDArray[np.float32]
    spreads: tuple[float, float]


def _sides(need: Need, embeddings: NeedEmbeddings, calibration: Calibration) -> Iterator[_Side]:
    text, picture, like = embeddings.text, embeddings.picture, embeddings.like_text
    both = text is not None and picture is not None
    of_text = (calibration.text_to_picture, calibration.text_to_text)
    if text is not None:
        share = 1 - need.blend if both else 1.0
        yield _Side(share=share, weights=calibration.weights[need.match], picture=text, text=text, spreads=of_text)
    if picture is not None:
        spreads = (calibration.picture_to_picture, calibration.picture_to_text if like is None else of_text[1])
        yield _Side(
            share=need.blend if both else 1.0,
            weights=(calibration.picture_need_weights if like is None else calibration.weights)[need.match],
            picture=picture,
            text=picture if like is None else like,
            spreads=spreads,
        )


def _avoid_halves(
    avoid: NDArray[np.float32], calibration: Calibration, weights: tuple[float, float]
) -> NDArray[np.float32]:
    scale = np.array([weights[0] / calibration.text_to_picture, weights[1] / calibration.text_to_text], np.float32)
    halves: NDArray[np.float32] = AVOID_WEIGHT * avoid[:, None, :] * scale[None, :, None]
    return halves
