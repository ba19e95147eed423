import numpy as np
import pytest

from core.suggest.variety import rerank_mmr


def _unit(rows: list[list[float]]) -> np.ndarray:
    array = np.array(rows, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def test_hand_worked() -> None:
    # Two near twins lead, a different one follows: with variety the different one moves up to second place.
    embeddings = _unit([[1, 0], [1, 0.01], [0, 1], [1, 0.5]])
    scores = np.array([1.0, 0.9, 0.5, 0.0], np.float32)
    assert rerank_mmr(scores, embeddings, 0.0, 4).tolist() == [0, 1, 2, 3]
    assert rerank_mmr(scores, embeddings, 0.5, 4).tolist()[:2] == [0, 2]


def test_against_the_definition() -> None:
    rng = np.random.default_rng(0)
    embeddings = _unit(rng.standard_normal((30, 5)).tolist())
    scores = rng.standard_normal(30).astype(np.float32)
    relevance = (scores - scores.min()) / (scores.max() - scores.min())
    chosen = [int(np.argmax(relevance))]
    while len(chosen) < 12:
        gains = {
            i: 0.7 * relevance[i] - 0.3 * max(float(embeddings[i] @ embeddings[j]) for j in chosen)
            for i in range(30)
            if i not in chosen
        }
        chosen.append(max(gains, key=lambda i: gains[i]))
    assert rerank_mmr(scores, embeddings, 0.3, 12).tolist()[:12] == chosen


@pytest.mark.parametrize("variety", [0.0, 0.4, 1.0])
def test_every_candidate_comes_once_and_a_longer_list_starts_the_same(variety: float) -> None:
    rng = np.random.default_rng(1)
    embeddings, scores = _unit(rng.standard_normal((40, 4)).tolist()), rng.standard_normal(40).astype(np.float32)
    short, long = rerank_mmr(scores, embeddings, variety, 10), rerank_mmr(scores, embeddings, variety, 30)
    assert sorted(short.tolist()) == list(range(40))
    assert short.tolist()[:10] == long.tolist()[:10], "page 1 must not change when page 2 is asked for"


def test_misuse() -> None:
    with pytest.raises(ValueError, match="variety"):
        rerank_mmr(np.zeros(2, np.float32), np.zeros((2, 2), np.float32), 1.5, 1)
    assert rerank_mmr(np.empty(0, np.float32), np.empty((0, 3), np.float32), 0.5, 3).tolist() == []
