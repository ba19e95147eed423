"""What is fitted after the network: popularity from words, the memory, and how much each head counts.

All of it is closed form or a grid, chosen on validation people. Imports torch, so import this module inside
functions only.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from core.interactions.log import InteractionLog
from core.model.fitted import blend_prior, head_parts, liked_matrix, liked_rows
from core.model.heads import HeadWeights, PeopleHeads
from core.model.inference import ItemFacts, read_people, unit
from core.model.memory import Memory, fit_memory
from core.model.network import FusionModel
from core.tokens.bag_of_words import fold_words
from core.train.batches import LogFacts, count_log
from core.train.combine import Panel, choose_known, choose_new
from core.train.data import TrainData, Validation
from core.train.validate import measure_catalog, measure_log

_SHRINKAGES = (100.0, 200.0)
_CONTENTS = (0.0003, 0.003, 0.03)
#: Penalty of the ridge regression from words to popularity; words' rows have norm 1.
_WORD_PENALTY = 2.0


def fit_people(
    model: FusionModel, data: TrainData, items: ItemFacts, everything: InteractionLog | None
) -> tuple[PeopleHeads | None, dict[str, float]]:
    """Choose on validation people, then fit once more on everyone.

    Args:
        model: The network as it stays.
        data: What it was trained on.
        items: What it says about all items.
        everything: The log of the same people with all items; None takes the data's.

    Returns:
        The heads, None without a log; and what validation gives.
    """
    if data.log is None:
        return None, measure_catalog(model, data)
    facts = count_log(data)
    whole = replace(data, log=everything) if everything is not None else data
    counted = count_log(whole)
    words = popularity_from_words(data.words, facts.popularity)
    source = _choose_source(data, counted, items, words)
    vectors = memory_vectors(items, data.words)
    prior = blend_prior(facts.counts, facts.popularity, _predict(source, items, words))
    (shrinkage, content), weights, value = _choose_memory(model, data, items, vectors, prior, facts)
    heads = PeopleHeads(
        prior=blend_prior(
            counted.counts,
            counted.popularity,
            _predict(source, items, popularity_from_words(data.words, counted.popularity)),
        ),
        memory=fit_memory(liked_matrix(counted.histories, len(data)), vectors, shrinkage=shrinkage, content=content),
        weights=weights,
        rating_scale=(facts.rating_mean, facts.rating_std),
    )
    return heads, {"ndcg": value, **measure_log(model, data, facts, items)}


def memory_vectors(items: ItemFacts, words: sparse.csr_matrix | None) -> NDArray[np.float32]:
    """What the memory takes for likeness: the fused vectors beside the folded words, alike in weight, (N, E)."""
    fused = unit(items.flat - items.flat.mean(axis=0))
    if words is None:
        return fused
    return np.concatenate([fused, fold_words(words)], axis=1)


def popularity_from_words(words: sparse.csr_matrix, popularity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ridge regression from words (N, V) to popularity (N,), NaN where it is not known; predicted for all, (N,)."""
    from sklearn.linear_model import Ridge  # type: ignore[import-untyped]

    known = np.flatnonzero(~np.isnan(popularity))
    if not words.shape[1] or len(known) < 2:
        return np.zeros(len(popularity), np.float32)
    fitted = Ridge(alpha=_WORD_PENALTY).fit(words[known], popularity[known])
    predicted: NDArray[np.float32] = fitted.predict(words).astype(np.float32)
    return predicted


def _choose_source(data: TrainData, counted: LogFacts, items: ItemFacts, words: NDArray[np.float32]) -> str:
    """What foretells best how popular the validation items turned out to be: "network", "words" or "both"."""
    cold = data.validation_items & counted.seen
    if not data.words.shape[1] or cold.sum() < 10:
        return "network"
    truth = counted.popularity[cold]
    found = {name: _predict(name, items, words)[cold] for name in ("network", "words", "both")}
    return max(found, key=lambda name: _correlation(found[name], truth))


def _predict(source: str, items: ItemFacts, words: NDArray[np.float32]) -> NDArray[np.float32]:
    """Popularity foretold by the network, by the words' regression, or by both, standard deviations, (N,)."""
    if source == "network":
        return items.popularity
    return words if source == "words" else ((words + items.popularity) / 2).astype(np.float32)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 1e-9 else -1.0


def _choose_memory(
    model: FusionModel,
    data: TrainData,
    items: ItemFacts,
    vectors: NDArray[np.float32],
    prior: NDArray[np.float32],
    facts: LogFacts,
) -> tuple[tuple[float, float], HeadWeights, float]:
    """Shrinkage, content and head weights that rank best for validation people."""
    likes, validation = liked_matrix(facts.histories, len(data)), data.validation
    flat = items.flat
    people = read_people(model, validation.histories, torch.from_numpy(flat), (facts.rating_mean, facts.rating_std))
    chosen: tuple[Panel, tuple[float, float], HeadWeights, float] | None = None
    for shrinkage in _SHRINKAGES:
        fitted = fit_memory(likes, vectors, shrinkage=shrinkage, content=0)
        for content in _CONTENTS:
            memory = fitted.with_content(content)
            panel = Panel(
                parts=partial(_read_parts, people, flat, prior, memory, validation),
                targets=validation.targets,
                masked=validation.masked,
                new=~memory.seen,
                cold=data.validation_items,
                allowed=data.shown,
            )
            weights, value = choose_known(panel)
            if chosen is None or value > chosen[3]:
                chosen = (panel, (shrinkage, content), weights, value)
    if chosen is None:
        raise ValueError("there is no grid to choose from")
    panel, memory_numbers, weights, value = chosen
    return memory_numbers, choose_new(panel, weights), value


def _read_parts(
    people: NDArray[np.float32],
    flat: NDArray[np.float32],
    prior: NDArray[np.float32],
    memory: Memory,
    validation: Validation,
    rows: slice,
) -> NDArray[np.float32]:
    """The heads of some of the validation people, (b, N, 4)."""
    return head_parts(people[rows] @ flat.T, prior, memory, liked_rows(validation.histories[rows], len(prior)))
