"""A step that fits: batch sizes by trial, and sentences for when the memory does not suffice.

Imports torch, so import this module inside functions only.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

import torch

from core.errors import TrainError
from core.train.config import TrainConfig

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
