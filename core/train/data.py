"""What a training run learns from, and what it is validated on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.interactions.log import History, InteractionLog
from core.model.config import ModalityShape
from core.parts import PARTS
from core.tokens.item_tokens import ItemTokens, pad_vectors
from core.train.held_out import LEAST_HELD, group_items, hold_out, number_pictures, number_texts

if TYPE_CHECKING:
    from scipy import sparse  # type: ignore[import-untyped]

#: One user in so many is kept for validation.
VALIDATION_SHARE = 5
#: Share of a person's events, by time where it is known, from which the rest is to be told.
BEGINNING = 0.8
#: More people than this are never kept for validation: the others teach, and checking costs people x items each time.
MOST_VALIDATION = 2_000
#: Without so many people to choose by there is nothing to choose.
LEAST_VALIDATION = 2
#: Items with a picture and a text without which there is nothing to learn from, and about how many leave so many.
LEAST_PAIRS, PAIRS_IN_ALL = 20, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainData:
    """N items, in catalogue order, and perhaps a log.

    Attributes:
        tokens: Of the items.
        means: Mean zero-shot part of each modality over items that have it, (M, D).
        captions: Equal numbers for equal titles, (N,).
        pictures: Equal numbers for equal main pictures, (N,).
        categories: Name of each item's category, "" where unknown, (N,).
        shown: Items that are there at all; the others are held out altogether, e.g. for a test, (N,).
        validation_items: Held out for it: of image-text matching, or as cold items, (N,).
        log: Events of people to fit on, without those on validation items. None without a log.
        validation: People kept for validation; empty without a log.
        words: `core.tokens.bag_of_words.count_words` of the items, (N, V); V may be 0.
    """

    tokens: ItemTokens
    means: NDArray[np.float32]
    captions: NDArray[np.int64]
    pictures: NDArray[np.int64]
    categories: tuple[str, ...]
    shown: NDArray[np.bool_]
    validation_items: NDArray[np.bool_]
    log: InteractionLog | None
    validation: "Validation"
    words: "sparse.csr_matrix"

    @property
    def learnable(self) -> NDArray[np.bool_]:
        """Items that may be trained on, (N,)."""
        return self.shown & ~self.validation_items

    @property
    def paired(self) -> NDArray[np.bool_]:
        """Items that have a picture and a text, (N,)."""
        return self.tokens.paired

    @property
    def has_pairs(self) -> bool:
        """Whether any item that may be trained on has a picture and a text."""
        return bool((self.paired & self.learnable).any())

    @property
    def zero_shot(self) -> NDArray[np.float32]:
        """The towers' own parts, the catalogue's mean where one is missing, (N, M, D)."""
        present = np.stack([one.present for one in self.tokens.modalities.values()], axis=1)
        return np.where(present[:, :, None], self.tokens.join(), self.means).astype(np.float32)

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


def split_history(history: History) -> tuple[History, NDArray[np.int64]]:
    """What is known of a person, in the order of the log, and the items liked in the rest.

    Events of one moment stay together: the cut lies where time goes on, as near to 80 % of the events as that allows.
    Where it never does (one visit, a log without times) the order of the file says nothing, since many are sorted by
    item: then 80 % of the person's items are drawn, the same ones on every machine and for every order of the rows.

    Examples:
        >>> day_by_day = np.array([1, 1, 1, 2, 2, 2])
        >>> nothing, liked = np.zeros(6, np.int8), np.ones(6, bool)
        >>> one = History(items=np.arange(6), events=nothing, values=nothing, liked=liked, times=day_by_day)
        >>> split_history(one)[1]
        array([3, 4, 5])
    """
    moments = np.flatnonzero(np.diff(history.times)) + 1
    if len(moments):
        known = np.arange(len(history)) < moments[np.abs(moments - int(BEGINNING * len(history))).argmin()]
    else:
        known = np.isin(history.items, _draw_known(history.items))
    begin = history.take(known)
    later = np.unique(history.items[~known][history.liked[~known]])
    return begin, later[~np.isin(later, begin.items)]


def _draw_known(items: NDArray[np.int64]) -> NDArray[np.int64]:
    """80 % of the different items (L,), something on both sides, by a shuffle that the items themselves seed."""
    different = np.unique(items)
    count = max(int(BEGINNING * len(different)), 1)
    key = hashlib.sha256(different.astype("<i8").tobytes()).digest()
    order = np.random.default_rng(int.from_bytes(key[:8], "little")).permutation(len(different))
    return np.asarray(different[order[:count]])


def build_validation(histories: Sequence[History]) -> Validation:
    """Beginnings and targets of these people; those with nothing to predict, or to predict from, are left out."""
    parts = [split_history(history) for history in histories]
    kept = [(begin, later) for begin, later in parts if len(begin) and len(later)]
    return Validation(histories=tuple(one for one, _ in kept), targets=tuple(later for _, later in kept))


def mean_parts(tokens: ItemTokens) -> NDArray[np.float32]:
    """Mean zero-shot part of each modality over the items that have it, (M, D)."""
    rows = [pad_vectors(one.joint[one.present], tokens.dimension) for one in tokens.modalities.values()]
    means = [found.mean(axis=0) if len(found) else np.zeros(tokens.dimension) for found in rows]
    return np.stack(means).astype(np.float32)


def describe_modalities(tokens: ItemTokens) -> tuple[ModalityShape, ...]:
    """Shapes of the modalities for a model that reads them."""
    return tuple(
        ModalityShape(
            name=name, width=int(one.tokens.shape[2]), segments=PARTS[name].segments, dimension=one.joint.shape[1]
        )
        for name, one in tokens.modalities.items()
    )


def split_people(log: InteractionLog, *, seed: int) -> tuple[InteractionLog, Validation]:
    """Keep every fifth person for validation, chosen by the seed: `MOST_VALIDATION` of them at most.

    Of a small log as many are kept as it takes to choose by.
    """
    people = np.random.default_rng([seed, 1]).permutation(np.unique(log.users))
    count = min(len(people) // VALIDATION_SHARE, MOST_VALIDATION)
    validation = build_validation(log.histories(np.sort(people[:count])))
    if len(validation) < LEAST_VALIDATION:
        later = [len(build_validation([one])) for one in log.histories(people[count : len(people) // 2])]
        enough = np.flatnonzero(len(validation) + np.cumsum(later) >= LEAST_VALIDATION)
        count += int(enough[0]) + 1 if len(enough) else 0
        validation = build_validation(log.histories(np.sort(people[:count])))
    return log.take(~np.isin(log.users, people[:count])), validation


def build_data(
    tokens: ItemTokens,
    titles: Sequence[str],
    categories: Sequence[str],
    *,
    pictures: Sequence[str] = (),
    log: InteractionLog | None = None,
    excluded: NDArray[np.bool_] | None = None,
    words: "sparse.csr_matrix | None" = None,
    seed: int = 0,
) -> TrainData:
    """Split items by title and picture and people at random; nothing excluded or held out is ever trained on.

    Args:
        tokens: Of N items.
        titles: (N,).
        categories: (N,), "" where unknown.
        pictures: What each main picture is called by its content, "" for none, (N,); empty where nobody knows.
        log: Everyone's events; None trains on the catalogue alone.
        excluded: Items that are held out altogether, e.g. for a test, (N,).
        words: Of the items, (N, V); None for none.
        seed: Of the choice of people.
    """
    from scipy import sparse

    captions, numbers = number_texts(titles), number_pictures(pictures, len(titles))
    shown = np.ones(len(titles), bool) if excluded is None else ~excluded
    groups, pairs = group_items(captions, numbers), shown & tokens.paired
    held = hold_out(titles, groups, "held", among=pairs, least=LEAST_HELD if log is None else 0) & shown
    fit, validation = None, Validation(histories=(), targets=())
    if log is not None:
        people, validation = split_people(log.take(shown[log.items]), seed=seed)
        fit = people.take(~held[people.items])
    return TrainData(
        tokens=tokens,
        means=mean_parts(tokens),
        captions=captions,
        pictures=numbers,
        categories=tuple(categories),
        shown=shown,
        validation_items=held,
        log=fit,
        validation=validation,
        words=sparse.csr_matrix((len(titles), 0), dtype=np.float32) if words is None else words,
    )
