"""Planted data: two groups of items, two groups of people, each liking one group."""

import numpy as np
import pytest

from core.interactions.log import InteractionLog
from core.tokens.item_tokens import ItemTokens, ModalityTokens
from core.train.config import TrainConfig

ITEMS, PEOPLE, DIMENSION = 80, 60, 8
TINY = TrainConfig(
    epochs=2, people=8, items=16, bank=32, alone=8, targets=32, width=16, layers=1, history=8, patience=5, rate=3e-3
)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def group(item: int) -> int:
    return item % 2


def make_tokens(items: int = ITEMS, seed: int = 0) -> ItemTokens:
    """Pictures and texts of one item lie near each other up to a fixed rotation, which training has to find."""
    rng = np.random.default_rng(seed)
    concept = unit(rng.standard_normal((items, DIMENSION)) + 2 * np.eye(DIMENSION)[[group(i) for i in range(items)]])
    rotation = np.linalg.qr(rng.standard_normal((DIMENSION, DIMENSION)))[0]
    parts = {}
    for name, count, joint in (("picture", 9, unit(concept @ rotation)), ("text", 32, concept)):
        tokens = joint[:, None] + 0.1 * rng.standard_normal((items, count, DIMENSION))
        mask = np.zeros((items, count), bool)
        mask[:, : count // 2] = True
        parts[name] = ModalityTokens(tokens=tokens.astype(np.float16), mask=mask, joint=joint)
    return ItemTokens(modalities=parts)


def make_log(people: int = PEOPLE, items: int = ITEMS, seed: int = 0, events: int = 14) -> InteractionLog:
    rng = np.random.default_rng(seed)
    users, chosen = [], []
    for person in range(people):
        own = [item for item in range(items) if group(item) == person % 2]
        users += [person] * events
        chosen += rng.choice(own, events, replace=False).tolist()
    count = len(users)
    return InteractionLog(
        users=np.array(users),
        items=np.array(chosen),
        events=np.full(count, 7, np.int8),
        values=np.where(rng.random(count) < 0.8, 5, 2).astype(np.float32),
        liked=np.ones(count, bool),
        times=np.tile(np.arange(events), people) * 1000,
        user_ids=tuple(f"u{person}" for person in range(people)),
        item_ids=tuple(f"i{item}" for item in range(items)),
    )


@pytest.fixture
def tokens() -> ItemTokens:
    return make_tokens()


@pytest.fixture
def log() -> InteractionLog:
    return make_log()
