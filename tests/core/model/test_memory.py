"""The closed-form memory, against its naive definition."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from core.model.memory import RIDGE, Memory, fit_memory

RNG = np.random.default_rng(3)
LIKES = (RNG.random((12, 9)) < 0.4).astype(np.float32)
LIKES[:, 8] = 0  # nobody has seen the last item
VECTORS = RNG.standard_normal((9, 5)).astype(np.float32)


def naive(likes: np.ndarray, vectors: np.ndarray, shrinkage: float, content: float) -> np.ndarray:
    """Column by column: the least-squares problem with the item's own row struck out."""
    centred = vectors - vectors.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    kernel = content * centred @ centred.T
    matrix = kernel.copy()
    for item in range(likes.shape[1]):
        if not likes[:, item].any():
            continue
        others = [row for row in range(likes.shape[1]) if row != item]
        x = likes[:, others]
        left = x.T @ x + shrinkage * np.eye(len(others))
        matrix[others, item] = np.linalg.solve(left, x.T @ likes[:, item] + shrinkage * kernel[others, item])
        matrix[item, item] = 0
    return matrix


@pytest.mark.parametrize("content", [0.0, 0.3])
def test_scores_equal_the_naive_solution(content: float) -> None:
    likes = LIKES * RNG.uniform(0.2, 1.5, LIKES.shape).astype(np.float32)  # how much each event says
    memory = fit_memory(csr_array(likes), VECTORS, shrinkage=2.0, content=content).with_ridge()
    history = (RNG.random((4, 9)) < 0.5).astype(np.float32)
    together, carried, likeness = memory.score(history)
    assert np.allclose(together[:, :8], (history @ naive(likes, VECTORS, 2.0, content))[:, :8], atol=1e-4)
    assert not together[:, 8].any() and not carried[:, :8].any() and not likeness[:, :8].any()
    assert np.allclose(likeness[:, 8], history @ memory.vectors @ memory.vectors[8], atol=1e-5)


def test_what_its_likes_get_is_carried_to_an_item_without_events() -> None:
    memory = fit_memory(csr_array(LIKES), VECTORS, shrinkage=2.0, content=0.3).with_ridge()
    history = LIKES[:4]
    together, carried, _ = memory.score(history)
    known = memory.vectors[:8].astype(float)
    for row, values in enumerate(together[:, :8].astype(float)):
        centred, mean = known - known.mean(axis=0), values.mean()
        slopes = np.linalg.solve(centred.T @ centred + RIDGE * np.eye(5), centred.T @ (values - mean))
        assert np.isclose(carried[row, 8], mean + (memory.vectors[8] - known.mean(axis=0)) @ slopes, atol=1e-5)
    assert not memory.score(np.zeros((1, 9), np.float32))[1].any(), "an empty history says nothing"


def test_other_vectors_are_regressed_on_as_they_lie_while_likes_stay() -> None:
    memory = fit_memory(csr_array(LIKES), VECTORS, shrinkage=2.0, content=0.3)
    other = np.roll(VECTORS, 1, axis=0) * np.array([9, 1, 1, 1, 0], np.float32)
    found = memory.with_ridge().with_vectors(other)
    wanted = memory.with_vectors(other).with_ridge()
    assert np.array_equal(found.ridge, wanted.ridge) and np.array_equal(found.centre, wanted.centre)
    assert np.array_equal(found.diagonal, memory.diagonal)
    assert not memory.with_vectors(other).ridge.size, "a version without such a head gets none"


def test_a_request_copies_no_vectors_of_all_items() -> None:
    items, width = 4_000, 256
    likes = csr_array((np.ones(3, np.float32), ([0, 1, 1], [0, 0, 1])), shape=(2, items))
    vectors = np.random.default_rng(0).standard_normal((items, width)).astype(np.float32)
    memory = fit_memory(likes, vectors, shrinkage=2.0, content=0.3).with_ridge()
    person = likes[[1]].toarray()
    tracemalloc.start()
    try:
        memory.score(person)
        assert tracemalloc.get_traced_memory()[1] < vectors.nbytes / 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("item", [2, 8], ids=["with events", "without"])
def test_another_place_of_an_item_scores_as_if_it_had_always_lain_there(item: int) -> None:
    memory = fit_memory(csr_array(LIKES), VECTORS, shrinkage=2.0, content=0.3).with_ridge()
    history = LIKES[1].copy()
    for history[item] in (0, 1):
        found = memory.score_variants(history, item, memory.vectors[[item, 0, 5]])
        for place, score in zip((item, 0, 5), found, strict=True):
            vectors = memory.vectors.copy()
            vectors[item] = memory.vectors[place]
            scores = replace(memory, vectors=vectors).score(history[None])
            assert np.allclose(score, [one[0, item] for one in scores], atol=1e-4)
        mean = memory.score_variants(history, item, memory.vectors.mean(0, keepdims=True))
        everywhere = memory.score_variants(history, item, memory.vectors)
        assert np.allclose(mean[0], everywhere.mean(axis=0), atol=1e-5), "an average of places gives the average score"


def test_a_memory_of_nobody_says_nothing_of_what_people_like() -> None:
    memory = fit_memory(csr_array((0, 9), dtype=np.float32), VECTORS, shrinkage=2.0, content=0.3).with_ridge()
    together, carried, likeness = memory.score(LIKES[:2])
    assert not together.any() and not carried.any() and likeness.any()


def test_round_trip() -> None:
    memory = fit_memory(csr_array(LIKES * np.float32(0.7)), VECTORS, shrinkage=2.0, content=0.3).with_ridge()
    arrays = memory.to_arrays()
    again = Memory.from_arrays(arrays)
    assert all(np.array_equal(one, other) for one, other in zip(memory.score(LIKES), again.score(LIKES), strict=True))


def test_a_memory_of_an_earlier_release_scores_as_it_did() -> None:
    memory = fit_memory(csr_array(LIKES), VECTORS, shrinkage=2.0, content=0.3)
    old = {name: one for name, one in memory.to_arrays().items() if name not in ("liked_weights", "ridge", "centre")}
    found, wanted = Memory.from_arrays(old).score(LIKES), memory.score(LIKES)
    assert np.array_equal(found[0], wanted[0]) and np.array_equal(found[2], wanted[2]) and not found[1].any()


@pytest.mark.parametrize(("shrinkage", "content"), [(0.0, 0.1), (1.0, -0.1)])
def test_numbers_out_of_range(shrinkage: float, content: float) -> None:
    with pytest.raises(ValueError, match="shrinkage"):
        fit_memory(csr_array(LIKES), VECTORS, shrinkage=shrinkage, content=content)
