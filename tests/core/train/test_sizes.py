"""Memory grows with events, not with people x items: a long log is learned from, measured and opened again."""

import importlib
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch._dynamo  # noqa: F401 - what an optimiser's first step imports is not the log's
from scipy.sparse import csr_array

from core.baselines.recommender import ItemTable
from core.device import choose_device
from core.evaluate import help_report, protocol, tested
from core.evaluate.catalog_report import Questions, measure_matching
from core.evaluate.help_report import LogHelp
from core.evaluate.sampled import sample_people
from core.interactions.log import EVENT_TYPES, InteractionLog
from core.model import inference
from core.model import memory as memory_module
from core.model.events import EventWeights, weigh_matrix, weigh_rows
from core.model.memory import Memory, fit_memory
from core.tokens.item_tokens import ItemTokens, ModalityTokens
from core.train import batches, blocks, memory_choice
from core.train import data as train_data
from core.train import people as people_module
from core.train.config import TrainConfig
from core.train.data import build_data, split_people
from core.train.estimate import estimate_run
from core.train.run import train
from core.train.validate import match_held
from core.versions.bundle import load_bundle, save_bundle

pytestmark = pytest.mark.slow

PEOPLE, ITEMS, EVENTS, DIMENSION = 4_000, 2_000, 5, 4
TINY = TrainConfig(epochs=1, people=8, items=16, bank=16, alone=4, targets=16, width=8, layers=1, history=8)


def make_log() -> InteractionLog:
    rng = np.random.default_rng(0)
    return InteractionLog(
        users=np.repeat(np.arange(PEOPLE), EVENTS),
        items=rng.integers(0, ITEMS, PEOPLE * EVENTS),
        events=np.full(PEOPLE * EVENTS, EVENT_TYPES.index("purchase"), np.int8),
        values=np.full(PEOPLE * EVENTS, np.nan, np.float32),
        liked=np.ones(PEOPLE * EVENTS, bool),
        times=np.tile(np.arange(EVENTS), PEOPLE),
        user_ids=tuple(f"u{person}" for person in range(PEOPLE)),
        item_ids=tuple(f"i{item}" for item in range(ITEMS)),
    )


def make_tokens() -> ItemTokens:
    joint = np.random.default_rng(1).standard_normal((ITEMS, DIMENSION)).astype(np.float32)
    joint /= np.linalg.norm(joint, axis=1, keepdims=True)
    parts = {}
    for name, count in (("picture", 9), ("text", 32)):
        mask = np.zeros((ITEMS, count), bool)
        mask[:, :2] = True
        tokens = np.repeat(joint.astype(np.float16)[:, None], count, axis=1)
        parts[name] = ModalityTokens(tokens=tokens, mask=mask, joint=joint)
    return ItemTokens(modalities=parts)


def make_table(log: InteractionLog, tokens: ItemTokens) -> ItemTable:
    joint = tokens.modalities["text"].joint
    return ItemTable(
        item_ids=log.item_ids,
        texts=log.item_ids,
        titles=log.item_ids,
        categories=("",) * ITEMS,
        text_embeddings=joint,
        picture_embeddings=joint,
        words=csr_array((ITEMS, 0), dtype=np.float32),
    )


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that bounds the work is a fiftieth of what it is, as the log is a fiftieth of a long one."""
    monkeypatch.setattr(people_module, "MAX_PEOPLE", 160)
    monkeypatch.setattr(memory_choice, "MOST_PEOPLE", 40)
    monkeypatch.setattr(memory_module, "_BLOCK", 64)
    monkeypatch.setattr(train_data, "MOST_VALIDATION", 40)
    monkeypatch.setattr(tested, "MOST_TESTED", 100)
    monkeypatch.setattr(batches, "MOST_STEPS", 25)
    monkeypatch.setattr(blocks, "CELLS", 100_000)
    monkeypatch.setattr(protocol, "_CELLS", 50_000)
    monkeypatch.setattr(help_report, "SIMPLE", ("zero-shot", "popularity", "tfidf"))


@pytest.mark.usefixtures("small_limits")
def test_matching_holds_no_items_x_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty thousand of a catalogue of 300,000 are validation items, and were once multiplied with each other."""
    tokens, rows, vectors = make_tokens(), np.arange(ITEMS), np.eye(ITEMS, 8, dtype=np.float32)
    data = build_data(tokens, [f"title {row}" for row in rows], ["x"] * ITEMS, pictures=["one.jpg"] * ITEMS)
    asked = Questions(
        titles=vectors, descriptions=vectors, captions=rows, pictures=rows, groups=rows,
        labels=np.full(ITEMS, -1), names=vectors[:0],
    )  # fmt: skip
    monkeypatch.setattr(inference, "read_items", lambda *_, **__: SimpleNamespace(vectors=np.stack([vectors] * 2, 1)))
    tracemalloc.start()
    try:
        assert match_held(vectors, vectors, data, rows)["ndcg@10"] == pytest.approx(1)
        measure_matching(cast(Any, None), tokens, asked)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < ITEMS * ITEMS * 4, "less than one matrix of items x items"


