"""What every compared recommender is: fitted on some events, then scores all items for new histories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from core.interactions.log import History, InteractionLog

if TYPE_CHECKING:
    from scipy import sparse  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTable:
    """What is known about the items themselves, in catalogue order.

    Attributes:
        item_ids: Ids, (N,).
        texts: `core.encode.text.item_text` of each, (N,).
        titles: (N,).
        categories: The narrowest category, "" where unknown, (N,).
        text_embeddings: Unit-norm, zero where there is no text, (N, D).
        picture_embeddings: Unit-norm mean over an item's pictures, zero where there is none, (N, D).
        pictures: What each main picture is called by its content, "" for none, (N,); empty where nobody knows.
        words: `core.tokens.bag_of_words.count_words` of the items, (N, V); None where nobody counted.
        domains: Of each item, (N,); empty where nobody asks.
    """

    item_ids: tuple[str, ...]
    texts: tuple[str, ...]
    titles: tuple[str, ...]
    categories: tuple[str, ...]
    text_embeddings: NDArray[np.float32]
    picture_embeddings: NDArray[np.float32]
    pictures: tuple[str, ...] = ()
    words: "sparse.csr_matrix | None" = None
    domains: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.item_ids)

    @property
    def slices(self) -> dict[str, NDArray[np.bool_]]:
        """Kinds of items that are measured apart, (N,) each: without a text, without a picture, of each domain.

        Only those that some items are of and others are not: of a catalogue without any picture there is nothing apart.
        """
        domains = np.array(self.domains)
        kinds = {
            "no_text": np.asarray(~self.text_embeddings.any(axis=1)),
            "no_picture": np.asarray(~self.picture_embeddings.any(axis=1)),
            **{name: np.asarray(domains == name) for name in sorted(set(self.domains))},
        }
        return {name: kind for name, kind in kinds.items() if kind.any() and not kind.all()}


class Recommender(Protocol):
    """A model under comparison.

    Attributes:
        name: As on the command line and in tables.
        ranks_cold: Whether it can tell items apart that no event of the fit touched.
    """

    name: str
    ranks_cold: bool

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Learn from events; `log.items` are rows of `items`. Test users are never among them."""

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Scores of all items for each history, (B, N); higher is better. An empty history is allowed."""


class Transductive(Recommender, Protocol):
    """A recommender that scores nobody who was not in its fit; it has `transductive` set."""

    def expect(self, histories: Sequence[History]) -> None:
        """Take, before the fit, the histories of those who will be asked about; never what they liked afterwards."""


def is_transductive(recommender: Recommender) -> bool:
    """Whether it has to have met, in its fit, the histories of those whom it scores, which favours it."""
    return bool(getattr(recommender, "transductive", False))


def announce(recommender: Recommender, histories: Sequence[History]) -> None:
    """Tell those who will be asked about to a recommender that needs them in its fit, and nothing to any other."""
    if is_transductive(recommender):
        cast(Transductive, recommender).expect(histories)
