"""What a trained version says when one thing it relies on is taken away; nothing is fitted again.

A modality is swapped between items at random, so that every number is still one that a real item has. A version that
suggests as well with swapped pictures does not look at them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable, Recommender
from core.evaluate.fusion import TrainedRecommender
from core.interactions.log import History, InteractionLog
from core.tokens.item_tokens import ItemTokens, ModalityTokens

if TYPE_CHECKING:
    from core.train.run import Trained


class WithoutHistory:
    """A recommender that is not told what people did before."""

    ranks_cold = True

    def __init__(self, other: Recommender) -> None:
        self.name = other.name
        self._other = other

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """As the other."""
        self._other.fit(log, items)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """What the other says to newcomers, (B, N)."""
        return self._other.score([history.take(slice(0)) for history in histories])


def knock_outs(trained: "Trained", items: ItemTable, *, seed: int) -> Iterator[tuple[str, Callable[[], Recommender]]]:
    """The version without its pictures, without its texts, and without anybody's history: each name and its builder.

    What no item has cannot be taken away.
    """
    for modality in (name for name, one in trained.tokens.modalities.items() if one.present.any()):
        swap = partial(_swap, trained, items, modality, seed)
        yield f"trained, {modality}s swapped", lambda swap=swap: TrainedRecommender(swap())  # type: ignore[misc]
    yield "trained, no history", lambda: WithoutHistory(TrainedRecommender(trained))


def swap_modality(tokens: ItemTokens, modality: str, order: NDArray[np.int64]) -> ItemTokens:
    """Items whose tokens of one modality are those of other items, `order` (N,)."""
    one = tokens.modalities[modality]
    swapped = ModalityTokens(tokens=one.tokens[order], mask=one.mask[order], joint=one.joint[order])
    return ItemTokens(modalities={**tokens.modalities, modality: swapped})


def _swap(trained: "Trained", items: ItemTable, modality: str, seed: int) -> "Trained":
    from core.model.inference import read_items
    from core.train.people import memory_vectors

    order = np.random.default_rng([seed, 9]).permutation(len(items))
    facts = read_items(trained.model, swap_modality(trained.tokens, modality, order))
    if trained.heads is None:
        return replace(trained, items=facts)
    words, prior = items.words, trained.heads.prior
    if modality == "text":  # words are text, and what they foretell is too
        words = None if words is None else words[order]
        prior = prior[order]
    memory = trained.heads.memory.with_vectors(memory_vectors(facts.flat, words))
    return replace(trained, items=facts, heads=replace(trained.heads, memory=memory, prior=prior))
