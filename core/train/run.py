"""A whole run: build, train, choose the blend and the head weights, and write a version down.

Imports torch, so import this module inside functions only.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.device import DeviceChoice, seed_everything
from core.encode.item_tokens import MODALITIES, ItemTokens
from core.errors import TrainError
from core.interactions.log import InteractionLog
from core.model.config import ModelConfig, read_categories
from core.model.fitted import blend_prior, head_parts, liked_rows
from core.model.fusion import describe_shapes
from core.model.memory import Memory, fit_memory
from core.model.network import FusionModel
from core.train.batches import LogFacts, count_log
from core.train.checkpoint import BEST, load_weights
from core.train.combine import HeadWeights, Panel, choose_weights
from core.train.config import TrainConfig
from core.train.data import TrainData, Validation
from core.train.inference import ItemFacts, read_items, read_people
from core.train.loop import EpochReport, Trainer
from core.train.tracking import WATCHED
from core.train.validate import measure_catalog, measure_flat, measure_log

_log = logging.getLogger(__name__)
#: How far towards the tuned model; 0 is zero-shot.
BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SHRINKAGES = (100.0, 200.0)
_CONTENTS = (0.003, 0.03)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a run tells while it works.

    Attributes:
        on_step: Steps done and steps in all.
        on_epoch: After each epoch.
        on_flat: Once, the lines that training is held against.
    """

    on_step: Callable[[int, int], None] = lambda _step, _steps: None
    on_epoch: Callable[[EpochReport], None] = lambda _report: None
    on_flat: Callable[[Mapping[str, Mapping[str, float]]], None] = lambda _lines: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a run leaves.

    Attributes:
        model: The best epoch with its gates blended, evaluation mode, on the CPU.
        items: What it says about all items.
        prior: Popularity in standard deviations, observed or predicted, (N,); zero without a log.
        memory: None without a log.
        weights: Of the heads.
        blend: One of `BLENDS`.
        rating_scale: Mean and standard deviation of ratings.
        validation: Metric to value of the blended model; with a log of all heads together.
        flat: The lines it was held against.
        steps: Steps of the best epoch.
        seconds: From the start of this attempt.
    """

    model: FusionModel
    items: ItemFacts
    prior: NDArray[np.float32]
    memory: Memory | None
    weights: HeadWeights
    blend: float
    rating_scale: tuple[float, float]
    validation: Mapping[str, float]
    flat: Mapping[str, Mapping[str, float]]
    steps: int
    seconds: float


def build_model(tokens: ItemTokens, data: TrainData, config: TrainConfig) -> FusionModel:
    """A model with fresh weights of the configuration's seed."""
    seed_everything(config.seed)
    widths = {name: int(one.tokens.shape[2]) for name, one in tokens.modalities.items()}
    shape = ModelConfig(
        dimension=data.means.shape[1],
        modalities=describe_shapes(widths, {name: MODALITIES[name].segments for name in widths}),
        width=config.width,
        layers=config.layers,
        dropout=config.dropout,
        modality_dropout=config.modality_dropout,
        history=config.history,
        categories=read_categories([name for name, ok in zip(data.categories, data.learnable, strict=True) if ok]),
    )
    model = FusionModel(shape)
    model.fusion.set_means(torch.from_numpy(data.means))
    return model


