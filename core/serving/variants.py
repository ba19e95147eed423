"""An item as it would be with some of its fields or words taken away or added, as vectors of the index."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.encode.encoder import Encoder
from core.encode.text import item_text
from core.serving.vectors import VectorIndex
from core.store.items import StoredItem

#: What an item is made of; whatever says what it is in labels counts as attributes.
FIELDS = ("picture", "title", "description", "attributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """An item that is not in the catalogue.

    Attributes:
        item: Its words.
        picture: Whether it shows the pictures of the one it was made from.
    """

    item: Item
    picture: bool = True


class VariantReader(Protocol):
    """Turns variants of one item into vectors, as the model that serves its catalogue would.

    Attributes:
        missing: What stands for a part that an item lacks, in words for people.
    """

    missing: str

    def read(self, stored: StoredItem, variants: Sequence[Variant]) -> NDArray[np.float32]:
        """Picture and text halves, (V, 2, D); what is missing is what the model takes for it."""


def list_fields(item: Item, *, picture: bool) -> tuple[str, ...]:
    """Which of `FIELDS` an item has."""
    return tuple(name for name in FIELDS if (picture if name == "picture" else _field(item, name)))


def keep_fields(item: Item, kept: Collection[str]) -> Variant:
    """The item with these of `FIELDS` alone."""
    attributes = "attributes" in kept
    return Variant(
        item=replace(
            item,
            title=item.title if "title" in kept else "",
            description=item.description if "description" in kept else "",
            category=item.category if attributes else (),
            brand=item.brand if attributes else "",
            tags=item.tags if attributes else (),
            attributes=item.attributes if attributes else {},
        ),
        picture="picture" in kept,
    )


def _field(item: Item, name: str) -> bool:
    if name == "attributes":
        return bool(item.category or item.brand or item.tags or item.attributes)
    return bool(getattr(item, name))


class PlainReader:
    """Reads variants as an untrained catalogue does: pictures and texts by themselves.

    Args:
        encoder: Of the catalogue.
        index: Of the catalogue; its means stand for what is missing.
    """

    missing = "the catalogue's mean"

    def __init__(self, encoder: Encoder, index: VectorIndex) -> None:
        self._encoder, self._index = encoder, index

    def read(self, stored: StoredItem, variants: Sequence[Variant]) -> NDArray[np.float32]:
        """Picture and text halves, (V, 2, D); the catalogue's mean stands for what is missing."""
        own, _ = self._index.rows(np.array([stored.id]))
        wanted = {item_text(one.item) for one in variants} - {item_text(stored.item), ""}
        texts = {**self._encode(wanted), item_text(stored.item): own[0, 1], "": self._index.means[1]}
        pictures = {True: own[0, 0], False: self._index.means[0]}
        return np.stack([[pictures[one.picture], texts[item_text(one.item)]] for one in variants]).astype(np.float32)

    def _encode(self, texts: Collection[str]) -> Mapping[str, NDArray[np.float32]]:
        wanted = sorted(texts)
        return dict(zip(wanted, self._encoder.encode_texts(wanted), strict=True)) if wanted else {}
