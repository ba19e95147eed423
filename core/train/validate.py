"""The number that training watches. Imports torch, so import this module inside functions only."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.metrics import ndcg_at, rank_top, recall_at, reciprocal_rank_at
from core.model.inference import ItemFacts, read_items, read_people
from core.model.network import FusionModel
from core.tokens.item_tokens import PAIR
from core.train.batches import LogFacts
from core.train.blocks import split_rows
from core.train.data import TrainData

#: What an item's predicted popularity is worth beside taste while training is watched; the final weight is fitted.
_PRIOR_WEIGHT = 0.5


def measure_log(model: FusionModel, data: TrainData, facts: LogFacts, items: ItemFacts) -> dict[str, float]:
    """ndcg@10 and recall@10 over validation people, of taste and prior."""
    vectors = torch.from_numpy(items.flat)
    people = read_people(model, data.validation.histories, vectors, (facts.rating_mean, facts.rating_std))
    scale = float(model.user_scale.detach())
    prior = np.where(facts.seen, np.nan_to_num(facts.popularity), items.popularity)
    flat = items.flat.T
    return _rank(lambda rows: scale * people[rows] @ flat + _PRIOR_WEIGHT * prior, data)


def measure_flat(data: TrainData, facts: LogFacts, zero_shot: NDArray[np.float32]) -> dict[str, dict[str, float]]:
    """The flat lines of the live chart: popularity and zero-shot, on the same people.

    Args:
        data: What is learned from.
        facts: Counted over its log.
        zero_shot: Unit-norm zero-shot vectors, (N, M * D).
    """
    people = np.stack([zero_shot[one.items[one.liked]].sum(axis=0) for one in data.validation.histories])
    counts = facts.counts.astype(np.float32)
    return {
        "zero-shot": _rank(lambda rows: people[rows] @ zero_shot.T, data),
        "popularity": _rank(lambda rows: np.tile(counts, (len(people[rows]), 1)), data),
    }


def measure_catalog(model: FusionModel, data: TrainData) -> dict[str, float]:
    """recall@10 from title to picture and back over the validation items, by the fused picture alone."""
    rows = np.flatnonzero(data.validation_items)
    tokens = data.tokens.take(rows)
    pictures, texts = (read_items(model, tokens, only=name).vectors[:, model.config.place(name)] for name in PAIR)
    return match_held(texts, pictures, data, rows)


def match_held(
    texts: NDArray[np.float32], pictures: NDArray[np.float32], data: TrainData, rows: NDArray[np.int64]
) -> dict[str, float]:
    """recall@10 and ndcg@10 of texts (H, D) against pictures (H, D); an equal caption or picture counts as found."""
    both = data.paired[rows]
    if not both.any():
        return {"recall@10": 0.0, "ndcg@10": 0.0}
    texts, pictures = texts[both], pictures[both]
    captions, shown = data.captions[rows][both], data.pictures[rows][both]
    found, gains = [], []
    for part in split_rows(len(texts), len(texts)):  # (b, H) at a time: H grows with the catalogue
        top = rank_top((texts[part] @ pictures.T).astype(np.float32), 10)
        pairs = zip(captions[part], shown[part], strict=True)
        targets = [np.flatnonzero((captions == caption) | (shown == picture)) for caption, picture in pairs]
        found.append(reciprocal_rank_at(top, targets, 10) > 0)
        gains.append(ndcg_at(top, targets, 10))
    return {"recall@10": float(np.concatenate(found).mean()), "ndcg@10": float(np.concatenate(gains).mean())}


def _rank(score: Callable[[slice], NDArray[Any]], data: TrainData) -> dict[str, float]:
    """Both figures from the scores of some people at a time, (b, N)."""
    tops = [np.empty((0, min(10, len(data))), np.int64)]
    for rows in split_rows(len(data.validation), len(data)):
        scores = score(rows).astype(np.float32)
        scores[:, ~data.learnable] = -np.inf
        tops.append(rank_top(scores, 10, masked=data.validation.masked[rows]))
    top, targets = np.concatenate(tops), data.validation.targets
    return {
        "recall@10": float(np.nanmean(recall_at(top, targets, 10))),
        "ndcg@10": float(np.nanmean(ndcg_at(top, targets, 10))),
    }
