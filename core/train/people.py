"""What is fitted after the network: the memory, the popularity that content foretells, and how much each head counts.

All of it is closed form or a grid, chosen on people of the fit. Imports torch, so import this module inside functions
only.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from core.interactions.log import InteractionLog
from core.model.events import weigh_matrix, weigh_rows
from core.model.fitted import blend_prior, foretell_popularity, head_parts
from core.model.heads import PeopleHeads
from core.model.inference import ItemFacts, read_people, unit
from core.model.memory import Memory
from core.model.network import FusionModel
from core.tokens.bag_of_words import fold_words
from core.train.batches import LogFacts, count_log
from core.train.combine import Panel, choose_known, choose_new
from core.train.data import TrainData
from core.train.memory_choice import MemoryChoice, MemoryChooser
from core.train.validate import measure_catalog, measure_log

#: More people than this are sampled: the memory holds a matrix of people x people.
MAX_PEOPLE = 8_000


def fit_people(
    model: FusionModel, data: TrainData, items: ItemFacts, everything: InteractionLog | None
) -> tuple[PeopleHeads | None, dict[str, float]]:
    """Choose on people of the fit, then fit once more on everyone.

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
    counted = count_log(replace(data, log=everything)) if everything is not None else facts
    vectors = memory_vectors(items.flat, data.words)
    chooser = MemoryChooser(counted.histories, vectors)
    chosen = chooser.choose()
    weights, value = choose_known(_build_panel(model, data, items, vectors, facts, chosen))
    memory = fit_everyone(counted, vectors, chosen).with_ridge()
    heads = PeopleHeads(
        prior=blend_prior(counted.counts, counted.popularity, foretell_popularity(memory)),
        memory=memory,
        weights=choose_new(weights, chooser, chosen),
        rating_scale=(facts.rating_mean, facts.rating_std),
        events=chosen.events,
    )
    return heads, {"ndcg": value, **measure_log(model, data, facts, items)}


def memory_vectors(flat: NDArray[np.float32], words: sparse.csr_matrix | None) -> NDArray[np.float32]:
    """What the memory takes for likeness: `ItemFacts.flat` beside the folded words, alike in weight, (N, E)."""
    fused = unit(flat - flat.mean(axis=0))
    if words is None:
        return fused
    return np.concatenate([fused, fold_words(words)], axis=1)


def fit_everyone(facts: LogFacts, vectors: NDArray[np.float32], chosen: MemoryChoice) -> Memory:
    """The memory of all people, or of as many as it holds, drawn."""
    people = np.arange(len(facts.histories))
    if len(people) > MAX_PEOPLE:
        people = np.sort(np.random.default_rng(0).choice(len(people), MAX_PEOPLE, replace=False))
    histories = [facts.histories[person] for person in people.tolist()]
    return chosen.fit(weigh_matrix(histories, len(vectors), chosen.events), vectors)


def _build_panel(
    model: FusionModel,
    data: TrainData,
    items: ItemFacts,
    vectors: NDArray[np.float32],
    facts: LogFacts,
    chosen: MemoryChoice,
) -> Panel:
    """The validation people, whom neither the network nor this memory has met, and the items with events."""
    memory = fit_everyone(facts, vectors, chosen)
    prior = blend_prior(facts.counts, facts.popularity, np.zeros(len(data), np.float32))
    histories, flat = data.validation.histories, items.flat
    people = read_people(model, histories, torch.from_numpy(flat), (facts.rating_mean, facts.rating_std))

    def read(rows: slice) -> NDArray[np.float32]:
        liked = weigh_rows(histories[rows], len(flat), chosen.events)
        return head_parts(people[rows] @ flat.T, prior, memory, liked)

    return Panel(
        parts=read,
        targets=data.validation.targets,
        masked=data.validation.masked,
        new=~memory.seen,
        shown=data.learnable & memory.seen,
    )
