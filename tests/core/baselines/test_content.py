"""Baselines that look at the items alone: TF-IDF, embeddings and the linear probe against plain formulas."""

import numpy as np
import pytest

from core.baselines.embedding_knn import EmbeddingKnn
from core.baselines.item_vectors import blend_vectors, join_vectors, to_unit
from core.baselines.linear_probe import LinearProbe, LinearProbeConfig
from core.baselines.recommender import ItemTable
from core.baselines.tfidf import Tfidf
from core.baselines.zero_shot import ZeroShot
from tests.core.baselines.test_baselines import make_history, make_items, make_log

TEXTS = ["red wool coat", "Red, red dress", "blue jeans", "", "blue wool scarf of soft wool"]


def empty_log(items: int):
    return make_log([], people=0, items=items)


def two_sided(count: int = 30, dimension: int = 5, seed: int = 0) -> ItemTable:
    """Items with independent unit vectors of text and picture; the last has neither."""
    rng = np.random.default_rng(seed)
    text, picture = (to_unit(rng.normal(size=(count, dimension))) for _ in range(2))
    text[-1] = picture[-1] = 0
    table = make_items([""] * count, vectors=text)
    return ItemTable(
        item_ids=table.item_ids,
        texts=table.texts,
        titles=table.titles,
        categories=table.categories,
        text_embeddings=text,
        picture_embeddings=picture,
    )


def test_items_without_any_word_score_zero() -> None:
    baseline = Tfidf()
    baseline.fit(empty_log(2), make_items(["", "!"]))
    np.testing.assert_array_equal(baseline.score([make_history([0])]), [[0, 0]])


def test_tfidf_is_the_mean_cosine() -> None:
    baseline = Tfidf(longest_phrase=1)
    baseline.fit(empty_log(5), make_items(TEXTS))
    first, second, both = baseline.score([make_history([0]), make_history([2]), make_history([0, 2])])
    np.testing.assert_allclose(both, (first + second) / 2, rtol=1e-5)
    assert first[0] == pytest.approx(1)
    assert first[3] == 0
    # Items 0 and 2 share no word.
    assert first[2] == 0


def test_zero_shot_is_the_cosine_with_the_mean_of_blended_vectors() -> None:
    items = two_sided()
    baseline = ZeroShot(picture_weight=0.1)
    baseline.fit(empty_log(30), items)
    vectors = 0.9 * items.text_embeddings + 0.1 * items.picture_embeddings
    vectors[:-1] /= np.linalg.norm(vectors[:-1], axis=1, keepdims=True)
    np.testing.assert_allclose(blend_vectors(items, picture_weight=0.1), vectors, atol=1e-6)
    profile = vectors[[3, 7]].mean(axis=0)
    scores = baseline.score([make_history([3, 5, 7], liked=[True, False, True])])[0]
    np.testing.assert_allclose(scores, vectors @ profile / np.linalg.norm(profile), atol=1e-5)


def test_embedding_knn_is_the_weighted_mean_of_both_cosines() -> None:
    items = two_sided()
    baseline = EmbeddingKnn(picture_weight=0.3)
    baseline.fit(empty_log(30), items)
    text, picture = (side @ side[[3, 7]].mean(axis=0) for side in (items.text_embeddings, items.picture_embeddings))
    np.testing.assert_allclose(baseline.score([make_history([3, 7])])[0], 0.7 * text + 0.3 * picture, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(join_vectors(items, picture_weight=0.3)[:-1], axis=1), 1, rtol=1e-5)


def test_linear_probe_is_a_weighted_ridge() -> None:
    items = two_sided()
    baseline = LinearProbe(LinearProbeConfig(penalty=0.7, others=20, other_weight=0.25), seed=1)
    baseline.fit(empty_log(30), items)
    history = make_history([2, 4, 11, 5], liked=[True, True, True, False])
    others = np.setdiff1d(np.random.default_rng(1).permutation(30)[:20], history.items)
    ones = np.ones((30, 1))
    features = np.concatenate([items.text_embeddings, items.picture_embeddings, ones], axis=1).astype(float)
    rows = np.concatenate([features[[2, 4, 11]], 0.5 * features[others], 0.7**0.5 * np.eye(11)])
    targets = np.concatenate([np.ones(3), np.zeros(len(others) + 11)])
    expected = np.linalg.lstsq(rows, targets, rcond=None)[0]
    np.testing.assert_allclose(baseline.coefficients(history), expected, atol=1e-4)
    np.testing.assert_allclose(baseline.score([history])[0], features @ expected, atol=1e-4)


def test_linear_probe_refuses_a_penalty_of_nothing() -> None:
    with pytest.raises(ValueError, match="penalty"):
        LinearProbeConfig(penalty=0.0)
