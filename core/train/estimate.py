"""How long a run will take at most, from timed steps over made-up items of the same shape."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.device import DeviceChoice
from core.interactions.log import EVENT_TYPES, InteractionLog
from core.parts import PARTS
from core.tokens.item_tokens import ItemTokens, ModalityTokens
from core.train.config import TrainConfig
from core.train.data import TrainData, build_data

_ITEMS, _PEOPLE, _TIMED = 300, 40, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run costs at most; it ends sooner when validation stops improving.

    Attributes:
        steps: Updates.
        seconds: Without the reading of pictures and texts, which is done once a catalogue, and without the final test.
    """

    steps: int
    seconds: float


def estimate_run(config: TrainConfig, choice: DeviceChoice, *, items: int, dimension: int, windows: int) -> Estimate:
    """Time a few steps.

    Args:
        config: Of the run.
        choice: Where it will compute.
        items: In the catalogue.
        dimension: D of the joint space; tokens are taken to be as wide.
        windows: Stretches of `config.history` events that the log has; 0 trains on the catalogue alone.
    """
    from core.train.batches import LEAST_STEPS, count_steps
    from core.train.loop import Trainer
    from core.train.run import build_model

    data = _make_data(dimension, events=config.history if windows else 0)
    whole = config.with_tasks(has_log=bool(windows), has_categories=True, has_pairs=True)
    with tempfile.TemporaryDirectory(prefix="wishlight-") as folder:
        trainer = Trainer(build_model(data.tokens, data, whole), data, whole, choice, Path(folder))
        began = time.monotonic()
        vectors = trainer.refresh()
        a_read = (time.monotonic() - began) / _ITEMS
        trainer.step(0, vectors)
        began = time.monotonic()
        for number in range(1, _TIMED + 1):
            trainer.step(number, vectors)
        a_step = (time.monotonic() - began) / _TIMED
    each = count_steps(windows, config.people) if windows else max(items // config.items, LEAST_STEPS)
    # Items are read before the first epoch, after each, and once more when the best one is chosen.
    return Estimate(
        steps=each * config.epochs, seconds=config.epochs * each * a_step + (config.epochs + 2) * items * a_read
    )


def count_windows(users: int, events: int, history: int) -> int:
    """About how many stretches of `history` events a log has: at least one a person."""
    return max(users, events // max(history, 1))


def _make_data(dimension: int, *, events: int) -> TrainData:
    """Random items and, for a log, random people with this many events."""
    rng = np.random.default_rng(0)
    modalities = {}
    for name, part in PARTS.items():
        joint = rng.standard_normal((_ITEMS, dimension)).astype(np.float32)
        tokens = rng.standard_normal((_ITEMS, len(part.segments), dimension)).astype(np.float16)
        modalities[name] = ModalityTokens(
            tokens=tokens,
            mask=np.ones(tokens.shape[:2], bool),
            joint=joint / np.linalg.norm(joint, axis=1, keepdims=True),
        )
    titles = [str(item) for item in range(_ITEMS)]
    kinds = [f"kind {item % 10}" for item in range(_ITEMS)]
    log = _make_log(events) if events else None
    return build_data(ItemTokens(modalities=modalities), titles, kinds, log=log)


def _make_log(events: int) -> InteractionLog:
    rng = np.random.default_rng(1)
    count = _PEOPLE * events
    return InteractionLog(
        users=np.repeat(np.arange(_PEOPLE), events),
        items=rng.integers(0, _ITEMS, count),
        events=np.full(count, EVENT_TYPES.index("click"), np.int8),
        values=np.full(count, np.nan, np.float32),
        liked=np.ones(count, bool),
        times=np.tile(np.arange(events), _PEOPLE),
        user_ids=tuple(str(person) for person in range(_PEOPLE)),
        item_ids=tuple(str(item) for item in range(_ITEMS)),
    )
