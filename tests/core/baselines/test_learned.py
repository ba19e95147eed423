"""Parts of the trained baselines against naive references: triples, fold-in, propagation, sequences."""

import numpy as np
import pytest
import torch

from core.baselines.bpr import BprMf
from core.baselines.item_vectors import to_unit
from core.baselines.lightgcn import LightGcn, LightGcnConfig, normalise_edges
from core.baselines.matrices import history_matrix, like_counts, log_matrix
from core.baselines.pairwise import PairwiseConfig, draw_triples, fold_in
from core.baselines.sasrec import (
    SasRec,
    SasRecConfig,
    build_network,
    draw_later,
    pad_left,
    sampled_cross_entropy,
    spectral_vectors,
)
from core.baselines.vbpr import Vbpr, VbprConfig
from tests.core.baselines.test_baselines import COLD, make_history, make_log, planted


def test_triples_pass_over_each_like_once_with_an_item_of_the_pool_that_is_not_liked() -> None:
    log, _ = planted()
    likes = log_matrix(log)
    pool = np.arange(12)
    batches = list(draw_triples(likes, pool, batch_size=32, rng=np.random.default_rng(0)))
    users, liked, others = (
        torch.cat([getattr(batch, name) for batch in batches]).numpy() for name in ("users", "liked", "others")
    )
    assert sorted(zip(users, liked, strict=True)) == sorted(zip(*likes.nonzero(), strict=True))
    assert np.isin(others, pool).all()
    assert not likes.toarray()[users, others].any()


def test_fold_in_ranks_the_history_first_and_ignores_the_rest_of_the_batch() -> None:
    rng = np.random.default_rng(0)
    vectors, biases = to_unit(rng.normal(size=(40, 16))), np.zeros(40, np.float32)
    likes = history_matrix([make_history([3, 5]), make_history([]), make_history([7])], 40)
    people = fold_in(likes, vectors, biases, penalty=0.01, seed=0)
    scores = people @ vectors.T
    assert set(np.argsort(-scores[0])[:2]) == {3, 5}
    assert scores[2].argmax() == 7
    np.testing.assert_array_equal(people[1], 0)
    alone = fold_in(likes[[2]], vectors, biases, penalty=0.01, seed=0)
    np.testing.assert_allclose(alone[0], people[2], atol=1e-5)


def test_bpr_without_history_is_the_order_of_the_biases() -> None:
    log, items = planted()
    baseline = BprMf(PairwiseConfig(dimension=4, epochs=40, batch_size=32, rate=0.05))
    baseline.fit(log, items)
    scores = baseline.score([make_history([])])[0]
    met = np.unique(log.items[log.liked])
    assert scores[met].min() > scores[list(COLD)].max()


def test_vbpr_gives_untouched_items_their_features_and_the_lowest_bias_alone() -> None:
    log, items = planted()
    baseline = Vbpr(VbprConfig(training=PairwiseConfig(dimension=4, epochs=5), content_dimension=3))
    baseline.fit(log, items)
    np.testing.assert_array_equal(baseline._vectors[list(COLD), :4], 0)
    assert np.abs(baseline._vectors[list(COLD), 4:]).min() > 0


def test_lightgcn_edges_are_divided_by_both_degrees() -> None:
    likes = history_matrix([make_history([0, 1]), make_history([1])], 3)
    edges = normalise_edges(likes, np.array([1, 4, 0], np.float32)).toarray()
    np.testing.assert_allclose(edges, [[1 / 2**0.5, 1 / 8**0.5, 0], [0, 1 / 4**0.5, 0]], rtol=1e-6)


def test_lightgcn_is_the_plain_propagation_with_a_zero_person() -> None:
    log, items = planted()
    baseline = LightGcn(LightGcnConfig(training=PairwiseConfig(dimension=4, epochs=3), layers=2))
    baseline.fit(log, items)
    history = make_history([1, 2, 9])
    degrees = like_counts(log)
    start, first, second = baseline._steps
    person = sum(
        (start[item] + first[item]) / np.sqrt(len(history) * degrees[item]) for item in history.items
    )  # steps 1 and 2; step 0 is zero
    expected = (start + first + second) / 3 @ (person / 3)
    np.testing.assert_allclose(baseline.score([history])[0], expected, rtol=1e-4, atol=1e-6)


