"""The estimate counts steps as the run does."""

from dataclasses import replace

import torch

from core.device import choose_device
from core.interactions.log import InteractionLog
from core.model.config import ModelConfig
from core.tokens.item_tokens import ItemTokens
from core.train.batches import StepBuilder
from core.train.data import build_data
from core.train.estimate import count_windows, estimate_run
from core.train.run import build_model
from tests.core.train.conftest import TINY

CPU = choose_device("cpu")


def test_steps_without_a_log() -> None:
    found = estimate_run(replace(TINY, items=16, epochs=3), CPU, items=1600, dimension=8, windows=0)
    assert found.steps == 300 and found.seconds > 0


def test_steps_with_a_log(tokens: ItemTokens, log: InteractionLog) -> None:
    config = replace(TINY, people=1, history=4)
    windows = count_windows(60, len(log), config.history)
    found = estimate_run(config, CPU, items=80, dimension=8, windows=windows)
    data = build_data(tokens, [f"title {item}" for item in range(80)], [""] * 80, log=log)
    model: ModelConfig = build_model(tokens, data, config).config
    real = StepBuilder(data, config, model, torch.device("cpu")).steps_per_epoch * config.epochs
    assert real <= found.steps <= 1.5 * real, "validation people and held items are left out of the real one"


def test_windows_of_a_log() -> None:
    assert count_windows(10, 1000, 50) == 20
    assert count_windows(10, 12, 50) == 10
