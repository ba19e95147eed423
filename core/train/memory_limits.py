"""A step that fits: batch sizes by trial, and sentences for when the memory does not suffice.

Imports torch, so import this module inside functions only.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from core.errors import TrainError
from core.files import written_whole
from core.train.config import TrainConfig

#: What `halve_batch` changes, and where a run keeps it.
_FIELDS, _BATCH = ("items", "alone", "people", "targets", "accumulate"), "batch.json"
_log = logging.getLogger(__name__)


def halve_batch(config: TrainConfig) -> TrainConfig:
    """Half as much at a time, twice as often, so that a step sees as many items as before.

    Raises:
        TrainError: There is nothing left to halve.
    """
    if config.items < 4:
        raise TrainError(
            "Not even a batch of two items fits into the memory. Choose a smaller image-text model, or “frozen”."
        )
    return replace(
        config,
        items=config.items // 2,
        alone=min(config.alone, config.items // 2),
        people=max(config.people // 2, 1),
        targets=max(config.targets // 2, 1),
        accumulate=config.accumulate * 2,
    )


def find_batch(config: TrainConfig, try_step: Callable[[TrainConfig], None]) -> TrainConfig:
    """The first of config, half of it, a quarter and so on for which a step fits into the card's memory.

    Args:
        config: As wanted.
        try_step: Runs one step forward and back.

    Raises:
        TrainError: Not even the smallest fits.
    """
    while True:
        try:
            try_step(config)
        except torch.OutOfMemoryError:
            config = halve_batch(config)
            torch.cuda.empty_cache()
            _log.info("The memory does not suffice: %d items at a time, %d times", config.items, config.accumulate)
        else:
            return config


def keep_batch(folder: Path, config: TrainConfig) -> None:
    """Write down how much a run takes at a time."""
    with written_whole(folder / _BATCH, flush=True) as temporary:
        temporary.write_text(json.dumps({name: getattr(config, name) for name in _FIELDS}), "utf-8")


def read_batch(folder: Path, config: TrainConfig) -> TrainConfig | None:
    """The configuration with the batch that a run began with; a card with less memory free must not change it.

    Returns:
        None where `keep_batch` wrote none.

    Raises:
        TrainError: It cannot be read.
    """
    try:
        kept = json.loads((folder / _BATCH).read_text("utf-8"))
        return TrainConfig.from_json({**config.to_json(), **{name: kept[name] for name in _FIELDS}})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise TrainError("The batch of this run cannot be read. Start a new run.") from exc


def is_out_of_memory(exc: BaseException) -> bool:
    """Whether torch ran out of memory, on a card or on the processor."""
    if isinstance(exc, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(exc, RuntimeError) and "allocate" in str(exc) and "memory" in str(exc)


def memory_sentence() -> str:
    """What to do when a step does not fit."""
    return (
        "The memory does not suffice. Halve “items” and “people” and double “accumulate” in the configuration, switch "
        "“checkpointing” on when the image-text model itself is tuned, or close other programs; what was learned up to "
        "the last epoch is kept."
    )
