"""What holds for every baseline: shape, finite scores, the seed, and two groups of people with different tastes."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from core.evaluate.baselines import BASELINES, build_baseline
from core.evaluate.baselines.bpr import BprMf
from core.evaluate.baselines.item_knn import ItemKnn, ItemKnnConfig
from core.evaluate.baselines.lightgcn import LightGcn, LightGcnConfig
from core.evaluate.baselines.linear_probe import LinearProbe, LinearProbeConfig
from core.evaluate.baselines.pairwise import PairwiseConfig
from core.evaluate.baselines.sasrec import SasRec, SasRecConfig
from core.evaluate.baselines.vbpr import Vbpr, VbprConfig
from core.evaluate.recommender import ItemTable, Recommender
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


def planted() -> tuple[InteractionLog, ItemTable]:
    """Two groups of people, each liking 5 of its group's 8 items and disliking one of the other group's."""
    rng = np.random.default_rng(7)
    rows = []
    for person in range(2 * GROUP_PEOPLE):
        group = person % 2
        chosen = [*(group * GROUP_ITEMS + rng.permutation(GROUP_ITEMS)[:5])]
        disliked = (1 - group) * GROUP_ITEMS + int(rng.integers(GROUP_ITEMS))
        rows += [(person, int(item), True, place * DAY) for place, item in enumerate(chosen)]
        rows.append((person, disliked, False, 9 * DAY))
    groups = [0] * GROUP_ITEMS + [1] * GROUP_ITEMS + list(COLD.values())
    vectors = rng.normal(0, 0.3, (len(groups), 6))
    vectors[np.arange(len(groups)), groups] += 1
    texts = [f"{('war', 'love')[group]} film {number}" for number, group in enumerate(groups)]
    return (
        make_log(rows, people=2 * GROUP_PEOPLE, items=len(groups)),
        make_items(texts, vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True)),
    )


#: Small enough for a test; those that are not here run as they are.
SHORT = PairwiseConfig(dimension=4, epochs=60, batch_size=64, rate=0.02, penalty=0.03)
SMALL: dict[str, Callable[[int], Recommender]] = {
    "item-knn": lambda seed: ItemKnn(ItemKnnConfig(shrinkage=1.0)),
    "linear-probe": lambda seed: LinearProbe(LinearProbeConfig(penalties=(1.0,), others=12), seed=seed),
    "bpr-mf": lambda seed: BprMf(SHORT, seed=seed),
    "lightgcn": lambda seed: LightGcn(LightGcnConfig(training=SHORT), seed=seed),
    "vbpr": lambda seed: Vbpr(VbprConfig(training=SHORT, content_dimension=4), seed=seed),
    "sasrec": lambda seed: SasRec(
        SasRecConfig(
            length=8, dimension=16, heads=2, layers=1, dropout=0.1, epochs=40, batch_size=8, rate=5e-3, kept=0.8
        ),
        seed=seed,
    ),
}
#: The pair classifier needs a model; its own tests give it a tiny one.
NAMES = [name for name in BASELINES if name != "bert-pair"]
PERSONAL = [name for name in NAMES if name not in ("random", "popularity", "recent-popularity")]


def build(name: str, seed: int = 0) -> Recommender:
    return SMALL.get(name, BASELINES[name])(seed)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_goes_by_its_name_and_says_whether_it_ranks_cold_items(name: str) -> None:
    baseline = build_baseline(name, 3)
    content = {"bm25", "tfidf", "zero-shot", "item-knn-embeddings", "linear-probe", "vbpr", "bert-pair", "random"}
    assert baseline.name == name
    assert baseline.ranks_cold == (name in content)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no baseline 'magic'.*ease.*bert-pair"):
        build_baseline("magic")


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_finite_floats_of_all_items_for_any_history(name: str) -> None:
    log, items = planted()
    baseline = build(name)
    baseline.fit(log, items)
    histories = [make_history([0, 1]), make_history([]), make_history([3, 9], liked=[False, False])]
    scores = baseline.score(histories)
    assert scores.shape == (3, len(items))
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert baseline.score([]).shape == (0, len(items))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_scores_in_any_batch(name: str) -> None:
    log, items = planted()
    first, second = build(name, 5), build(name, 5)
    for baseline in (first, second):
        baseline.fit(log, items)
    histories = [make_history([0, 1]), make_history([8, 9, 10])]
    np.testing.assert_array_equal(first.score(histories), second.score(histories))
    np.testing.assert_allclose(first.score(histories)[1:], second.score(histories[1:]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PERSONAL)
def test_a_history_of_one_group_ranks_that_groups_unmet_items_first(name: str) -> None:
    log, items = planted()
    baseline = build(name)
    baseline.fit(log, items)
    for group in (0, 1):
        start = group * GROUP_ITEMS
        scores = baseline.score([make_history(range(start, start + 4), times=[DAY, 2 * DAY, 3 * DAY, 4 * DAY])])[0]
        own = scores[start + 4 : start + GROUP_ITEMS]
        other = scores[(1 - group) * GROUP_ITEMS : (2 - group) * GROUP_ITEMS]
        assert own.min() > other.max()


@pytest.mark.parametrize("name", [name for name in PERSONAL if BASELINES[name](0).ranks_cold])
def test_a_content_model_tells_apart_items_that_nobody_met(name: str) -> None:
    log, items = planted()
    baseline = build(name)
    baseline.fit(log, items)
    love, war = (baseline.score([make_history(range(start, start + 4))])[0] for start in (GROUP_ITEMS, 0))
    first, second = COLD
    assert war[first] > war[second]
    assert love[second] > love[first]


@pytest.mark.parametrize("name", ["item-knn", "ease", "lightgcn", "sasrec"])
def test_a_person_without_history_gets_what_is_popular(name: str) -> None:
    log, items = planted()
    baseline = build(name)
    baseline.fit(log, items)
    counts = np.bincount(log.items[log.liked], minlength=len(items))
    np.testing.assert_array_equal(baseline.score([make_history([])])[0], counts.astype(np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_a_log_without_likes_is_no_reason_to_fail(name: str) -> None:
    log = make_log([(0, 0, False, 1), (0, 1, False, 2), (1, 1, False, 1)], people=2, items=3)
    baseline = build(name)
    baseline.fit(log, make_items(["a", "b", "c"]))
    assert np.isfinite(baseline.score([make_history([0])])).all()
