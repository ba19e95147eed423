"""Names of the baselines, and the world of two groups that all their tests are planted in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.baselines.recommender import ItemTable, Recommender
from core.baselines.registry import BASELINES, build_baseline
from core.interactions.log import NO_TIME, History, InteractionLog

DAY = 86_400
GROUP_ITEMS = 8
GROUP_PEOPLE = 15
COLD = {2 * GROUP_ITEMS: 0, 2 * GROUP_ITEMS + 1: 1}  # an item that nobody met, to its group


def make_log(rows: Sequence[tuple[int, int, bool, int]], *, people: int, items: int) -> InteractionLog:
    """Events of (person, item, liked, time), which must be sorted by person and time."""
    users, numbers, liked, times = (np.array(column) for column in (zip(*rows, strict=True) if rows else [()] * 4))
    return InteractionLog(
        users=users.astype(np.int64),
        items=numbers.astype(np.int64),
        events=np.zeros(len(rows), np.int8),
        values=np.full(len(rows), np.nan, np.float32),
        liked=liked.astype(np.bool_),
        times=times.astype(np.int64),
        user_ids=tuple(f"u{number}" for number in range(people)),
        item_ids=tuple(f"i{number}" for number in range(items)),
    )


def make_history(items: Sequence[int], *, liked: Sequence[bool] | None = None, times: Sequence[int] = ()) -> History:
    """Events in this order, all liked unless said otherwise."""
    return History(
        items=np.array(items, np.int64),
        events=np.zeros(len(items), np.int8),
        values=np.full(len(items), np.nan, np.float32),
        liked=np.array([True] * len(items) if liked is None else liked, np.bool_),
        times=np.array(times or [NO_TIME] * len(items), np.int64),
    )


def make_items(texts: Sequence[str], *, vectors: np.ndarray | None = None) -> ItemTable:
    """Items whose title is their text, with the same vector for text and picture."""
    vectors = np.zeros((len(texts), 4), np.float32) if vectors is None else vectors.astype(np.float32)
    return ItemTable(
        item_ids=tuple(f"i{number}" for number in range(len(texts))),
        texts=tuple(texts),
        titles=tuple(texts),
        categories=("",) * len(texts),
        text_embeddings=vectors,
        picture_embeddings=vectors,
    )


def planted(group_items: int = GROUP_ITEMS, people: int = 2 * GROUP_PEOPLE) -> tuple[InteractionLog, ItemTable]:
    """Two groups of people, each liking 5 of its group's items and disliking one of the other group's.

    The last two items are of one group each, and nobody met them.
    """
    rng = np.random.default_rng(7)
    rows = []
    for person in range(people):
        group = person % 2
        chosen = [*(group * group_items + rng.permutation(group_items)[:5])]
        disliked = (1 - group) * group_items + int(rng.integers(group_items))
        rows += [(person, int(item), True, place * DAY) for place, item in enumerate(chosen)]
        rows.append((person, disliked, False, 9 * DAY))
    groups = [0] * group_items + [1] * group_items + list(COLD.values())
    vectors = rng.normal(0, 0.3, (len(groups), 6))
    vectors[np.arange(len(groups)), groups] += 1
    texts = [f"{('war', 'love')[group]} film {number}" for number, group in enumerate(groups)]
    return (
        make_log(rows, people=people, items=len(groups)),
        make_items(texts, vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True)),
    )


#: Settings small enough for a test; those that are not here run as they are.
SMALL: dict[str, dict[str, Any]] = {
    "item-knn": {"shrinkage": 1.0},
    "linear-probe": {"penalty": 1.0},
    "implicit-als": {"factors": 2},
    "implicit-bpr": {"factors": 4, "learning_rate": 0.05, "iterations": 100},
    "implicit-bm25": {"K": 8},
    "implicit-cosine": {"K": 8},
    "cornac-ease": {"lamb": 50.0},
    "cornac-bpr": {"k": 4, "learning_rate": 0.05, "max_iter": 100},
    "cornac-vbpr": {"k": 4, "k2": 4, "n_epochs": 20, "learning_rate": 0.05},
    "cornac-vaecf": {"k": 4, "n_epochs": 60, "learning_rate": 0.02, "beta": 0.1},
    "cornac-sasrec": {"embedding_dim": 8, "n_epochs": 10, "learning_rate": 0.03, "n_sample": 16, "max_len": 6},
    "cornac-bert4rec": {"embedding_dim": 8, "n_epochs": 10, "learning_rate": 0.03, "n_sample": 16, "max_len": 6},
}


def build(name: str, seed: int = 0) -> Recommender:
    return BASELINES[name].build(seed, **SMALL.get(name, {}))


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_goes_by_its_name_and_says_whether_it_ranks_cold_items(name: str) -> None:
    baseline = build_baseline(name, 3)
    content = {"tfidf", "zero-shot", "item-knn-embeddings", "linear-probe", "cornac-vbpr", "bert-pair", "random"}
    assert baseline.name == name
    assert baseline.ranks_cold == (name in content)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no baseline 'magic'.*ease.*bert-pair"):
        build_baseline("magic")


@pytest.mark.parametrize("name", ["item-knn", "ease", "implicit-als", "implicit-bpr", "implicit-cosine", "cornac-ease"])
def test_a_person_without_history_gets_what_is_popular(name: str) -> None:
    log, items = planted()
    baseline = build(name)
    baseline.fit(log, items)  # peers too, which meet nobody else: this person has nothing to be told
    counts = np.bincount(log.items[log.liked], minlength=len(items))
    np.testing.assert_array_equal(baseline.score([make_history([])])[0], counts.astype(np.float32))
