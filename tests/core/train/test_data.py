"""What is held out stays held out."""

import numpy as np

from core.interactions.log import History, InteractionLog
from core.tokens.item_tokens import ItemTokens
from core.train.data import build_data, split_history
from core.train.held_out import hash_bucket, number_texts


def history(items: list[int], liked: list[bool]) -> History:
    count = len(items)
    return History(
        items=np.array(items),
        events=np.zeros(count, np.int8),
        values=np.full(count, np.nan, np.float32),
        liked=np.array(liked),
        times=np.arange(count),
    )


def test_a_history_is_cut_at_four_fifths() -> None:
    begin, later = split_history(history([1, 2, 3, 4, 5, 6, 7, 8, 9, 1], [True] * 10))
    assert begin.items.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert later.tolist() == [9], "what was met before is nothing to predict"


def test_only_what_was_liked_is_a_target() -> None:
    _, later = split_history(history([1, 2, 3, 4, 5], [True, True, True, True, False]))
    assert not len(later)


def test_validation_people_and_items_are_never_learned_from(tokens: ItemTokens, log: InteractionLog) -> None:
    excluded = np.zeros(80, bool)
    excluded[:5] = True
    titles = [f"title {item}" for item in range(80)]
    data = build_data(tokens, titles, [""] * 80, log=log, excluded=excluded, seed=1)
    assert data.log is not None
    validation = {tuple(one.items.tolist()) for one in data.validation.histories}
    assert len(validation) == 12
    assert not (data.validation_items | excluded)[data.log.items].any()
    fitted = {tuple(one.items.tolist()) for one in data.log.histories(np.unique(data.log.users))}
    assert not validation & fitted
    assert not any(excluded[items].any() for items in data.validation.targets)


def test_equal_titles_fall_on_one_side(tokens: ItemTokens) -> None:
    titles = [f"Title {item // 4}" if item % 3 else f"title  {item // 4}" for item in range(80)]
    data = build_data(tokens, titles, [""] * 80)
    for caption in np.unique(data.captions):
        same = data.captions == caption
        spaced = [" ".join(title.casefold().split()) for title, ok in zip(titles, same, strict=True) if ok]
        assert len(set(spaced)) == 1
        assert data.validation_items[same].all() or not data.validation_items[same].any()


def test_numbers_of_texts() -> None:
    assert number_texts(["A  b", "a B", "c"]).tolist() == [0, 0, 1]


def test_buckets_do_not_depend_on_the_run() -> None:
    assert [hash_bucket("shoe", 10), hash_bucket("shoe", 10, salt="held")] == [6, 2]
