import numpy as np
import pytest

from core.interactions.log import EVENT_TYPES, InteractionLog
from core.interactions.simulate import NEIGHBOURS, SLATE, simulate_log

CLUSTERS, EACH = 20, 60
IDS = tuple(f"i{n}" for n in range(CLUSTERS * EACH))
LABELS = np.arange(len(IDS)) % CLUSTERS


@pytest.fixture(scope="module")
def embeddings() -> np.ndarray:
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(CLUSTERS, 32))[LABELS] + 0.5 * rng.normal(size=(len(IDS), 32))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def log(embeddings: np.ndarray) -> InteractionLog:
    return simulate_log(IDS, embeddings, users=200, events_per_user=40, seed=3)


def test_the_log_has_the_agreed_shape(log: InteractionLog) -> None:
    assert len(log) == 8000 and log.item_ids == IDS and len(set(log.user_ids)) == 200 and log.has_times
    kinds = (log.users, log.items, log.events, log.values, log.liked, log.times)
    assert [column.dtype.name for column in kinds] == ["int64", "int64", "int8", "float32", "bool", "int64"]
    assert np.array_equal(log.users, np.repeat(np.arange(200), 40))
    assert (np.diff(log.times.reshape(200, 40), axis=1) > 0).all()
    assert {EVENT_TYPES[code] for code in log.events} == {"view", "click", "purchase"}
    assert all(name.startswith("simulated-") for name in log.user_ids)


def test_what_was_done_grows_rarer_with_its_weight_and_views_are_not_liked(log: InteractionLog) -> None:
    counts = {name: int((log.events == EVENT_TYPES.index(name)).sum()) for name in ("view", "click", "purchase")}
    assert 0 < counts["purchase"] < counts["click"]
    assert np.array_equal(log.liked, log.events != EVENT_TYPES.index("view"))


def test_the_seed_decides(embeddings: np.ndarray, log: InteractionLog) -> None:
    again = simulate_log(IDS, embeddings, users=200, events_per_user=40, seed=3)
    for name in ("users", "items", "events", "liked", "times"):
        assert np.array_equal(getattr(log, name), getattr(again, name))
    other = simulate_log(IDS, embeddings, users=200, events_per_user=40, seed=4)
    assert not np.array_equal(log.items, other.items)


def test_people_choose_what_is_near_their_taste(embeddings: np.ndarray, log: InteractionLog) -> None:
    """A taste is estimated from the first half of a history and must tell the second half from random items."""
    items, liked = log.items.reshape(200, 40), log.liked.reshape(200, 40)
    taste = np.stack([embeddings[row[:20][good[:20]]].mean(axis=0) for row, good in zip(items, liked, strict=True)])
    affinity = np.einsum("ued,ud->ue", embeddings[items[:, 20:]], taste)
    later, viewed = affinity[liked[:, 20:]], affinity[~liked[:, 20:]]
    chance = embeddings[np.random.default_rng(0).integers(0, len(IDS), 20)] @ taste.T
    assert later.mean() > viewed.mean() > chance.mean()
    assert later.mean() > chance.mean() + 0.2


def test_tastes_differ_and_drift(log: InteractionLog) -> None:
    labels = LABELS[log.items].reshape(200, 40)
    shares = np.stack([np.bincount(row, minlength=CLUSTERS) for row in labels]) / 40
    assert np.sort(shares, axis=1)[:, -4:].sum(axis=1).mean() > 0.6, "few directions hold most of a history"
    assert shares.mean(axis=0).max() < 0.3, "not the same ones for everybody"
    halves = [
        np.stack([np.bincount(row, minlength=CLUSTERS) for row in part]) for part in (labels[:, :8], labels[:, -8:])
    ]
    odd, even = (np.stack([np.bincount(row, minlength=CLUSTERS) for row in labels[:, n::2]]) for n in (0, 1))
    assert np.abs(halves[0] - halves[1]).sum() / 8 > np.abs(odd - even).sum() / 20


def test_some_items_are_popular(log: InteractionLog) -> None:
    counts = np.sort(np.bincount(log.items, minlength=len(IDS)))[::-1]
    assert counts[:12].sum() > 5 * 12 * counts.mean()


@pytest.mark.parametrize("count", [1, 2, SLATE, NEIGHBOURS - 1])
def test_small_catalogues_and_items_without_an_embedding(embeddings: np.ndarray, count: int) -> None:
    few = embeddings[:count].copy()
    few[0] = 0
    log = simulate_log(IDS[:count], few, users=1, events_per_user=1, seed=0)
    assert len(log) == 1 and 0 <= log.items[0] < count


@pytest.mark.parametrize(("users", "events", "rows"), [(0, 1, 3), (1, 0, 3), (1, 1, 2), (1, 1, 0)])
def test_misuse(embeddings: np.ndarray, users: int, events: int, rows: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        simulate_log(IDS[: 3 if rows else 0], embeddings[:rows], users=users, events_per_user=events, seed=0)
