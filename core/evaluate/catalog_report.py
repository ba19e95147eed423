"""A catalogue without a log: how well pictures and texts find each other, before and after training.

The answers are the items kept out of training, never those that were trained on: training moves what it has seen, so
that among all items the held-out ones would be found more easily, or less, without anything being understood. Few
answers make recall@10 a 1 for every model, so what is judged is the reciprocal rank, which tells models apart among
ten answers and among ten thousand. Questions that are the same title, or share a picture, are one: they are averaged.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.metrics import mean_interval
from core.tokens.item_tokens import PAIR, ItemTokens
from core.train.blocks import split_rows

if TYPE_CHECKING:
    from core.model.network import FusionModel

TASKS = ("title to picture", "picture to title", "description to product", "category from picture")
#: What a verdict is taken from: its task and its metric.
MAIN = (TASKS[0], "mrr")
_DEPTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What is asked of H held-out items.

    Attributes:
        titles: Embeddings of titles, unit-norm, (H, D).
        descriptions: Embeddings of descriptions, unit-norm, zero where there is none, (H, D).
        captions: Equal numbers for equal titles, (H,).
        pictures: Equal numbers for equal pictures, (H,).
        groups: Equal numbers for items that are one question, (H,).
        labels: Category of each item, -1 where unknown, (H,).
        names: Embeddings of the categories' names, unit-norm, (C, D).
    """

    titles: NDArray[np.float32]
    descriptions: NDArray[np.float32]
    captions: NDArray[np.int64]
    pictures: NDArray[np.int64]
    groups: NDArray[np.int64]
    labels: NDArray[np.int64]
    names: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """One task on held-out items.

    Attributes:
        task: One of `TASKS`.
        metric: "recall@10", "mrr" (of full rankings), or "accuracy" for categories.
        values: Mean over the questions of each group, in the order of their numbers, [0, 1], (G,).
        pool: How many answers there were to choose from.
    """

    task: str
    metric: str
    values: NDArray[np.float64]
    pool: int

    @property
    def mean(self) -> float:
        """Mean over groups."""
        return float(self.values.mean()) if len(self.values) else 0.0

    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean."""
        return mean_interval(self.values)


def measure_matching(model: "FusionModel", tokens: ItemTokens, asked: Questions) -> tuple[Matching, ...]:
    """Measure a model on held-out items.

    Args:
        model: Gates at 0 measure the towers alone.
        tokens: Of H held-out items.
        asked: Of the same.
    """
    from core.model.inference import read_items

    found = (read_items(model, tokens, only=name).vectors[:, list(tokens.modalities).index(name)] for name in PAIR)
    pictures, texts = (one[:, : asked.titles.shape[1]] for one in found)
    there = tokens.paired
    rows = np.flatnonzero(there)
    described = np.flatnonzero(there & asked.descriptions.any(axis=1))
    known = np.flatnonzero(there & (asked.labels >= 0))
    return (
        *match_questions(TASKS[0], asked.titles, pictures, asked, (rows, rows)),
        *match_questions(TASKS[1], pictures, texts, asked, (rows, rows)),
        *match_questions(TASKS[2], asked.descriptions, pictures + texts, asked, (described, rows)),
        _classify(pictures[known], asked, known),
    )


def match_questions(
    task: str,
    questions: NDArray[np.float32],
    answers: NDArray[np.float32],
    asked: Questions,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[Matching, ...]:
    """Where the first right answer stands.

    A question to which every answer is right is none: no model could answer it worse.

    Args:
        task: One of `TASKS`.
        questions: Embeddings, (H, D).
        answers: Embeddings, (H, D).
        asked: What is known of the items.
        rows: Items that ask, and items that answer.
    """
    which, pool = rows
    if not len(which):
        return (Matching(task=task, metric="mrr", values=np.empty(0), pool=len(pool)),)
    ranks, told = [], []
    for part in (which[some] for some in split_rows(len(which), len(pool))):
        right = (asked.captions[part, None] == asked.captions[pool]) | (
            asked.pictures[part, None] == asked.pictures[pool]
        )
        open_ = ~right.all(axis=1)
        told.append(part[open_])
        ranks.append(rank_first_right(questions[told[-1]] @ answers[pool].T, right[open_]))
    return _summarise(task, np.concatenate(ranks), asked.groups[np.concatenate(told)], len(pool))


def _summarise(task: str, ranks: NDArray[np.float64], groups: NDArray[np.int64], pool: int) -> tuple[Matching, ...]:
    """The figures of a task from the ranks of its questions, (Q,)."""
    found = {"mrr": 1 / ranks} | ({"recall@10": (ranks <= _DEPTH).astype(float)} if pool > _DEPTH else {})
    return tuple(
        Matching(task=task, metric=metric, values=_mean_groups(values, groups), pool=pool)
        for metric, values in found.items()
    )


def rank_first_right(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Rank of the best right answer of each question, from 1, (Q,).

    A wrong answer with the same score counts half: a model that gives all answers one score stands in the middle.

    Args:
        scores: (Q, A).
        right: At least one a question, (Q, A).

    Raises:
        ValueError: A score is NaN.
    """
    if np.isnan(scores).any():
        raise ValueError("a score is NaN")
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    above, beside = (scores > best) & ~right, (scores == best) & ~right
    return np.asarray(1 + above.sum(axis=1) + beside.sum(axis=1) / 2)


def _classify(pictures: NDArray[np.float32], asked: Questions, rows: NDArray[np.int64]) -> Matching:
    names = asked.names
    if not len(names) or not len(pictures):
        return Matching(task=TASKS[3], metric="accuracy", values=np.empty(0), pool=len(names))
    right = ((pictures @ names.T).argmax(axis=1) == asked.labels[rows]).astype(float)
    return Matching(task=TASKS[3], metric="accuracy", values=_mean_groups(right, asked.groups[rows]), pool=len(names))


def _mean_groups(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of each group, by number, (G,)."""
    _, places = np.unique(groups, return_inverse=True)
    return np.asarray(np.bincount(places, values) / np.bincount(places))
