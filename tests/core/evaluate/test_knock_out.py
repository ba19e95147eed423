"""Taking away what a version relies on."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from core.baselines.recommender import ItemTable
from core.device import choose_device
from core.evaluate.knock_out import WithoutHistory, knock_outs, swap_modality
from core.train.data import build_data
from core.train.run import train
from tests.core.train.conftest import ITEMS, TINY, make_log, make_tokens


def test_only_the_named_modality_is_swapped() -> None:
    tokens, order = make_tokens(), np.arange(ITEMS)[::-1].copy()
    swapped = swap_modality(tokens, "picture", order)
    np.testing.assert_array_equal(swapped.modalities["picture"].joint, tokens.modalities["picture"].joint[order])
    np.testing.assert_array_equal(swapped.modalities["text"].joint, tokens.modalities["text"].joint)


@pytest.fixture(scope="module")
def knocked(tmp_path_factory):
    tokens, log = make_tokens(), make_log()
    data = build_data(tokens, [f"title {item}" for item in range(ITEMS)], [""] * ITEMS, log=log)
    trained = train(data, TINY, choose_device("cpu"), tmp_path_factory.mktemp("run"), everything=log)
    none = ("",) * ITEMS
    table = ItemTable(
        item_ids=log.item_ids,
        texts=none,
        titles=none,
        categories=none,
        text_embeddings=tokens.modalities["text"].joint,
        picture_embeddings=tokens.modalities["picture"].joint,
    )
    return {name: build() for name, build in knock_outs(trained, table, seed=0)}, log.histories(np.arange(4))


def test_each_thing_is_taken_away_once(knocked) -> None:
    found, histories = knocked
    assert list(found) == ["trained, pictures swapped", "trained, texts swapped", "trained, no history"]
    for one in found.values():
        assert np.isfinite(one.score(histories)).all()


def test_what_no_item_has_is_not_taken_away() -> None:
    tokens = make_tokens()
    picture = tokens.modalities["picture"]
    bare = replace(picture, mask=np.zeros_like(picture.mask), joint=np.zeros_like(picture.joint))
    version = SimpleNamespace(tokens=replace(tokens, modalities={**tokens.modalities, "picture": bare}))
    found = knock_outs(cast(Any, version), cast(Any, None), seed=0)
    assert [name for name, _ in found] == ["trained, texts swapped", "trained, no history"]


def test_without_history_everyone_is_told_the_same(knocked) -> None:
    found, histories = knocked
    scores = found["trained, no history"].score(histories)
    np.testing.assert_allclose(scores, np.tile(scores[0], (4, 1)), atol=1e-6)
    assert isinstance(found["trained, no history"], WithoutHistory)
    told = found["trained, pictures swapped"].score(histories)
    assert np.abs(told[0] - told[1]).max() > 1e-3
