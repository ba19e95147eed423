"""A catalogue without a log: how well pictures and texts find each other, before and after training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.encode.item_tokens import ItemTokens
from core.metrics import bootstrap_interval, rank_top

if TYPE_CHECKING:
    from core.model.network import FusionModel

TASKS = ("title to picture", "picture to title", "description to product", "category from picture")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """One task on held-out items.

    Attributes:
        task: One of `TASKS`.
        metric: "recall@10", or "accuracy" for categories.
        values: 1 or 0 for each question, (Q,).
        pool: How many answers there were to choose from.
    """

    task: str
    metric: str
    values: NDArray[np.float64]
    pool: int

    @property
    def mean(self) -> float:
        """Share of questions answered."""
        return float(self.values.mean()) if len(self.values) else 0.0

    def interval(self, *, seed: int = 0) -> tuple[float, float]:
        """95 % bootstrap interval of the mean."""
        return bootstrap_interval(self.values, seed=seed)


def measure_matching(
    model: "FusionModel",
    tokens: ItemTokens,
    titles: NDArray[np.float32],
    descriptions: NDArray[np.float32],
    captions: NDArray[np.int64],
    labels: NDArray[np.int64],
    names: NDArray[np.float32],
) -> tuple[Matching, ...]:
    """Measure a model on held-out items.

    Args:
        model: Gates at 0 measure the towers alone.
        tokens: Of H held-out items.
        titles: Embeddings of titles, unit-norm, (H, D).
        descriptions: Embeddings of descriptions, unit-norm, zero where there is none, (H, D).
        captions: Equal numbers for equal titles, (H,).
        labels: Category of each item, -1 where unknown, (H,).
        names: Embeddings of the categories' names, unit-norm, (C, D).
    """
    from core.train.inference import read_items

    pictures = read_items(model, tokens, only=0).vectors[:, 0]
    texts = read_items(model, tokens, only=1).vectors[:, 1]
    there = tokens.modalities["picture"].present & tokens.modalities["text"].present
    known = np.flatnonzero(there & (labels >= 0))
    described = np.flatnonzero(there & descriptions.any(axis=1))
    rows = np.flatnonzero(there)
    return (
        _find(TASKS[0], titles[rows], pictures[rows], captions[rows], captions[rows]),
        _find(TASKS[1], pictures[rows], texts[rows], captions[rows], captions[rows]),
        _find(TASKS[2], descriptions[described], pictures[rows] + texts[rows], captions[described], captions[rows]),
        _classify(pictures[known], names, labels[known]),
    )


def _find(
    task: str,
    questions: NDArray[np.float32],
    answers: NDArray[np.float32],
    asked: NDArray[np.int64],
    captions: NDArray[np.int64],
) -> Matching:
    """Whether an item with the caption that was asked for is among the first ten."""
    if not len(questions) or not len(answers):
        return Matching(task=task, metric="recall@10", values=np.empty(0), pool=len(answers))
    top = rank_top((questions @ answers.T).astype(np.float32), 10)
    found = (captions[top] == asked[:, None]).any(axis=1)
    return Matching(task=task, metric="recall@10", values=found.astype(np.float64), pool=len(answers))


def _classify(pictures: NDArray[np.float32], names: NDArray[np.float32], labels: NDArray[np.int64]) -> Matching:
    if not len(names) or not len(pictures):
        return Matching(task=TASKS[3], metric="accuracy", values=np.empty(0), pool=len(names))
    right = (pictures @ names.T).argmax(axis=1) == labels
    return Matching(task=TASKS[3], metric="accuracy", values=right.astype(np.float64), pool=len(names))
