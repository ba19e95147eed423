"""A whole run: build, train, choose the blend and the head weights, and write a version down.

Imports torch, so import this module inside functions only.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.device import DeviceChoice, describe_computing, seed_everything
from core.errors import TrainError
from core.interactions.log import InteractionLog
from core.model.config import ModelConfig, read_categories
from core.model.heads import PeopleHeads
from core.model.inference import ItemFacts, place_items, read_items, unit
from core.model.network import FusionModel
from core.model.tuning.tuned import TunedTowers
from core.tokens.item_tokens import ItemTokens
from core.train.batches import StepBuilder, count_log
from core.train.checkpoint import BEST, LAST, load_towers_state, load_weights
from core.train.config import TrainConfig
from core.train.data import LEAST_PAIRS, LEAST_VALIDATION, PAIRS_IN_ALL, TrainData, describe_modalities
from core.train.held_out import group_items
from core.train.loop import EpochReport, Trainer
from core.train.memory_limits import find_batch, keep_batch, read_batch
from core.train.people import fit_people
from core.train.processes import RankDoneError, join_ranks
from core.train.reach import fit_reach
from core.train.source import RawItems, TokenSource, build_source
from core.train.tracking import WATCHED
from core.train.validate import measure_catalog, measure_flat, measure_log

_log = logging.getLogger(__name__)
#: With so many that differ in title and picture one can be held out for the test, and one of the rest for validation.
LEAST_KINDS = 5
#: How far towards the tuned model; 0 is zero-shot.
BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a run tells while it works.

    Attributes:
        on_step: Steps done and steps in all.
        on_epoch: After each epoch.
        on_flat: Once, the lines that training is held against.
        on_config: Once, before the first step: the configuration as it is run, and what it is computed on.
    """

    on_step: Callable[[int, int], None] = lambda _step, _steps: None
    on_epoch: Callable[[EpochReport], None] = lambda _report: None
    on_flat: Callable[[Mapping[str, Mapping[str, float]]], None] = lambda _lines: None
    on_config: Callable[[TrainConfig, Mapping[str, str | int]], None] = lambda _config, _computed: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a run leaves.

    Attributes:
        model: The best epoch with its gates blended, evaluation mode, on the CPU.
        items: What it says about all items.
        heads: What scores people; None without a log.
        blend: One of `BLENDS`.
        validation: Metric to value of the blended model; with a log of all heads together.
        flat: The lines it was held against.
        steps: Steps of the best epoch.
        seconds: From the start of this attempt.
        tokens: Of all items, as the model reads them.
        tuned: The towers, blended; None where they are as they were.
        config: As it was run, with its tasks, the towers' rate, and the batch that fitted into the memory.
        computed: `core.device.describe_computing` of the run.
    """

    model: FusionModel
    items: ItemFacts
    heads: PeopleHeads | None
    blend: float
    validation: Mapping[str, float]
    flat: Mapping[str, Mapping[str, float]]
    steps: int
    seconds: float
    tokens: ItemTokens
    config: TrainConfig
    computed: Mapping[str, str | int] = field(default_factory=dict)
    tuned: TunedTowers | None = None


def build_model(tokens: ItemTokens, data: TrainData, config: TrainConfig) -> FusionModel:
    """A model with fresh weights of the configuration's seed."""
    seed_everything(config.seed)
    shape = ModelConfig(
        dimension=tokens.dimension,
        modalities=describe_modalities(tokens),
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
    raw: RawItems | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Train in a folder, or go on there.

    Args:
        data: What to learn from; its log lacks the items that stand for new ones.
        config: Hyper-parameters; empty tasks are filled in.
        choice: Where and in which number format.
        folder: Of the run; made when missing.
        everything: The log of the same people with all items, which the memory learns in the end.
        raw: What the towers read; needed where they are tuned.
        watch: Told what happens; whatever it raises ends the run, which can be resumed.

    Raises:
        TrainError: Training cannot start or go on; the message says what to change.
        RankDoneError: Another process, the first of several, goes on.
    """
    began, watch = time.monotonic(), watch or Watch()
    folder.mkdir(parents=True, exist_ok=True)
    check_data(data)
    model = build_model(data.tokens, data, config)
    categories = bool(model.config.categories)
    config = config.with_tasks(has_log=data.log is not None, has_categories=categories, has_pairs=data.has_pairs)
    flat = _flat_lines(model, data)
    watch.on_flat(flat)
    trainer = build_trainer(model, data, config, choice, folder, raw=raw)
    watch.on_config(trainer.config, computed := describe_computing(choice, processes=trainer.ranks.world))
    trainer.resume()
    reached = trainer.run(on_step=watch.on_step, on_epoch=watch.on_epoch)
    trainer.ranks.part()
    if not trainer.ranks.is_first:
        raise RankDoneError
    best, _ = load_weights(folder / BEST)
    source = trainer.source
    if source.tuned:
        source.tuned.load(load_towers_state(folder / BEST))
    data = replace(data, tokens=source.read(np.arange(len(data))))
    fit_reach(best, data)
    items = read_items(best, data.tokens)
    blend = choose_blend(best, data, source, items)
    data = replace(data, tokens=source.read(np.arange(len(data))))
    items = _read_again(best, data, source, items)
    heads, validation = fit_people(best, data, items, everything)
    return Trained(
        model=best,
        items=items,
        blend=blend,
        flat=flat,
        steps=reached.best_step,
        seconds=time.monotonic() - began,
        tokens=data.tokens,
        config=trainer.config,
        computed=computed,
        tuned=source.tuned if blend > 0 else None,
        heads=heads,
        validation=validation,
    )


def build_trainer(
    model: FusionModel,
    data: TrainData,
    config: TrainConfig,
    choice: DeviceChoice,
    folder: Path,
    *,
    raw: RawItems | None = None,
) -> Trainer:
    """A trainer whose steps fit into the memory of a graphics card.

    Raises:
        TrainError: The towers cannot be tuned so, or not even the smallest batch fits.
    """
    ranks = join_ranks()
    steps = StepBuilder(data, config, model.config, torch.device(choice.device), world=ranks.world).steps_per_epoch
    source = build_source(raw, config, data.tokens, choice, steps=steps * config.epochs)

    def build(config: TrainConfig) -> Trainer:
        return Trainer(model, data, config, choice, folder, source=source, ranks=ranks)

    if choice.device == "cuda":
        kept = read_batch(folder, config) if (folder / LAST).exists() else None
        config = kept or find_batch(config, lambda wanted: build(wanted).try_step())
        if ranks.is_first:
            keep_batch(folder, config)
    return build(config)


def choose_blend(model: FusionModel, data: TrainData, source: TokenSource, items: ItemFacts) -> float:
    """Go between zero-shot and tuned, by validation; ties go to the one nearer to zero-shot.

    With the gates at 0 nothing else in the fusion matters, so scaling them is the straight line in weight space between
    the two models; tuned towers go along.

    Args:
        model: The best epoch; left with the gates that were chosen.
        data: With validation, and tokens as the towers read them now.
        source: Left with the blend that was chosen.
        items: What the model says of all items as it is.

    Source: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT), equation 1.
    """
    gates = model.fusion.gate.detach().clone()
    facts = count_log(data) if data.log is not None else None
    needed = np.flatnonzero(data.validation_items) if facts is None else np.arange(len(data))
    best, best_value = 1.0, -1.0
    for blend in source.tuned.blends if source.tuned else BLENDS:
        data = _set_blend(model, data, source, gates, blend, needed)
        found = (
            measure_catalog(model, data)
            if facts is None
            else measure_log(model, data, facts, _read_again(model, data, source, items))
        )
        _log.info("Blend %.2f: validation %s", blend, found)
        if found[WATCHED] > best_value:
            best, best_value = blend, found[WATCHED]
    _set_blend(model, data, source, gates, best, needed[:0])
    return best


def _read_again(model: FusionModel, data: TrainData, source: TokenSource, items: ItemFacts) -> ItemFacts:
    """All items after a blend; where the towers stay as they are, so do the states of the fusion."""
    return read_items(model, data.tokens) if source.tuned else place_items(model, data.tokens, items)


def _set_blend(
    model: FusionModel,
    data: TrainData,
    source: TokenSource,
    gates: torch.Tensor,
    blend: float,
    needed: NDArray[np.int64],
) -> TrainData:
    """Blend the gates and the towers, and read the items that are needed."""
    set_gates(model, gates * blend)
    if source.tuned:
        source.tuned.set_blend(blend)
    return replace(data, tokens=source.read(needed))


def set_gates(model: FusionModel, gates: torch.Tensor) -> None:
    """Take these gates, (M,)."""
    with torch.no_grad():
        model.fusion.gate.copy_(gates)


def _flat_lines(model: FusionModel, data: TrainData) -> dict[str, dict[str, float]]:
    """What the model that has learned nothing yet reaches."""
    if data.log is None:
        return {"zero-shot": measure_catalog(model, data)}
    return measure_flat(data, count_log(data), unit(data.zero_shot.reshape(len(data), -1)))


def check_data(data: TrainData) -> None:
    """Refuse what cannot work, before anything is touched."""
    if data.log is not None:
        if len(data.validation) < LEAST_VALIDATION or np.bincount(data.log.users).max(initial=0) < 2:
            raise TrainError(
                f"Too few people: the log leaves {len(data.log):,} events to learn from and {len(data.validation)} "
                f"people with a history for validation; at least {LEAST_VALIDATION} people are needed for that, and "
                "others who did two things or more. Add more of the log, or train on the catalogue alone."
            )
        return
    both, learned = int(data.paired.sum()), int((data.paired & data.learnable).sum())
    kinds = len(np.unique(group_items(data.captions, data.pictures)[data.paired]))
    if both >= LEAST_PAIRS and (kinds < LEAST_KINDS or not (data.paired & data.validation_items).any()):
        raise TrainError(
            f"Too few items differ: {both:,} have both a picture and a text, but only {kinds} of them differ in title "
            f"and picture, so that none can be held out for validation. At least {LEAST_KINDS} such "
            "are needed: import items with other titles and pictures."
        )
    if learned < LEAST_PAIRS:
        raise TrainError(
            f"Too few items have both a picture and a text: {both:,} have, and {learned:,} of them are left to learn "
            f"from where others are held out for validation and test. {LEAST_PAIRS} are needed for that, so about "
            f"{PAIRS_IN_ALL} in all. Import more items that have both."
        )
