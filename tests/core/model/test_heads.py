"""The heads side by side: on one scale for everyone, weighed as the version says, the same for an item in its place."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from core.model import inference
from core.model.events import LIKED_ALONE, EventWeights
from core.model.fitted import ItemPlaces, foretell_popularity, head_parts
from core.model.heads import HEADS, HeadWeights, PeopleHeads
from core.model.memory import fit_memory
from tests.core.model.test_events import make_history

RNG = np.random.default_rng(4)
LIKES = (RNG.random((12, 9)) < 0.4).astype(np.float32)
LIKES[:, 8] = 0  # nobody has seen the last item
VECTORS = RNG.standard_normal((9, 1, 5)).astype(np.float32)
MEMORY = fit_memory(csr_array(LIKES), VECTORS[:, 0], shrinkage=2.0, content=0.3).with_ridge()
HISTORY = make_history([1, 4, 6], [5, 3, 1], [True, True, False])


def make_heads(events: EventWeights) -> PeopleHeads:
    return PeopleHeads(
        prior=np.linspace(-1, 1, 9, dtype=np.float32),
        memory=MEMORY,
        weights=HeadWeights(carried=0.7),
        rating_scale=(3.0, 1.0),
        events=events,
    )


def test_the_memory_speaks_by_the_root_of_how_much_was_liked() -> None:
    liked = np.array([[0, 2, 0, 1, 0, 0, 1.5, 0, 0.5], [0, 0.1, 0, 0, 0, 0, 0, 0, 0]], np.float32)
    parts = head_parts(np.zeros((2, 9), np.float32), np.zeros(9, np.float32), MEMORY, liked)
    for place, scores in enumerate(MEMORY.score(liked), start=2):
        np.testing.assert_allclose(parts[:, :, place], scores / np.sqrt([[5], [1]]), atol=1e-6)


def test_popularity_is_foretold_as_standardised_logs() -> None:
    logs = np.log1p(LIKES.sum(axis=0))[:8]
    wanted = MEMORY.predict(np.r_[(logs - logs.mean()) / logs.std(), 0].astype(np.float32))
    np.testing.assert_allclose(foretell_popularity(MEMORY), wanted, atol=1e-5)


@pytest.mark.parametrize("events", [EventWeights(), LIKED_ALONE])
def test_a_version_weighs_events_as_it_says_wherever_it_reads_them(
    events: EventWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "read_people", lambda *_: np.full((1, 5), 0.2, np.float32))
    numbers = make_heads(events).numbers()
    heads = PeopleHeads.from_parts(make_heads(events).prior, MEMORY, numbers)
    assert heads.events == events and heads.weights == HeadWeights(carried=0.7)
    parts = heads.score(None, VECTORS, [HISTORY]).parts  # type: ignore[arg-type]
    liked = np.zeros((1, 9), np.float32)
    liked[0, [1, 4, 6]] = (1.5625, 0.5625, 0.0625) if events == EventWeights() else (1, 1, 0)
    np.testing.assert_allclose(parts["together"], MEMORY.score(liked)[0] / np.sqrt(liked.sum()), atol=1e-6)
    for item in (4, 8):
        flat = VECTORS[[item], 0] / np.linalg.norm(VECTORS[item, 0])
        places = ItemPlaces(item=item, flat=flat, memory=MEMORY.vectors[[item]])
        found = heads.score_places(None, VECTORS, HISTORY, places)  # type: ignore[arg-type]
        np.testing.assert_allclose(found[0], [parts[name][0, item] for name in HEADS], atol=1e-5)


def test_a_version_of_an_earlier_release_counts_likes_and_carries_nothing() -> None:
    numbers = make_heads(EventWeights()).numbers()
    weights = {name: value for name, value in numbers["weights"].items() if name != "carried"}
    old = PeopleHeads.from_parts(np.zeros(9, np.float32), MEMORY, {"weights": weights, "rating_scale": [3, 1]})
    assert old.events == LIKED_ALONE and old.weights.carried == 0
