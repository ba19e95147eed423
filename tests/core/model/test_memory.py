"""The closed-form memory, against its naive definition."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from core.model.memory import Memory, fit_memory

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
    memory = fit_memory(csr_array(LIKES), VECTORS, shrinkage=2.0, content=content)
    matrix = naive(LIKES, VECTORS, 2.0, content)
    history = (RNG.random((4, 9)) < 0.5).astype(np.float32)
    warm, cold = memory.score(history)
    assert np.allclose(warm + cold, history @ matrix, atol=1e-4)
    assert not warm[:, 8].any() and not cold[:, :8].any()


@pytest.mark.parametrize("item", [2, 8], ids=["with events", "without"])
def test_another_place_of_an_item_scores_as_if_it_had_always_lain_there(item: int) -> None:
    memory = fit_memory(csr_array(LIKES), VECTORS, shrinkage=2.0, content=0.3)
    history = LIKES[1].copy()
    for history[item] in (0, 1):
        found = memory.score_variants(history, item, memory.vectors[[item, 0, 5]])
        for place, score in zip((item, 0, 5), found, strict=True):
            vectors = memory.vectors.copy()
            vectors[item] = memory.vectors[place]
            warm, cold = replace(memory, vectors=vectors).score(history[None])
            assert np.isclose(score, (warm + cold)[0, item], atol=1e-4)
        mean = memory.score_variants(history, item, memory.vectors.mean(0, keepdims=True))
        everywhere = memory.score_variants(history, item, memory.vectors)
        assert np.isclose(mean[0], everywhere.mean(), atol=1e-5), "an average of places gives the average score"


def test_round_trip() -> None:
    memory = fit_memory(csr_array(LIKES), VECTORS, shrinkage=2.0, content=0.3)
    again = Memory.from_arrays(memory.to_arrays())
    assert np.array_equal(memory.score(LIKES)[0], again.score(LIKES)[0])


@pytest.mark.parametrize(("shrinkage", "content"), [(0.0, 0.1), (1.0, -0.1)])
def test_numbers_out_of_range(shrinkage: float, content: float) -> None:
    with pytest.raises(ValueError, match="shrinkage"):
        fit_memory(csr_array(LIKES), VECTORS, shrinkage=shrinkage, content=content)