def test_sampled_cross_entropy_is_exact_when_all_items_are_drawn() -> None:
    generator = torch.Generator().manual_seed(0)
    states, vectors = (torch.randn(size, generator=generator) for size in ((5, 4), (9, 4)))
    biases, targets = torch.randn(9, generator=generator), torch.tensor([0, 3, 3, 8, 1])
    exact = torch.nn.functional.cross_entropy(states @ vectors.T + biases, targets)
    found = sampled_cross_entropy(states, targets, vectors=vectors, biases=biases, others=9)
    torch.testing.assert_close(found, exact)


def test_sasrec_does_not_look_ahead_and_does_not_read_its_padding() -> None:
    config = SasRecConfig(length=6, dimension=8, heads=2, layers=1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(np.ones(10, np.float32), config).eval()
    sequence = np.array([[3, 1], [5, 0], [2, 1], [7, 1]])
    changed = sequence.copy()
    changed[-1] = [9, 0]
    with torch.inference_mode():
        states, others = (network.hidden(torch.from_numpy(pad_left([rows], 6))) for rows in (sequence, changed))
        short = network.hidden(torch.from_numpy(pad_left([sequence], 4)))
    torch.testing.assert_close(states[0, :-1], others[0, :-1])
    assert (states[0, -1] != others[0, -1]).any()
    torch.testing.assert_close(states[0, -4:], short[0])


def test_sasrec_is_asked_for_a_liked_item_among_the_next() -> None:
    later = torch.tensor([[[5, 1], [6, 0], [7, 1], [8, 0]]])
    assert draw_later(later, 1).tolist() == [[5, 0, 7, 0]]
    assert draw_later(later, 2).tolist() == [[5, 7, 7, 0]]
    first = {int(draw_later(later, 3)[0, 0]) for _ in range(64)}
    assert first == {5, 7}


def test_spectral_vectors_give_back_a_matrix_of_low_rank() -> None:
    """Two kinds of people who share no item: two singular vectors hold all, and the groups are at right angles."""
    rows = [(person, item, True, item) for person in range(6) for item in range((person % 2) * 3, (person % 2) * 3 + 3)]
    vectors = spectral_vectors(make_log(rows, people=6, items=7), 4, 0.5)
    assert vectors.shape == (7, 4)
    likeness = vectors @ vectors.T
    np.testing.assert_allclose(likeness[:3, 3:6], 0, atol=1e-5)
    np.testing.assert_allclose(likeness[:3, :3], likeness[0, 0], rtol=1e-4)
    assert not vectors[6].any()
    np.testing.assert_allclose((vectors**2).sum(axis=1).mean(), 0.25, rtol=1e-4)


@pytest.mark.slow
def test_sasrec_trains_no_longer_than_pays_for_people_kept_aside() -> None:
    log, items = planted()
    config = {"length": 8, "dimension": 16, "dropout": 0.1, "batch_size": 8, "kept": 0.8, "epochs": 40}
    idle = SasRec(SasRecConfig(**config, rate=1e-7, check_every=40))
    learned = SasRec(SasRecConfig(**config, rate=5e-3))
    for baseline in (idle, learned):
        baseline.fit(log, items)
    assert idle.epochs_kept == 0
    assert learned.epochs_kept > 0


@pytest.mark.parametrize(
    "build",
    [
        lambda: PairwiseConfig(dimension=0),
        lambda: PairwiseConfig(rate=0),
        lambda: VbprConfig(content_penalty=-1),
        lambda: LightGcnConfig(layers=0),
        lambda: SasRecConfig(dimension=10, heads=4),
        lambda: SasRecConfig(dropout=1.0),
        lambda: SasRecConfig(check_every=0),
    ],
)
def test_configs_refuse_what_cannot_be(build) -> None:
    with pytest.raises(ValueError, match=r">=|>|at least|\["):
        build()
