"""The parts by which items are perceived: one entry here is all that a part takes.

Imports, indexes, calibrations, suggestions, training, explanations and knock-outs go through `PARTS` by name.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.device import DeviceChoice, choose_device
from core.encode.encoder import Encoder
from core.encode.text import item_text
from core.encode.towers import Towers
from core.progress import Progress
from core.store.items import StoredItem
from core.tokens.item_tokens import (
    PICTURE_GRID,
    TEXT_SEGMENTS,
    ItemTokens,
    ModalityTokens,
    extract_pictures,
    extract_texts,
)
from core.tokens.token_runtime import TokenRuntime

_log = logging.getLogger(__name__)
Asker = Literal["text", "picture"]
ASKERS: tuple[Asker, ...] = ("text", "picture")
FindPicture = Callable[[str], Path]


class NeedEncoder(Protocol):
    """What makes the vectors of a part and asks it; an `Encoder` is one.

    Attributes:
        dimension: D of its vectors.
        model_version: Changes whenever its vectors do.
    """

    dimension: int
    model_version: str

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Needs in words, unit-norm, (N, D)."""

    def encode_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Needs that are pictures, unit-norm, (N, D); called where the part is `asked_by` pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One way in which items are perceived.

    Attributes:
        label: Its name in words for people.
        read: What of an item is encoded: content hash to content, in order; empty where the item lacks the part.
        encode: Encoder, contents, where pictures lie -> a unit-norm vector (D,) each, None where one cannot be read.
        open: What makes and asks the part's vectors, from the catalogue's image-text encoder.
        asked_by: Which kinds of needs are compared with it.
        prior: What it counts for each kind of need before a catalogue has been measured, against the other parts.
        segments: Segment of each of its tokens, (T,): the fusion gives each segment an embedding of its own.
        extract: Runtime, items, where pictures lie, progress -> tokens, and the same vectors as `encode` makes.
    """

    label: str
    read: Callable[[StoredItem], Mapping[str, Any]]
    encode: Callable[[Any, Sequence[Any], FindPicture], Sequence[NDArray[np.float32] | None]]
    open: Callable[[Encoder], NeedEncoder] = lambda encoder: encoder
    asked_by: tuple[Asker, ...] = ASKERS
    prior: Mapping[Asker, float]
    segments: tuple[int, ...]
    extract: Callable[[TokenRuntime, Sequence[StoredItem], FindPicture, Progress], ModalityTokens]


def read_key(stored: StoredItem) -> str:
    """What vectors of a whole item go by, SHA-256 (hex): all that a model reads of it, and nothing else."""
    return hashlib.sha256(json.dumps([[name, *part.read(stored)] for name, part in PARTS.items()]).encode()).hexdigest()


def extract_tokens(
    towers: Towers,
    items: Sequence[StoredItem],
    find_picture: FindPicture,
    progress: Progress,
    *,
    choice: DeviceChoice | None = None,
) -> ItemTokens:
    """Read items for the fusion.

    Args:
        towers: In evaluation mode.
        items: N items.
        find_picture: Content hash to the stored picture; one that cannot be read counts as none.
        progress: Called with a stage, items done and N.
        choice: Where the towers run; None takes what is there.
    """
    runtime = TokenRuntime(towers, choice or choose_device(), grid=PICTURE_GRID)
    return ItemTokens(
        modalities={name: part.extract(runtime, items, find_picture, progress) for name, part in PARTS.items()}
    )


def _read_text(stored: StoredItem) -> Mapping[str, str]:
    text = item_text(stored.item)
    return {stored.item.text_hash(): text} if text else {}


def _read_pictures(stored: StoredItem) -> Mapping[str, str]:
    return {picture: picture for picture in stored.usable_pictures}


def _encode_texts(encoder: Encoder, texts: Sequence[str], _find: FindPicture) -> Sequence[NDArray[np.float32]]:
    return list(encoder.encode_texts(texts))


def _encode_pictures(
    encoder: Encoder, pictures: Sequence[str], find: FindPicture
) -> Sequence[NDArray[np.float32] | None]:
    found = encoder.encode_pictures([find(picture) for picture in pictures])
    for place, reason in found.failures.items():
        _log.warning("Picture %s cannot be encoded: %s", pictures[place], reason)
    return [None if place in found.failures else row for place, row in enumerate(found.embeddings)]


def _list_segments() -> tuple[int, ...]:
    return tuple(number for number, length in enumerate(TEXT_SEGMENTS.values()) for _ in range(length))


#: The parts, by name, in the order of the fusion's modalities. Their prior weights are the best on validation
#: (`benchmarks/retrieval.py`) for the embedded model, whose text tower is far stronger than its picture tower; pictures
#: compare better with pictures than with texts.
PARTS: dict[str, Part] = {
    "picture": Part(
        label="Picture",
        read=_read_pictures,
        encode=_encode_pictures,
        prior={"text": 0.1, "picture": 0.85},
        segments=(0,) * PICTURE_GRID**2,
        extract=extract_pictures,
    ),
    "text": Part(
        label="Text",
        read=_read_text,
        encode=_encode_texts,
        prior={"text": 0.9, "picture": 0.15},
        segments=_list_segments(),
        extract=extract_texts,
    ),
}
