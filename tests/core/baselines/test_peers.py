"""Adapters give what the peers' own code gives, and nothing of it leaks."""

import sys

import numpy as np
import pytest
import torch

from core.baselines.cornac_models import CornacMatrix, read_ease, read_vaecf
from core.baselines.ease import Ease, EaseConfig
from core.baselines.implicit_models import ImplicitAls, ImplicitKnn
from core.baselines.matrices import history_matrix
from core.baselines.peer_models import PEERS
from core.baselines.peers import contained
from core.baselines.recommender import announce
from core.baselines.registry import BASELINES, quick_baselines
from core.errors import EvaluationError
from tests.core.baselines.test_baselines import build, make_history, make_log, planted

HISTORIES = [make_history([0, 1, 2]), make_history([9, 12])]


def test_implicit_knn_scores_a_new_person_as_its_own_recommend_does() -> None:
    from scipy.sparse import csr_matrix

    log, items = planted()
    baseline = ImplicitKnn("implicit-bm25", "BM25Recommender", {"K": 6})
    baseline.fit(log, items)
    from implicit.nearest_neighbours import NearestNeighboursScorer

    history = csr_matrix(history_matrix(HISTORIES, len(items)))
    scorer = NearestNeighboursScorer(baseline._similarity)
    for row, scores in enumerate(baseline.score(HISTORIES)):
        one = history[row]
        found, values = scorer.recommend(one.indptr, one.indices, one.data, K=5, remove_own_likes=True)
        np.testing.assert_allclose(scores[found], values, rtol=1e-5)
        assert set(found) == set(np.argsort(-np.where(one.toarray()[0] > 0, -1, scores))[: len(found)])


def test_implicit_als_folds_a_person_of_the_fit_in_to_about_their_own_factors() -> None:
    log, items = planted()
    baseline = ImplicitAls({"factors": 4, "regularization": 0.1, "iterations": 60})
    baseline.fit(log, items)
    history = log.histories(np.unique(log.users)[:1])[0]
    own = baseline._model.user_factors[0] @ baseline._model.item_factors.T
    np.testing.assert_allclose(baseline.score([history])[0], own, atol=0.05)


def test_cornac_ease_without_its_cut_is_ours() -> None:
    log, items = planted()
    theirs = CornacMatrix("cornac-ease", "EASE", read_ease, {"posB": False, "lamb": 7.0})
    ours = Ease(EaseConfig(penalty=7.0))
    for one in (theirs, ours):
        one.fit(log, items)
    liked = np.unique(log.items[log.liked])
    np.testing.assert_allclose(theirs.score(HISTORIES)[:, liked], ours.score(HISTORIES)[:, liked], atol=1e-5)


def test_more_items_than_a_peer_can_hold_are_refused_before_it_takes_the_memory() -> None:
    theirs = CornacMatrix("cornac-ease", "EASE", read_ease, {"posB": False}, sizes=(2, 15))
    with pytest.raises(EvaluationError, match="16 liked items; 15 are its most"):
        theirs.fit(*planted())


def test_cornac_vaecf_reads_a_person_of_the_fit_as_its_own_score_does() -> None:
    log, items = planted()
    baseline = CornacMatrix("cornac-vaecf", "VAECF", read_vaecf, {"n_epochs": 2})
    baseline.fit(log, items)
    history = log.histories(np.unique(log.users)[:1])[0]
    found = baseline.score([history])[0][baseline._known]
    np.testing.assert_allclose(found, baseline._model.score(0), rtol=1e-4)


def test_cornac_recvae_needs_a_hundred_items_and_scores_without_noise() -> None:
    baseline = PEERS["cornac-recvae"].build(0, n_epochs=1, hidden_dim=8, latent_dim=4)
    with pytest.raises(EvaluationError, match="100 liked items, and the log has 16"):
        baseline.fit(*planted())
    log, items = planted(60, 80)
    baseline.fit(log, items)
    scores = baseline.score(HISTORIES)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(baseline.score(HISTORIES), scores)


def test_a_sequence_follows_the_times_and_has_no_order_within_one_moment() -> None:
    rows = [(person, item, True, item // 6) for person in range(30) for item in range(12)]
    log = make_log(rows, people=30, items=12)
    baseline = PEERS["cornac-sasrec"].build(0)
    baseline._known = np.arange(12)
    data = baseline._read(log)
    people, items, _ = data.uir_tuple
    np.testing.assert_array_equal(people, log.users)
    for session in items.reshape(30, 2, 6):
        assert [set(part) for part in session.tolist()] == [set(range(6)), set(range(6, 12))]
    assert np.mean(np.diff(items.reshape(30, 2, 6), axis=2) > 0) < 0.7


@pytest.mark.parametrize("name", ["implicit-bpr", "cornac-bpr", "cornac-vbpr"])
def test_who_was_not_in_the_fit_is_refused_by_what_scores_nobody_else(name: str) -> None:
    baseline = build(name)
    announce(baseline, HISTORIES[:1])
    baseline.fit(*planted())
    baseline.score(HISTORIES[:1])
    with pytest.raises(ValueError, match="expect"):
        baseline.score(HISTORIES[1:])


@pytest.mark.parametrize("name", PEERS)
def test_an_extra_that_is_missing_is_named_with_what_installs_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = PEERS[name].needs
    for module in [one for one in sys.modules if one.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [])
    with pytest.raises(EvaluationError, match=rf"{package}.*pip install -r requirements-peers\.txt"):
        build(name).fit(*planted())


def test_what_is_compared_without_being_asked_for_is_ours_and_what_is_quick_and_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = [name for name, one in BASELINES.items() if not one.needs]
    assert set(quick_baselines()) == {*own, *(name for name, one in PEERS.items() if one.quick)}
    monkeypatch.setattr("core.baselines.registry.is_installed", lambda _package: False)
    assert list(quick_baselines()) == own


def test_what_peers_print_and_seed_stays_inside(capsys: pytest.CaptureFixture[str]) -> None:
    np.random.seed(3)
    torch.manual_seed(3)
    expected = np.random.random(), float(torch.rand(1))
    np.random.seed(3)
    torch.manual_seed(3)
    with contained():
        sys.stdout.write("Optimization finished!")
        np.random.seed(5)
        torch.manual_seed(5)
        torch.backends.cudnn.enabled = False
    assert (np.random.random(), float(torch.rand(1))) == expected
    assert torch.backends.cudnn.enabled and capsys.readouterr().out == ""