@pytest.mark.usefixtures("small_limits")
def test_nothing_of_people_x_items_is_held(tmp_path: Path) -> None:
    log, tokens = make_log(), make_tokens()
    table = make_table(log, tokens)
    importlib.import_module("sklearn.decomposition")  # is loaded now, so that its own memory is not traced
    tracemalloc.start()
    try:
        plan = LogHelp(table, tested.hold_people_out(log, seed=TINY.seed), TINY)
        trained = train(plan.build_data(tokens), TINY, choose_device("cpu"), tmp_path / "run", everything=plan.fit)
        answer = plan.measure(trained, tokens, lambda texts: np.ones((len(texts), DIMENSION), np.float32))
        save_bundle(trained, log.item_ids, make_card(answer.to_json()), tmp_path / "version")
        load_bundle(tmp_path / "version").score_people(log.histories([0, 1]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.tested == 100 and PEOPLE // 5 * 0.8 < answer.held_out <= PEOPLE // 5
    assert f"100 of {answer.held_out} people" in (tmp_path / "version" / "MODEL_CARD.md").read_text("utf-8")
    assert peak < PEOPLE * ITEMS * 4, "less than one matrix of people x items, tokens and all"


def make_card(metrics: dict[str, object]) -> dict[str, object]:
    return {
        "version": "v",
        "catalog": "Many",
        "backbone": "fake",
        "items": ITEMS,
        "fingerprint": "0",
        "config": TINY.to_json(),
        "has_log": True,
        "tuned": False,
        "metrics": metrics | {"blend": 1.0, "steps": 25, "seconds": 1.0},
    }


def test_likes_of_many_are_those_of_each() -> None:
    log = make_log().take(np.arange(500))
    histories = log.histories(np.unique(log.users))
    whole, few = (weigh_matrix(some, ITEMS, EventWeights()) for some in (histories, histories[3:5]))
    np.testing.assert_array_equal(whole[3:5].toarray(), few.toarray())
    np.testing.assert_array_equal(few.toarray(), weigh_rows(histories[3:5], ITEMS, EventWeights()))
    assert [len(one) for one in histories] == histories.lengths.tolist()
    np.testing.assert_array_equal(histories[3:5][1].items, log.items[20:25])
    assert weigh_matrix([], 3, EventWeights()).shape == (0, 3)


def test_an_old_version_with_all_likes_is_still_read() -> None:
    rng = np.random.default_rng(2)
    likes = (rng.random((6, 5)) < 0.5).astype(np.float32)
    memory = fit_memory(csr_array(likes), rng.standard_normal((5, 3)).astype(np.float32), shrinkage=1, content=0.1)
    arrays = memory.to_arrays()
    liked = sum(array.size for name, array in arrays.items() if name.startswith("liked"))
    assert liked == 2 * likes.sum() + len(likes)
    old = {name: array for name, array in arrays.items() if not name.startswith("liked")} | {
        "likes": likes.astype(np.uint8)
    }
    for found in (Memory.from_arrays(arrays), Memory.from_arrays(old)):
        np.testing.assert_array_equal(found.score(likes)[0], memory.score(likes)[0])


def test_only_beyond_a_stated_number_are_people_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    log = make_log()
    rest, validation = split_people(log, seed=4)
    assert len(np.unique(rest.users)) == PEOPLE * 4 // 5
    assert len(validation) > PEOPLE // 10
    monkeypatch.setattr(train_data, "MOST_VALIDATION", 50)
    rest, fewer = split_people(log, seed=4)
    assert len(fewer) <= 50 and len(np.unique(rest.users)) == PEOPLE - 50, "the others are learned from"
    every = sample_people(next(iter(protocol.build_splits(log, "users"))), PEOPLE, seed=0)
    some = sample_people(every, 20, seed=0)
    place = np.searchsorted(every.users, some.users)
    np.testing.assert_array_equal(every.users[place], some.users)
    np.testing.assert_array_equal(some.histories[7].items, every.histories[place[7]].items)
    assert some.targets[7] is every.targets[place[7]]


def test_an_epoch_over_a_long_log_is_bounded_and_told_before() -> None:
    assert batches.count_steps(300, 16) == batches.LEAST_STEPS
    assert batches.count_steps(32_000, 16) == 2_000
    assert batches.count_steps(10_000_000, 16) == batches.MOST_STEPS
    found = estimate_run(TINY, choose_device("cpu"), items=50, dimension=DIMENSION, windows=10_000_000)
    assert found.steps == batches.MOST_STEPS * TINY.epochs
