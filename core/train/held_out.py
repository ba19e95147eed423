"""Which items count as the same, and which are kept out of training.

Two things are kept apart. In losses and among answers two items are the same where they share a title **or** their main
picture, pair by pair: a picture that stands for a thousand items does not make their titles the same. Sides of a split
are taken by groups, in which titles are joined by the pictures that they share, and pictures by their titles. A group
that is a large part of the catalogue, as where a placeholder stands for missing pictures, is always learned from:
nothing can be told of its titles, and without it little would be left to learn from.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: One title in so many falls on a side by its hash, so that in a large catalogue it keeps its side when others come.
SHARE = 10
#: A side may take one group in so many to reach its least number, and the test, which a verdict hangs on, more.
MOST_SHARE, MOST_TEST_SHARE = 4, 3
#: Groups kept for choosing the best epoch and blend, where a catalogue is large enough.
LEAST_HELD = 8


def hash_bucket(text: str, buckets: int, *, salt: str = "") -> int:
    """Where a text falls, the same on every machine and in every run."""
    return int.from_bytes(hashlib.sha256(f"{salt}{text}".encode()).digest()[:8], "big") % buckets


def plain_title(title: str) -> str:
    """A title without case and needless spaces: what counts as the same title."""
    return " ".join(title.casefold().split())


def number_texts(texts: Sequence[str]) -> NDArray[np.int64]:
    """Equal numbers for texts that are equal but for case and spaces, (N,)."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(plain_title(text), len(known)) for text in texts], np.int64)


def number_pictures(names: Sequence[str], count: int) -> NDArray[np.int64]:
    """Equal numbers for equal pictures, (N,); an item without one has a number of its own.

    Args:
        names: What the main picture of each item is called by its content, "" for none, (N,); empty where nobody knows.
        count: N.
    """
    known: dict[str, int] = {}
    numbers = [known.setdefault(name or f"\0{place}", len(known)) for place, name in enumerate(names or [""] * count)]
    return np.array(numbers, np.int64)


def group_items(captions: NDArray[np.int64], pictures: NDArray[np.int64]) -> NDArray[np.int64]:
    """Equal numbers for items whose titles are one, or are joined by shared pictures, (N,).

    Args:
        captions: Of `number_texts`, (N,).
        pictures: Of `number_pictures`, (N,).
    """
    from scipy import sparse  # type: ignore[import-untyped]

    if not len(captions):
        return captions
    titles = int(captions.max()) + 1
    size = titles + int(pictures.max()) + 1
    edges = sparse.coo_matrix((np.ones(len(captions), bool), (captions, titles + pictures)), shape=(size, size))
    _, component = sparse.csgraph.connected_components(edges, directed=False)
    return np.asarray(np.unique(component[captions], return_inverse=True)[1], np.int64)


def hold_out(
    titles: Sequence[str],
    groups: NDArray[np.int64],
    salt: str,
    *,
    among: NDArray[np.bool_] | None = None,
    least: int = 0,
    share: int = MOST_SHARE,
) -> NDArray[np.bool_]:
    """Items held out by whole groups, (N,): a tenth by hash, and where these are few the next ones by hash.

    In a catalogue with enough groups the side of a title depends on itself, and on those that share its picture, so it
    stays when the catalogue grows. Below that, up to one group in `share` is taken so that there are `least`. A group
    of more items than a side may have is never taken.

    Args:
        titles: (N,).
        groups: Of `group_items`, (N,).
        salt: Another one holds out others.
        among: Items that count for `least`, e.g. those with a picture and a text, (N,); None for all.
        least: Groups that are wanted.
        share: One group in so many is the most.
    """
    if not len(titles):
        return np.zeros(0, bool)
    hashes = np.array([hash_bucket(plain_title(title), 2**64, salt=salt) for title in titles], np.uint64)
    lowest = np.full(int(groups.max()) + 1, np.iinfo(np.uint64).max)
    np.minimum.at(lowest, groups, hashes)
    small = np.bincount(groups) <= max(len(titles) // (share if least else SHARE), 1)
    held = small & (lowest % np.uint64(SHARE) == 0)
    if least:
        countable = np.unique(groups if among is None else groups[among])
        most = len(countable) // share
        countable = countable[small[countable]]
        order = countable[np.lexsort((lowest[countable], ~held[countable]))]
        count = int(np.clip(held[countable].sum(), min(least, most), most))
        held[countable] = False
        held[order[:count]] = True
    return np.asarray(held[groups])


def find_leaks(captions: NDArray[np.int64], pictures: NDArray[np.int64], held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Items outside `held` (N,) that show what is in it, its title or its picture, (N,)."""
    return np.asarray((np.isin(captions, captions[held]) | np.isin(pictures, pictures[held])) & ~held)
