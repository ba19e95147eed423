"""An item as it would be with some of its fields or words taken away or added, as vectors of the index."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.encode.text import item_text
from core.parts import PARTS, NeedEncoder
from core.serving.vectors import VectorIndex
from core.store.items import StoredItem
from core.tokens.item_tokens import pad_vectors

#: What an item's words are made of; whatever says what it is in labels counts as attributes.
WORD_FIELDS = ("title", "description", "attributes")
#: The part that is read of an item's words; all others are fields of their own.
TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """An item that is not in the catalogue.

    Attributes:
        item: Its words.
        hidden: Parts, beside that of its words, that it lacks of the one it was made from.
    """

    item: Item
    hidden: frozenset[str] = frozenset()


class VariantReader(Protocol):
    """Turns variants of one item into vectors, as the model that serves its catalogue would.

    Attributes:
        missing: What stands for a part that an item lacks, in words for people.
    """

    missing: str

    def read(self, stored: StoredItem, variants: Sequence[Variant]) -> NDArray[np.float32]:
        """Their parts, (V, P, D); what is missing is what the model takes for it."""


def list_fields(stored: StoredItem) -> tuple[str, ...]:
    """What there is to take away from an item: its parts, and the fields of its words."""
    parts = (name for name, part in PARTS.items() if name != TEXT and part.read(stored))
    return (*parts, *(name for name in WORD_FIELDS if _field(stored.item, name)))


def keep_fields(item: Item, kept: Collection[str]) -> Variant:
    """The item with these of its fields alone."""
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
        hidden=frozenset(name for name in PARTS if name != TEXT and name not in kept),
    )


def _field(item: Item, name: str) -> bool:
    if name == "attributes":
        return bool(item.category or item.brand or item.tags or item.attributes)
    return bool(getattr(item, name))


class PlainReader:
    """Reads variants as an untrained catalogue does: each part by itself.

    Args:
        parts: What makes the vectors of each part.
        index: Of the catalogue; its means stand for what is missing.
    """

    missing = "the catalogue's mean"

    def __init__(self, parts: Mapping[str, NeedEncoder], index: VectorIndex) -> None:
        self._parts, self._index = parts, index

    def read(self, stored: StoredItem, variants: Sequence[Variant]) -> NDArray[np.float32]:
        """Their parts, (V, P, D); the catalogue's mean stands for what is missing."""
        own, means = self._index.rows(np.array([stored.id]))[0][0], self._index.means
        rows = np.repeat(own[None], len(variants), axis=0)
        for at, name in enumerate(self._parts):
            if name == TEXT:
                texts = {**self._encode(stored, variants), item_text(stored.item): own[at], "": means[at]}
                rows[:, at] = [texts[item_text(one.item)] for one in variants]
            else:
                rows[[name in one.hidden for one in variants], at] = means[at]
        return rows.astype(np.float32)

    def _encode(self, stored: StoredItem, variants: Sequence[Variant]) -> Mapping[str, NDArray[np.float32]]:
        wanted = sorted({item_text(one.item) for one in variants} - {item_text(stored.item), ""})
        if not wanted:
            return {}
        encoded = self._parts[TEXT].encode_texts(wanted)
        return dict(zip(wanted, pad_vectors(encoded, self._index.dimension), strict=True))
