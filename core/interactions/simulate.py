"""A shopper simulator, so that training can be tried on a catalogue that has no log.

The shoppers are invented: what they do follows from the very embeddings that models start from, so a model that learns
from them shows that training runs, never that suggestions are good. **No headline number may come from this module**,
and a log from here must be called simulated wherever it is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.interactions.event_names import event_code, find_liked
from core.interactions.log import InteractionLog

#: Before the id of every invented shopper.
SIMULATED = "simulated-"
SLATE = 12
#: Of a slate, how many items come from the neighbourhood of the shopper's taste; popular ones fill the rest.
NEAR = 6
#: Directions that a shopper's taste mixes at the start, and as many at the end.
DIRECTIONS = 2
#: Items around a direction from which near ones are drawn.
NEIGHBOURS = 40
#: Weight of affinity (standard deviations) in a choice, and of log popularity; the noise has weight 1.
TASTE_WEIGHT, POPULARITY_WEIGHT = 1.2, 0.3
#: Popularity of the item of rank r is in proportion to r ** -POPULARITY_DECAY.
POPULARITY_DECAY = 0.7
#: How fast attention falls along the slate: place p is looked at in proportion to (p + 1) ** -ATTENTION.
ATTENTION = 0.7
START = 1_704_067_200  # 2024-01-01
DAY = 86_400
_CHUNK = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tastes:
    """What U shoppers like: directions around items, near items of each, weights that drift from first to last.

    Attributes:
        near: Nearest items of each direction, (U, K, neighbours).
        directions: Unit-norm, (U, K, D).
        first: Weights at the beginning, (U, K).
        last: Weights at the end, (U, K).
    """

    near: NDArray[np.int64]
    directions: NDArray[np.float32]
    first: NDArray[np.float64]
    last: NDArray[np.float64]

    def weights(self, progress: float) -> NDArray[np.float64]:
        """Weights of the directions at a moment in [0, 1], (U, K)."""
        return (1 - progress) * self.first + progress * self.last


def simulate_log(
    item_ids: Sequence[str],
    embeddings: NDArray[np.float32],
    *,
    users: int,
    events_per_user: int,
    seed: int,
) -> InteractionLog:
    """Let invented shoppers choose from slates; see the module for what the result must not be used for.

    Every shopper's taste is a mixture of directions around real items that drifts from one mixture to another. At each
    step a slate is shown, part near the taste and part popular, and one item of it is chosen by affinity, popularity,
    place on the slate and chance. What is done with it (view, click, purchase) depends on affinity.

    Args:
        item_ids: Of the catalogue, in its order, N.
        embeddings: Unit-norm, (N, D); a zero row is an item that nobody is drawn to.
        users: Number of shoppers, at least 1.
        events_per_user: Events of each, at least 1.
        seed: The same seed gives the same log.

    Raises:
        ValueError: There is no item, the shapes do not fit, or a number is below 1.
    """
    if embeddings.ndim != 2 or len(embeddings) != len(item_ids) or not len(item_ids):
        raise ValueError("embeddings are (N, D) for N item ids, at least one")
    if users < 1 or events_per_user < 1:
        raise ValueError("users and events_per_user are at least 1")
    rng = np.random.default_rng(seed)
    ranked = np.arange(1, len(item_ids) + 1, dtype=np.float64) ** -POPULARITY_DECAY
    popularity = rng.permutation(ranked / ranked.sum())
    tastes = _draw_tastes(embeddings, users, rng)
    steps = [
        _step(embeddings, tastes, popularity, step / max(events_per_user - 1, 1), rng)
        for step in range(events_per_user)
    ]
    items, events = (np.stack(columns, axis=1) for columns in zip(*steps, strict=True))  # (U, E)
    return _build_log(item_ids, items, events, _draw_times(users, events_per_user, rng))


def _draw_tastes(embeddings: NDArray[np.float32], users: int, rng: np.random.Generator) -> _Tastes:
    count, width = 2 * DIRECTIONS, embeddings.shape[1]
    real = np.flatnonzero(np.any(embeddings != 0, axis=1))
    centres = rng.choice(real if len(real) else np.arange(len(embeddings)), size=(users, count))
    around = embeddings[centres] + rng.normal(0, 0.3 / np.sqrt(width), (users, count, width))
    directions = (around / np.maximum(np.linalg.norm(around, axis=2, keepdims=True), 1e-12)).astype(np.float32)
    first, last = np.zeros((users, count)), np.zeros((users, count))
    first[:, :DIRECTIONS] = rng.dirichlet(np.ones(DIRECTIONS), users)
    # Half of what a shopper likes stays to the end.
    last[:, :DIRECTIONS] = first[:, :DIRECTIONS] / 2
    last[:, DIRECTIONS:] = rng.dirichlet(np.ones(DIRECTIONS), users) / 2
    return _Tastes(near=_find_near(embeddings, directions), directions=directions, first=first, last=last)


def _find_near(embeddings: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.int64]:
    """The items nearest to each direction, in no order, (U, K, neighbours)."""
    users, count, width = directions.shape
    kept = min(NEIGHBOURS, len(embeddings))
    flat = directions.reshape(-1, width)
    near = [
        np.argpartition(-flat[start : start + _CHUNK] @ embeddings.T, kept - 1, axis=1)[:, :kept]
        for start in range(0, len(flat), _CHUNK)
    ]
    return np.concatenate(near).reshape(users, count, kept)


def _step(
    embeddings: NDArray[np.float32],
    tastes: _Tastes,
    popularity: NDArray[np.float64],
    progress: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """One choice of every shopper: the item, (U,), and what was done with it, (U,)."""
    weights = tastes.weights(progress)
    slate = _draw_slate(tastes.near, weights, popularity, rng)  # (U, S)
    taste = np.einsum("uk,ukd->ud", weights, tastes.directions)
    affinity = np.einsum("ud,usd->us", taste, embeddings[slate])
    spread = affinity.std(axis=1, keepdims=True)
    affinity = (affinity - affinity.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-6)
    appeal = TASTE_WEIGHT * affinity + POPULARITY_WEIGHT * np.log(popularity[slate])
    appeal -= ATTENTION * np.log(np.arange(1, SLATE + 1))
    chosen = np.argmax(appeal + rng.gumbel(size=appeal.shape), axis=1)
    rows = np.arange(len(slate))
    return slate[rows, chosen], _draw_events(affinity[rows, chosen], rng)


def _draw_slate(
    near: NDArray[np.int64], weights: NDArray[np.float64], popularity: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """What is shown to each shopper, in the order of the page, (U, S); an item may stand on it twice."""
    users, _, kept = near.shape
    edges = np.cumsum(weights, axis=1)[:, None, :]
    direction = (rng.random((users, NEAR, 1)) * edges[:, :, -1:] > edges).sum(axis=2)  # (U, NEAR)
    close = near[np.arange(users)[:, None], direction, rng.integers(0, kept, (users, NEAR))]
    popular = rng.choice(len(popularity), size=(users, SLATE - NEAR), p=popularity)
    return rng.permuted(np.concatenate([close, popular], axis=1), axis=1)


def _draw_events(affinity: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int8]:
    """The better an item fits, the further the shopper goes: view, click, purchase."""
    eager = affinity + rng.logistic(size=affinity.shape)
    codes = [event_code("purchase"), event_code("click")]
    return np.select([eager > 2.5, eager > 0.5], codes, event_code("view")).astype(np.int8)


def _draw_times(users: int, events: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Strictly growing seconds for every shopper, (U, E): minutes within a visit, days between visits."""
    gaps = rng.integers(20, 600, (users, events))
    visits = rng.random((users, events)) < 0.2
    gaps = np.where(visits, rng.integers(DAY // 4, 10 * DAY, (users, events)), gaps)
    return START + rng.integers(0, 120 * DAY, (users, 1)) + np.cumsum(gaps, axis=1)


def _build_log(
    item_ids: Sequence[str], items: NDArray[np.int64], events: NDArray[np.int8], times: NDArray[np.int64]
) -> InteractionLog:
    users, count = items.shape
    values = np.full(users * count, np.nan)
    return InteractionLog(
        users=np.repeat(np.arange(users), count),
        items=items.ravel(),
        events=events.ravel(),
        values=values.astype(np.float32),
        liked=find_liked("events", events.ravel(), values),
        times=times.ravel(),
        user_ids=tuple(f"{SIMULATED}{number:05d}" for number in range(1, users + 1)),
        item_ids=tuple(item_ids),
    )