def train(
    data: TrainData,
    config: TrainConfig,
    choice: DeviceChoice,
    folder: Path,
    *,
    everything: InteractionLog | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Train in a folder, or go on there.

    Args:
        data: What to learn from; its log lacks the items that stand for new ones.
        config: Hyper-parameters; empty tasks are filled in.
        choice: Where and in which number format.
        folder: Of the run; made when missing.
        everything: The log of the same people with all items, which the memory learns in the end.
        watch: Told what happens; whatever it raises ends the run, which can be resumed.

    Raises:
        TrainError: Training cannot start or go on; the message says what to change.
    """
    began, watch = time.monotonic(), watch or Watch()
    folder.mkdir(parents=True, exist_ok=True)
    check_data(data)
    model = build_model(data.tokens, data, config)
    config = config.with_tasks(has_log=data.log is not None, has_categories=bool(model.config.categories))
    zero_shot = read_items(model, data.tokens)
    flat = _flat_lines(model, data, zero_shot)
    watch.on_flat(flat)
    trainer = Trainer(model, data, config, choice, folder)
    trainer.resume()
    place = trainer.run(on_step=watch.on_step, on_epoch=watch.on_epoch)
    best, _ = load_weights(folder / BEST)
    blend = choose_blend(best, data)
    items = read_items(best, data.tokens)
    fitted = _fit_people(best, data, items, everything)
    return Trained(
        model=best,
        items=items,
        blend=blend,
        flat=flat,
        steps=place.best_step,
        seconds=time.monotonic() - began,
        **fitted,
    )


def choose_blend(model: FusionModel, data: TrainData) -> float:
    """Set the fusion's gates between zero-shot and tuned, by validation; ties go to the one nearer to zero-shot.

    With the gates at 0 nothing else in the fusion matters, so scaling them is the straight line in weight space between
    the two models.

    Source: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT), equation 1.
    """
    tuned = model.fusion.gate.detach().clone()
    facts = count_log(data) if data.log is not None else None
    best, best_value = 1.0, -1.0
    for blend in BLENDS:
        set_gates(model, tuned * blend)
        found = (
            measure_catalog(model, data)
            if facts is None
            else measure_log(model, data, facts, read_items(model, data.tokens))
        )
        if found[WATCHED] > best_value:
            best, best_value = blend, found[WATCHED]
    set_gates(model, tuned * best)
    return best


def set_gates(model: FusionModel, gates: torch.Tensor) -> None:
    """Take these gates, (M,)."""
    with torch.no_grad():
        model.fusion.gate.copy_(gates)


def person_parts(
    model: FusionModel,
    items: ItemFacts,
    prior: NDArray[np.float32],
    memory: Memory,
    validation: Validation,
    scale: tuple[float, float],
) -> NDArray[np.float32]:
    """Heads without weights for people, (B, N, 4)."""
    flat = items.flat
    people = read_people(model, list(validation.histories), torch.from_numpy(flat), scale)
    return head_parts(people @ flat.T, prior, memory, liked_rows(validation.histories, len(flat)))


def _fit_people(
    model: FusionModel, data: TrainData, items: ItemFacts, everything: InteractionLog | None
) -> dict[str, Any]:
    if data.log is None:
        nothing = HeadWeights(taste=0.0, prior=0.0, together=0.0, content=0.0)
        return {
            "prior": np.zeros(len(data), np.float32),
            "memory": None,
            "weights": nothing,
            "rating_scale": (0.0, 1.0),
            "validation": measure_catalog(model, data),
        }
    facts = count_log(data)
    scale = (facts.rating_mean, facts.rating_std)
    prior = blend_prior(facts.counts, facts.popularity, items.popularity)
    (shrinkage, content), weights, value = _choose_memory(model, data, items, prior, facts)
    whole = replace(data, log=everything) if everything is not None else data
    counted = count_log(whole)
    likes = liked_rows(counted.histories, len(data))
    return {
        "prior": blend_prior(counted.counts, counted.popularity, items.popularity),
        "memory": fit_memory(likes, items.flat, shrinkage=shrinkage, content=content),
        "weights": weights,
        "rating_scale": scale,
        "validation": {"ndcg": value, **measure_log(model, data, facts, items)},
    }


def _choose_memory(
    model: FusionModel, data: TrainData, items: ItemFacts, prior: NDArray[np.float32], facts: LogFacts
) -> tuple[tuple[float, float], HeadWeights, float]:
    """Shrinkage, content and head weights that rank best for people kept aside."""
    likes = liked_rows(facts.histories, len(data))
    best = ((_SHRINKAGES[0], _CONTENTS[0]), HeadWeights(taste=0.1, prior=0.01, together=1.0, content=1.0), -1.0)
    for shrinkage in _SHRINKAGES:
        for content in _CONTENTS:
            memory = fit_memory(likes, items.flat, shrinkage=shrinkage, content=content)
            parts = person_parts(model, items, prior, memory, data.validation, (facts.rating_mean, facts.rating_std))
            panel = Panel(
                parts=parts,
                targets=data.validation.targets,
                masked=data.validation.masked,
                new=~data.learnable,
                allowed=data.shown,
            )
            weights, value = choose_weights(panel)
            if value > best[2]:
                best = ((shrinkage, content), weights, value)
    return best


def _flat_lines(model: FusionModel, data: TrainData, zero_shot: ItemFacts) -> dict[str, dict[str, float]]:
    if data.log is None:
        return {"zero-shot": measure_catalog(model, data)}
    return measure_flat(data, count_log(data), zero_shot.flat)


def check_data(data: TrainData) -> None:
    """Refuse what cannot work, before anything is touched."""
    if data.log is None:
        both = np.stack([one.present for one in data.tokens.modalities.values()]).all(axis=0)
        if (both & data.learnable).sum() < 20 or not (both & data.held).any():
            raise TrainError(
                "Too few items have both a picture and a text to learn from: at least some 25 are needed. Import more."
            )
    elif len(data.validation) < 2 or not len(data.log):
        raise TrainError(
            "The log holds too few people with a history to learn from and to check with. Add more of the log, or "
            "train on the catalogue alone."
        )
