"""Items that share a title or a picture fall on one side together, and count as the same in every pair."""

import numpy as np
import pytest
import torch

from core.device import choose_device
from core.evaluate.catalog_report import rank_first_right
from core.evaluate.tested import hold_titles_out
from core.model.tasks import run_tasks
from core.tokens.item_tokens import ItemTokens
from core.train.batches import StepBuilder
from core.train.data import build_data
from core.train.held_out import (
    find_leaks,
    group_items,
    hold_out,
    number_pictures,
    number_texts,
)
from core.train.run import build_model
from core.train.validate import match_held
from tests.core.train.conftest import TINY

TITLES = ["Red hat", "red  HAT", "Blue hat", "Cap", "Bowl", "Cup"]
PICTURES = ["a", "b", "b", "c", "", ""]


def test_shared_titles_and_pictures_make_one_group() -> None:
    captions, pictures = number_texts(TITLES), number_pictures(PICTURES, 6)
    assert group_items(captions, pictures).tolist() == [0, 0, 0, 1, 2, 3]
    assert number_pictures((), 3).tolist() == [0, 1, 2], "nobody knows the pictures"
    assert group_items(captions[:0], pictures[:0]).tolist() == []


@pytest.mark.parametrize("least", [0, 20])
def test_what_shows_a_placeholder_is_learned_from(least: int) -> None:
    """Nothing can be told of it, and half the catalogue is not spared for one question."""
    titles, pictures = [f"t{one}" for one in range(400)], ["none.png"] * 200 + [f"{one}.png" for one in range(200)]
    groups = group_items(number_texts(titles), number_pictures(pictures, 400))
    for salt in map(str, range(40)):
        held = hold_out(titles, groups, salt, least=least, share=3)
        assert not held[:200].any() and held[200:].sum() >= least


def test_no_picture_of_many_sizes_is_on_both_sides() -> None:
    """Issue 12: a picture that nine titles shared counted as a placeholder, so that the test asked for what it had."""
    titles = [f"Shoe {shoe} size {size}" for shoe in range(12) for size in range(36, 47)]
    pictures = [f"{shoe}.png" for shoe in range(12) for _ in range(36, 47)]
    own = [f"{one}.png" for one in range(100, 160)]
    found = hold_titles_out([*titles, *own], [*pictures, *own], np.ones(192, bool))
    shown = np.array([*pictures, *own])
    assert found.warning == "" and not np.isin(shown[found.tested], shown[~found.tested]).any()
    alone = hold_titles_out(titles, pictures, np.ones(132, bool))
    assert "3 of the 20 different titles" in alone.warning, "twelve pictures tell little, however many titles they have"


def test_what_shows_a_held_out_item_leaks() -> None:
    captions, pictures = number_texts(TITLES), number_pictures(PICTURES, 6)
    held = np.array([False, True, False, False, False, False])
    assert find_leaks(captions, pictures, held).tolist() == [True, False, True, False, False, False]


def test_a_side_takes_whole_groups_and_no_more_than_its_share() -> None:
    titles = [f"thing {one % 40}" for one in range(120)]
    groups = group_items(number_texts(titles), number_pictures((), 120))
    held = hold_out(titles, groups, "test", least=20, share=3)
    assert len(np.unique(groups[held])) == 13 and not np.isin(groups[held], groups[~held]).any()
    grown = [*titles, *(f"more {one}" for one in range(4000))]
    again = hold_out(grown, group_items(number_texts(grown), number_pictures((), 4120)), "test", least=20, share=3)
    plain = hold_out(titles, groups, "test")
    assert np.array_equal(again[:120], plain), "the side of a title is its own where there are enough"


def test_a_shared_picture_is_found_and_never_told_apart(tokens: ItemTokens) -> None:
    few = tokens.take(np.arange(4))
    data = build_data(few, list("abcd"), ["x"] * 4, pictures=["p", "p", "q", ""])
    assert data.pictures.tolist() == [0, 0, 1, 2]
    texts = np.eye(4, dtype=np.float32)
    swapped = texts[[1, 0, 2, 3]]
    assert match_held(texts, swapped, data, np.arange(4))["ndcg@10"] > 0.9
    apart = build_data(few, list("abcd"), ["x"] * 4)
    assert match_held(texts, swapped, apart, np.arange(4))["ndcg@10"] < 0.9


def test_the_rank_of_the_first_right_answer() -> None:
    scores = np.array([[0.9, 0.8, 0.1], [0.5, 0.5, 0.5], [0.1, 0.2, 0.3]], np.float32)
    right = np.array([[False, True, False], [True, False, False], [True, False, True]])
    assert rank_first_right(scores, right).tolist() == [2, 2, 1], "equal scores stand in the middle"


def test_no_loss_tells_apart_what_shares_a_picture(tokens: ItemTokens) -> None:
    few = tokens.take(np.arange(24))
    device = choose_device("cpu").device

    def loss(titles: list[str], pictures: list[str]) -> dict[str, torch.Tensor]:
        data = build_data(few, titles, ["x"] * 24, pictures=pictures, excluded=np.zeros(24, bool))
        torch.manual_seed(0)
        model = build_model(few, data, TINY)
        step = StepBuilder(data, TINY, model.config, torch.device(device)).build(0, None)
        return run_tasks(model, step, ("contrastive", "contrastive-sigmoid"))

    kinds = [f"t{one}" for one in range(24)]
    shared, apart = loss(kinds, ["p"] * 24), loss(kinds, [])
    assert shared["contrastive"] == 0 and apart["contrastive"] > 0
    assert shared["contrastive-sigmoid"] < apart["contrastive-sigmoid"]
