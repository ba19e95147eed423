"""What every recommender of the comparison holds in every world; a line in `BASELINES` is all that a new one needs.

The model of it: implicit's `RecommenderBaseTestMixin` (MIT).
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from core.baselines.peer_models import PEERS
from core.baselines.recommender import ItemTable, Recommender, announce, is_transductive
from core.baselines.registry import BASELINES
from core.errors import WishlightError
from core.evaluate.fusion import FusionRecommender
from core.evaluate.protocol import DEPTH, Split, measure, rank_shuffled
from core.interactions.log import NO_TIME, History, InteractionLog
from core.parts import PARTS
from core.tokens.item_tokens import ItemTokens, ModalityTokens
from core.train.config import TrainConfig
from tests.core.baselines.test_baselines import COLD, DAY, GROUP_ITEMS, make_history, make_log, planted
from tests.core.baselines.test_baselines import build as build_small
from tests.core.baselines.test_bert_pair import CONFIG as PAIRS
from tests.core.baselines.test_bert_pair import BertPair, build_tiny

NAMES = (*BASELINES, "fusion")
#: Know nothing of the person, so they cannot tell two groups apart.
IMPERSONAL = {"random", "popularity", "recent-popularity"}
FUSION = TrainConfig(
    epochs=2, people=8, items=16, bank=16, alone=8, targets=32, width=16, layers=1, history=8, rate=3e-3
)


class World(NamedTuple):
    """Events and the items that they are of."""

    log: InteractionLog
    items: ItemTable


def without(*parts: str) -> World:
    """The planted world whose items lack their pictures, their texts or both."""
    log, items = planted()
    none = np.zeros_like(items.text_embeddings)
    if "pictures" in parts:
        items = replace(items, picture_embeddings=none)
    if "texts" in parts:
        items = replace(items, text_embeddings=none, texts=("",) * len(items), titles=("",) * len(items))
    return World(log, items)


def equal_items() -> World:
    log, items = planted()
    same = np.repeat(items.text_embeddings[:1], len(items), 0)
    words = ("one film",) * len(items)
    return World(log, replace(items, texts=words, titles=words, text_embeddings=same, picture_embeddings=same.copy()))


def of_items(count: int, rows: Sequence[tuple[int, int, bool, int]], people: int) -> World:
    items = planted()[1]
    cut = {one.name: getattr(items, one.name)[:count] for one in fields(items) if one.name not in ("words",)}
    return World(make_log(rows, people=people, items=count), ItemTable(**cut))


def changed(change: Callable[[InteractionLog], InteractionLog]) -> World:
    log, items = planted()
    return World(change(log), items)


WORLDS: Mapping[str, Callable[[], World]] = {
    "planted": lambda: World(*planted()),
    "one item": lambda: of_items(1, [(person, 0, True, DAY) for person in range(12)], 12),
    "one person": lambda: of_items(6, [(0, item, True, item * DAY) for item in range(4)], 1),
    "nobody liked anything": lambda: changed(lambda log: replace(log, liked=np.zeros(len(log), bool))),
    "no events": lambda: changed(lambda log: log.take(np.zeros(len(log), bool))),
    "no times": lambda: changed(lambda log: replace(log, times=np.full(len(log), NO_TIME))),
    "the same again and again": lambda: changed(
        lambda log: log.take(np.repeat(np.arange(len(log)), np.where(log.times == 0, 3, 1)))
    ),
    "no pictures": lambda: without("pictures"),
    "no texts": lambda: without("texts"),
    "neither": lambda: without("pictures", "texts"),
    "equal items": equal_items,
}


#: Chosen on held-out people, of whom these worlds have none: the fusion says so and never guesses.
REFUSED = {("fusion", world) for world in ("one item", "one person", "nobody liked anything", "no events")}
#: They know nothing but liked items, and say so where there are fewer than two. Those that meet the people whom they
#: score learn from what these liked.
REFUSED |= {(name, "one item") for name in PEERS}
REFUSED |= {("cornac-recvae", world) for world in WORLDS}  # it fails below a hundred items
REFUSED |= {
    (name, world)
    for name in PEERS
    for world in ("nobody liked anything", "no events")
    if not is_transductive(BASELINES[name].build(0))
}
RANKS_COLD = {name for name, one in BASELINES.items() if one.build(0).ranks_cold}
LEARNERS = [name for name in NAMES if (name, "planted") not in REFUSED]
PERSONAL = [name for name in LEARNERS if name not in IMPERSONAL]


def read_tokens(items: ItemTable) -> ItemTokens:
    """What towers would have read: one token for each part that an item has."""
    joints = {"picture": items.picture_embeddings, "text": items.text_embeddings}
    parts = {}
    for name, joint in joints.items():
        mask = np.zeros((len(items), len(PARTS[name].segments)), bool)
        mask[:, 0] = joint.any(axis=1)
        tokens = (mask[:, :, None] * joint[:, None]).astype(np.float16)
        parts[name] = ModalityTokens(tokens=tokens, mask=mask, joint=joint)
    return ItemTokens(modalities=parts)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("words")


@pytest.fixture(scope="module")
def build(words: Path) -> Callable[..., Recommender]:
    """Makes a recommender of that name for a world, small enough for a test."""

    def make(name: str, world: World, seed: int = 0) -> Recommender:
        if name == "fusion":
            return FusionRecommender(read_tokens(world.items), replace(FUSION, seed=seed))
        if name == "bert-pair":
            return BertPair(PAIRS, seed=seed, load_base=lambda: build_tiny(words))
        return build_small(name, seed)

    return make


def hasten(recommender: Recommender) -> None:
    """Few passes where no more is asked than that it bears the world."""
    config, settings = getattr(recommender, "config", None), getattr(recommender, "settings", {})
    if hasattr(config, "epochs"):
        recommender.config = replace(config, epochs=min(config.epochs, 5))  # type: ignore[attr-defined]
    settings.update({name: 2 for name in ("n_epochs", "iterations", "max_iter") if name in settings})


def learn(recommender: Recommender, world: World) -> None:
    """Fit; those that score nobody whom they have not met are told of everybody whom these tests ask about."""
    items = len(world.items)
    starts = [start for start in (0, GROUP_ITEMS) if start + 4 <= items]
    groups = [make_history(range(start, start + 4)) for start in starts]
    announce(recommender, [*some_histories(items), *groups])
    recommender.fit(world.log, world.items)


class Fitted(NamedTuple):
    """A recommender after its fit, or why it refused; the world as it was before."""

    recommender: Recommender
    refusal: Exception | None
    world: World
    before: World


@pytest.fixture(scope="module")
def fitted(build: Callable[..., Recommender]) -> Callable[[str, str], Fitted]:
    """Each fit once for all tests."""

    @cache
    def fit(name: str, world_name: str) -> Fitted:
        world = WORLDS[world_name]()
        before, recommender = deepcopy(world), build(name, world)
        if world_name != "planted":
            hasten(recommender)
        try:
            learn(recommender, world)
        except WishlightError as exc:
            return Fitted(recommender, exc, world, before)
        return Fitted(recommender, None, world, before)

    return fit


def some_histories(items: int) -> list[History]:
    """Nothing, one item, the newest item alone, only dislikes, the same again and again, and everything there is."""
    last = items - 1
    return [
        make_history([]),
        make_history([0]),
        make_history([last]),
        make_history([0, last], liked=[False, False]),
        make_history([0, 0, 0, last, 0], liked=[True, False, True, True, True]),
        make_history(range(items), times=[DAY * place for place in range(items)]),
    ]


def assert_unchanged(found: object, before: object) -> None:
    for one in fields(before):  # type: ignore[arg-type]
        now, then = getattr(found, one.name), getattr(before, one.name)
        if isinstance(then, np.ndarray):
            np.testing.assert_array_equal(now, then, err_msg=one.name)
        elif one.name != "words":
            assert now == then, one.name


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", NAMES)
def test_it_learns_or_refuses_in_a_sentence_and_leaves_what_it_was_given(
    fitted: Callable[[str, str], Fitted], name: str, world: str
) -> None:
    one = fitted(name, world)
    assert (one.refusal is not None) == ((name, world) in REFUSED)
    if one.refusal is not None:
        assert str(one.refusal)[0].isupper() and str(one.refusal).endswith(".") and len(str(one.refusal)) > 40
    assert_unchanged(one.world.log, one.before.log)
    assert_unchanged(one.world.items, one.before.items)


@pytest.mark.parametrize(("name", "world"), [(n, w) for n in NAMES for w in WORLDS if (n, w) not in REFUSED])
def test_scores_are_finite_repeat_and_rank_every_item_once_for_any_history(
    fitted: Callable[[str, str], Fitted], name: str, world: str
) -> None:
    one = fitted(name, world)
    items = len(one.world.items)
    histories = some_histories(items)
    before = deepcopy(histories)
    scores = one.recommender.score(histories)
    assert scores.shape == (len(histories), items) and scores.dtype == np.float32
    assert np.isfinite(scores).all()
    for history, then in zip(histories, before, strict=True):
        assert_unchanged(history, then)
    for row in (0, 4):
        alone = one.recommender.score([histories[row]])[0]
        np.testing.assert_allclose(scores[row], alone, rtol=1e-4, atol=1e-5 * max(1.0, float(np.abs(scores).max())))
        np.testing.assert_array_equal(one.recommender.score([histories[row]])[0], alone)
    nobody = one.recommender.score([])
    assert nobody.shape == (0, items) and nobody.dtype == np.float32
    masked = [history.items for history in histories]
    for top, met in zip(rank_shuffled(scores, items + DEPTH, masked), masked, strict=True):
        assert sorted(top[top >= 0]) == sorted(set(range(items)) - set(met.tolist())), "more asked than there is"


@pytest.mark.parametrize(
    ("name", "world"),
    [
        (name, world)
        for name in sorted(set(NAMES) - {"fusion"})
        for world in ("one item", "one person", "planted")
        if (name, world) not in REFUSED
    ],
)
def test_it_is_measured_where_there_is_next_to_nothing(
    fitted: Callable[[str, str], Fitted], name: str, world: str
) -> None:
    one = fitted(name, world)
    items = len(one.world.items)
    split = Split(
        fit=one.world.log,
        users=np.arange(2),
        histories=(make_history([]), make_history([0])),
        targets=(np.array([0]), np.array([items - 1])),
        cold=np.zeros(items, bool),
        apart=True,
    )
    known = type("Known", (), {"name": name, "fit": lambda *_: None, "score": one.recommender.score})
    found = measure(known, [split], one.world.items)
    for metric, values in found.values.items():
        assert ((values >= 0) & (values <= 1) | np.isnan(values)).all(), metric


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_seed_gives_the_same_scores(
    fitted: Callable[[str, str], Fitted], build: Callable[..., Recommender], name: str
) -> None:
    one = fitted(name, "planted")
    again = build(name, one.world)
    np.random.seed(5)  # a draw that is not the seed's own would differ
    learn(again, one.world)
    histories = some_histories(len(one.world.items))
    np.testing.assert_allclose(again.score(histories), one.recommender.score(histories), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PERSONAL)
def test_people_of_two_groups_get_their_own_groups_items(fitted: Callable[[str, str], Fitted], name: str) -> None:
    recommender = fitted(name, "planted").recommender
    starts = (0, GROUP_ITEMS)
    days = [DAY, 2 * DAY, 3 * DAY, 4 * DAY]
    scores = recommender.score([make_history(range(start, start + 4), times=days) for start in starts])
    for group, start in enumerate(starts):
        own = scores[group, start + 4 : start + GROUP_ITEMS]
        other = scores[group, starts[1 - group] : starts[1 - group] + GROUP_ITEMS]
        assert own.min() > other.max()


@pytest.mark.parametrize("name", [name for name in PERSONAL if name == "fusion" or name in RANKS_COLD])
def test_what_says_that_it_ranks_cold_items_tells_two_that_nobody_met_apart(
    fitted: Callable[[str, str], Fitted], build: Callable[..., Recommender], name: str
) -> None:
    group_items, recommender = GROUP_ITEMS, fitted(name, "planted").recommender
    if name == "fusion":  # it weighs what it says of new items on items that it holds out, and few leave none to
        group_items, world = 40, World(*planted(40, 60))
        recommender = build(name, world)
        recommender.fit(world.log, world.items)
    war, love = recommender.score([make_history(range(start, start + 4)) for start in (0, group_items)])
    first, second = (place - 2 * GROUP_ITEMS - 2 for place in COLD)
    assert war[first] > war[second]
    assert love[second] > love[first]


@pytest.mark.parametrize("name", [name for name in LEARNERS if name != "fusion" and name not in RANKS_COLD])
def test_what_does_not_rank_cold_items_puts_none_above_what_people_liked(
    fitted: Callable[[str, str], Fitted], name: str
) -> None:
    one = fitted(name, "planted")
    scores = one.recommender.score([make_history([])])[0]
    liked = np.unique(one.world.log.items[one.world.log.liked])
    assert scores[liked].min() > scores[list(COLD)].max()


@pytest.mark.parametrize("name", sorted({"tfidf", "zero-shot", "item-knn-embeddings", "linear-probe"}))
def test_equal_items_are_equal_to_what_looks_at_them_alone(fitted: Callable[[str, str], Fitted], name: str) -> None:
    scores = fitted(name, "equal items").recommender.score([make_history([0, 1])])[0]
    np.testing.assert_allclose(scores, scores[0], rtol=1e-5)
