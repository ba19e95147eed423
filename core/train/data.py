"""What a training run learns from, and what it keeps aside."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from core.encode.item_tokens import ItemTokens
from core.interactions.log import History, InteractionLog

#: One user in so many is kept for validation, and one item title in so many.
VALIDATION_SHARE = 5
#: One item in so many is treated as new while head weights are chosen.
NEW_SHARE = 10
#: More people than this are never kept for validation: the others teach, and checking costs people x items each time.
MOST_VALIDATION = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainData:
    """N items, in catalogue order, and perhaps a log.

    Attributes:
        tokens: Of the items.
        means: Mean zero-shot part of each modality over items that have it, (M, D).
        captions: Equal numbers for equal titles, (N,).
        categories: Name of each item's category, "" where unknown, (N,).
        shown: Items that are there at all; the others are kept out altogether, e.g. for a test, (N,).
        held: Items kept for validation: of image-text matching, or as if they were new, (N,).
        log: Events of people to fit on, without those on held items. None without a log.
        validation: People kept for validation; empty without a log.
        words: `core.encode.words.count_words` of the items, (N, V); V may be 0.
    """

    tokens: ItemTokens
    means: NDArray[np.float32]
    captions: NDArray[np.int64]
    categories: tuple[str, ...]
    shown: NDArray[np.bool_]
    held: NDArray[np.bool_]
    log: InteractionLog | None
    validation: "Validation"
    words: sparse.csr_matrix

    @property
    def learnable(self) -> NDArray[np.bool_]:
        """Items that may be trained on, (N,)."""
        return self.shown & ~self.held

    @property
    def paired(self) -> NDArray[np.bool_]:
        """Items that have every modality, (N,)."""
        return np.asarray(np.stack([one.present for one in self.tokens.modalities.values()]).all(axis=0))

    @property
    def has_pairs(self) -> bool:
        """Whether any item that may be trained on has every modality."""
        return bool((self.paired & self.learnable).any())

    @property
    def zero_shot(self) -> NDArray[np.float32]:
        """The towers' own parts, the catalogue's mean where one is missing, (N, M, D)."""
        parts = [
            np.where(one.present[:, None], one.joint, mean)
            for one, mean in zip(self.tokens.modalities.values(), self.means, strict=True)
        ]
        return np.stack(parts, axis=1).astype(np.float32)

    def __len__(self) -> int:
        return len(self.captions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """People with the beginning of their history and what they liked later.

    Attributes:
        histories: B beginnings.
        targets: Items liked later that are not in the beginning, (T,) each.
    """

    histories: tuple[History, ...]
    targets: tuple[NDArray[np.int64], ...]

    def __len__(self) -> int:
        return len(self.histories)

    @property
    def masked(self) -> tuple[NDArray[np.int64], ...]:
        """Items that must not be suggested again, those of the beginnings."""
        return tuple(history.items for history in self.histories)


def split_history(history: History, share: float = 0.8) -> tuple[History, NDArray[np.int64]]:
    """The first part of a history by time, and the items liked in the rest.

    Args:
        history: Oldest first.
        share: Of the events that are the beginning, (0, 1).
    """
    cut = int(len(history) * share)
    begin = history.take(slice(cut))
    later = np.unique(history.items[cut:][history.liked[cut:]])
    return begin, later[~np.isin(later, begin.items)]


def build_validation(histories: Sequence[History], *, share: float = 0.8) -> Validation:
    """Beginnings and targets of these people; those with nothing to predict, or to predict from, are left out."""
    parts = [split_history(history, share) for history in histories]
    kept = [(begin, later) for begin, later in parts if len(begin) and len(later)]
    return Validation(histories=tuple(one for one, _ in kept), targets=tuple(later for _, later in kept))


def hash_bucket(text: str, buckets: int, *, salt: str = "") -> int:
    """Where a text falls, the same on every machine and in every run."""
    return int.from_bytes(hashlib.sha256(f"{salt}{text}".encode()).digest()[:8], "big") % buckets


def in_bucket(titles: Sequence[str], salt: str) -> NDArray[np.bool_]:
    """A tenth of the titles, (N,); titles that are equal but for case and spaces fall on one side."""
    return np.array([hash_bucket(plain_title(title), NEW_SHARE, salt=salt) == 0 for title in titles], bool)


def plain_title(title: str) -> str:
    """A title without case and needless spaces: what counts as the same title."""
    return " ".join(title.casefold().split())


def number_texts(texts: Sequence[str]) -> NDArray[np.int64]:
    """Equal numbers for texts that are equal but for case and spaces, (N,)."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(plain_title(text), len(known)) for text in texts], np.int64)


def mean_parts(tokens: ItemTokens) -> NDArray[np.float32]:
    """Mean zero-shot part of each modality over the items that have it, (M, D)."""
    rows = [one.joint[one.present] for one in tokens.modalities.values()]
    width = next(iter(tokens.modalities.values())).joint.shape[1]
    return np.stack([found.mean(axis=0) if len(found) else np.zeros(width) for found in rows]).astype(np.float32)


def split_people(log: InteractionLog, *, seed: int) -> tuple[InteractionLog, Validation]:
    """Keep every fifth person for validation, `MOST_VALIDATION` at most, chosen by the seed."""
    people = np.unique(log.users)
    count = min(len(people) // VALIDATION_SHARE, MOST_VALIDATION)
    aside = np.random.default_rng([seed, 1]).permutation(people)[:count]
    rest = log.take(~np.isin(log.users, aside))
    return rest, build_validation(log.histories(np.sort(aside)))


def build_data(
    tokens: ItemTokens,
    titles: Sequence[str],
    categories: Sequence[str],
    *,
    log: InteractionLog | None = None,
    excluded: NDArray[np.bool_] | None = None,
    words: sparse.csr_matrix | None = None,
    seed: int = 0,
) -> TrainData:
    """Split items by title and people at random; nothing excluded or held out is ever trained on.

    Args:
        tokens: Of N items.
        titles: (N,).
        categories: (N,), "" where unknown.
        log: Everyone's events; None trains on the catalogue alone.
        excluded: Items that are kept out altogether, e.g. for a test, (N,).
        words: Of the items, (N, V); None for none.
        seed: Of the choice of people.
    """
    shown = np.ones(len(titles), bool) if excluded is None else ~excluded
    held = in_bucket(titles, "held") & shown
    fit, validation = None, Validation(histories=(), targets=())
    if log is not None:
        people, validation = split_people(log.take(shown[log.items]), seed=seed)
        fit = people.take(~held[people.items])
    return TrainData(
        tokens=tokens,
        means=mean_parts(tokens),
        captions=number_texts(titles),
        categories=tuple(categories),
        shown=shown,
        held=held,
        log=fit,
        validation=validation,
        words=sparse.csr_matrix((len(titles), 0), dtype=np.float32) if words is None else words,
    )
