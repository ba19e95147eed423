"""The items of a catalogue that it is measured on: the same ones in whatever order they came."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.encode.text import item_text
from core.parts import PARTS
from core.serving.vectors import VectorIndex
from core.store.items import Items, StoredItem

SIZE = 200
#: Raise it when the same sample gives another calibration.
_VERSION = 6
_WORD = re.compile(r"\w+")
#: Pictures that are more alike than this are one.
_SAME_PICTURE = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """S items of a catalogue.

    Attributes:
        titles: Used as needs, (S,).
        rests: What their texts say without the title, "" where that is nothing, (S,).
        parts: Their vectors, zero where one is missing, (S, P, D).
        has: Which parts there are, (S, P).
        wrong: Which items (columns) are not what another's title asks for, (S, S): those of another title.
        alike: Which are of the same category, but neither the same title nor the same picture, (S, S).
        shared: Share of a title's words that the text of another item holds, [0, 1], (S, S).
        shared_rest: Share of them that its own text holds elsewhere, [0, 1], (S,).
        fingerprint: Of all this and of the model.
    """

    titles: tuple[str, ...]
    rests: tuple[str, ...]
    parts: NDArray[np.float32]
    has: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    alike: NDArray[np.bool_]
    shared: NDArray[np.float32]
    shared_rest: NDArray[np.float32]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.titles)


def take_sample(items: Items, index: VectorIndex, model: str, priors: Mapping[Any, object]) -> Sample:
    """The items of a catalogue whose ids come first by their hash, at most `SIZE`.

    Args:
        items: Of the data folder.
        index: The catalogue's index under the model.
        model: What made its vectors.
        priors: What a calibration takes for granted; it is measured anew when they change.
    """
    ids = index.sample(SIZE)
    parts, has = index.rows(ids)
    found = {one.id: one for one in items.fetch(ids.tolist())}
    stored = [found.get(number) for number in ids.tolist()]
    has &= _list_parts(stored, index)
    parts = np.where(has[:, :, None], parts, 0)  # what stands for a missing part, also a version's, is not the sample's
    known = [one and one.item for one in stored]
    titles = tuple(item.title if item else "" for item in known)
    rests = tuple(item_text(replace(item, title="")) if item else "" for item in known)
    labels = tuple(item.category[-1].casefold() if item and item.category else "" for item in known)
    digest = hashlib.sha256(json.dumps([_VERSION, model, priors, titles, rests, labels]).encode())
    digest.update(has.tobytes())
    digest.update(parts.astype(np.float16).tobytes())
    other = ~_equal([title.casefold() for title in titles])
    named = np.array([bool(label) for label in labels], bool)
    return Sample(
        titles=titles,
        rests=rests,
        parts=parts,
        has=has,
        wrong=other,
        alike=_equal(labels) & named & other & ~_same_pictures(index, parts),
        shared=_share_words(titles, [f"{title} {rest}" for title, rest in zip(titles, rests, strict=True)]),
        shared_rest=np.diagonal(_share_words(titles, rests)).copy(),
        fingerprint=digest.hexdigest(),
    )


def _list_parts(stored: Sequence[StoredItem | None], index: VectorIndex) -> NDArray[np.bool_]:
    """Which parts items have of their own, (S, P)."""
    rows = [[one is not None and bool(PARTS[name].read(one)) for name in index.dimensions] for one in stored]
    return np.array(rows, bool).reshape(len(stored), len(index.dimensions))


def _equal(values: Collection[str]) -> NDArray[np.bool_]:
    names = np.array(list(values), dtype=object)
    return np.asarray(names[:, None] == names[None, :], bool)


def _same_pictures(index: VectorIndex, parts: NDArray[np.float32]) -> NDArray[np.bool_]:
    if "picture" not in index.dimensions:
        return np.zeros((len(parts), len(parts)), bool)
    shown = parts[:, list(index.dimensions).index("picture")]
    return np.asarray(shown @ shown.T > _SAME_PICTURE)


def _share_words(needs: Collection[str], texts: Collection[str]) -> NDArray[np.float32]:
    """Share of the words of each need that each text holds, (S, S)."""
    asked = [frozenset(_WORD.findall(need.casefold())) for need in needs]
    held = [frozenset(_WORD.findall(text.casefold())) for text in texts]
    found = [[len(one & other) / max(len(one), 1) for other in held] for one in asked]
    return np.array(found, np.float32).reshape(len(asked), len(held))
