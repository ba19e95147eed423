"""From a need to one query vector per catalogue.

Every similarity of a need, in words or as a picture, to a part of an item is divided by its own spread in the catalogue
and is linear in the item, so their weighted sum is one inner product: one scan of the index.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.parts import PARTS, NeedEncoder
from core.serving.calibration import Asker
from core.serving.served import Served
from core.suggest.need import Need
from core.tokens.item_tokens import pad_vectors

#: How much a thing to avoid counts against the need.
AVOID_WEIGHT = 0.6
_Asked = TypeVar("_Asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedEmbeddings:
    """A need as it asks each part of one catalogue's items; None where the need has no such side.

    Attributes:
        text: Its words, unit-norm, zero for a part that words do not ask, (P, D).
        picture: Its picture, in the same way, (P, D).
        like: The parts of the item to be like, (P, D).
        avoid: What it avoids, (A, P, D).
    """

    text: NDArray[np.float32] | None
    picture: NDArray[np.float32] | None
    like: NDArray[np.float32] | None
    avoid: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A need against one catalogue.

    Attributes:
        vector: One weighted vector a part, (P, D).
        offset: Score of an average item by part, subtracted so that a score of 0 means "like any other item", (P,).
        avoid: Vectors of what is to be avoided, (A, P, D).
        avoid_offset: Likeness of an average item to each of them, (A,).
        shares: How the need asks, summing to 1.
    """

    vector: NDArray[np.float32]
    offset: NDArray[np.float32]
    avoid: NDArray[np.float32]
    avoid_offset: NDArray[np.float32]
    shares: Mapping[Asker, float]

    def parts(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The parts of the scores of index rows (N, P, D): (N, P)."""
        parts: NDArray[np.float32] = np.einsum("npd,pd->np", rows, self.vector) - self.offset
        return parts

    def avoided(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much more than an average item rows (N, P, D) are like what is to be avoided, at least 0, (N,)."""
        if not len(self.avoid):
            return np.zeros(len(rows), np.float32)
        likeness: NDArray[np.float32] = (np.einsum("npd,apd->na", rows, self.avoid) - self.avoid_offset).max(axis=1)
        return np.maximum(likeness, np.float32(0))


def embed_need(need: Need, served: Served, like: NDArray[np.float32] | None) -> NeedEmbeddings:
    """Encode a need for each part, with the part's own encoder.

    Args:
        need: The need.
        served: What it is asked of.
        like: The parts of the item to be like, (P, D), None where there is none.
    """
    words = [need.text] if need.text.strip() else []
    texts = _ask_parts(served, "text", [*words, *need.avoid], lambda one, asked: one.encode_texts(asked))
    shown = [need.image] if need.image is not None and like is None else []
    pictures = _ask_parts(served, "picture", shown, lambda one, asked: one.encode_images(asked))
    return NeedEmbeddings(
        text=texts[0] if words else None,
        picture=pictures[0] if shown else None,
        like=like,
        avoid=texts[len(words) :],
    )


def _ask_parts(
    served: Served,
    asker: Asker,
    asked: Sequence[_Asked],
    encode: Callable[[NeedEncoder, Sequence[_Asked]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """What asks each part, each encoder once, (Q, P, D)."""
    rows = np.zeros((len(asked), len(served.parts), served.index.dimension), np.float32)
    known: dict[int, NDArray[np.float32]] = {}
    for at, (name, encoder) in enumerate(served.parts.items()):
        if asked and asker in PARTS[name].asked_by:
            if id(encoder) not in known:
                known[id(encoder)] = encode(encoder, asked)
            rows[:, at] = pad_vectors(known[id(encoder)], rows.shape[2])
    return rows


def build_query(need: Need, embeddings: NeedEmbeddings, served: Served) -> Query:
    """Weight a need for one catalogue."""
    sides = list(_sides(need, embeddings))
    vector = np.zeros((len(served.parts), served.index.dimension), np.float32)
    for asker, share, asked in sides:
        vector += share * asked * _scale(served, asker, need.match)
    avoid = np.asarray(AVOID_WEIGHT * embeddings.avoid * _scale(served, "text", need.match), np.float32)
    means = served.index.means
    return Query(
        vector=vector,
        offset=np.einsum("pd,pd->p", vector, means),
        avoid=avoid,
        avoid_offset=np.einsum("apd,pd->a", avoid, means),
        shares={asker: share for asker, share, _ in sides},
    )


def _sides(need: Need, embeddings: NeedEmbeddings) -> Iterator[tuple[Asker, float, NDArray[np.float32]]]:
    """The ways in which a need speaks, with their shares."""
    shown: Asker = "picture" if embeddings.like is None else "like"
    picture = embeddings.picture if embeddings.like is None else embeddings.like
    if embeddings.text is not None:
        yield "text", 1.0 if picture is None else 1 - need.blend, embeddings.text
    if picture is not None:
        yield shown, 1.0 if embeddings.text is None else need.blend, picture


def _scale(served: Served, asker: Asker, match: str) -> NDArray[np.float32]:
    """What cosines of each part count, (P, 1)."""
    weights, spreads = served.calibration.weigh(asker, match), served.calibration.spreads[asker]
    return np.array([[weights[name] / spreads[name]] for name in served.parts], np.float32)
