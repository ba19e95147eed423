"""The choice of the memory's defaults measures what it says, on inner people alone."""

from argparse import Namespace
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import people_defaults
from core.evaluate.nested import inner_log
from tests.core.train.conftest import ITEMS, group, make_log, make_tokens, unit

#: Two groups of items that lie apart; each person likes one of them.
VECTORS = unit(np.eye(2)[[group(item) for item in range(ITEMS)]] + 0.01 * np.arange(ITEMS)[:, None] / ITEMS)


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> list[people_defaults.Fold]:
    log = replace(make_log(), item_ids=tuple(f"n{item}" for item in range(ITEMS)))  # of either group some are cold
    material = SimpleNamespace(tokens=make_tokens(), stored=range(ITEMS), table=SimpleNamespace(words=None))
    monkeypatch.setattr(people_defaults, "open_source", lambda *_: (material, log))
    return list(people_defaults.read_folds("movies", Namespace()))


def test_every_inner_person_is_in_one_fold_and_nobody_else_in_any(folds: list[people_defaults.Fold]) -> None:
    inner = np.unique(inner_log(make_log()).users)
    np.testing.assert_array_equal(np.sort(np.concatenate([fold.split.users for fold in folds])), inner)
    assert all(np.isin(fold.split.fit.users, inner).all() for fold in folds)
    assert len(folds[0].vectors) == ITEMS


def test_each_value_is_measured_and_new_items_are_ranked_by_what_tells(folds: list[people_defaults.Fold]) -> None:
    told = {"log": [people_defaults.Fold(split=fold.split, vectors=VECTORS) for fold in folds]}
    noise = np.random.default_rng(0).standard_normal(VECTORS.shape).astype(np.float32)
    untold = {"log": [people_defaults.Fold(split=fold.split, vectors=noise) for fold in folds]}
    (usual,), (same,) = people_defaults.measure_warm(told, "", 0), people_defaults.measure_warm(told, "shrinkage", 200)
    (other,) = people_defaults.measure_warm(told, "shrinkage", 1)
    assert 0 < usual == same != other
    pairs = [(0.0, 0.0), (0.5, 0.0)]
    for (one,), (less,) in zip(
        people_defaults.measure_cold(told, 1.0, pairs), people_defaults.measure_cold(untold, 1.0, pairs), strict=True
    ):
        assert one > 1.3 * less > 0
