"""What is held out stays held out."""

from dataclasses import replace

import numpy as np
import pytest

from core.interactions.log import NO_TIME, History, InteractionLog
from core.tokens.item_tokens import ItemTokens
from core.train.batches import count_log
from core.train.data import build_data, build_validation, split_history
from core.train.held_out import hash_bucket, number_texts


def history(items: list[int], liked: list[bool] | None = None, times: list[int] | None = None) -> History:
    count = len(items)
    return History(
        items=np.array(items, np.int64),
        events=np.zeros(count, np.int8),
        values=np.full(count, np.nan, np.float32),
        liked=np.array(liked or [True] * count, bool),
        times=np.array(times or range(count), np.int64),
    )


def test_a_history_is_cut_at_four_fifths() -> None:
    begin, later = split_history(history([1, 2, 3, 4, 5, 6, 7, 8, 9, 1], [True] * 10))
    assert begin.items.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert later.tolist() == [9], "what was met before is nothing to predict"


def test_only_what_was_liked_is_a_target() -> None:
    _, later = split_history(history([1, 2, 3, 4, 5], [True, True, True, True, False]))
    assert not len(later)


@pytest.mark.parametrize(
    ("times", "known"),
    [
        ([1, 1, 1, 1, 1, 1, 1, 1, 2, 2], 8),  # where time goes on at 80 %
        ([1, 1, 1, 1, 1, 1, 2, 2, 2, 2], 6),  # the only place
        ([1, 1, 2, 2, 2, 2, 2, 2, 2, 3], 9),  # 2 or 9 of 10: 9 is nearer to 8
        ([1, 2, 2, 2, 2, 2, 2, 2, 2, 2], 1),  # something on both sides
        ([NO_TIME, NO_TIME, NO_TIME, 5, 6], 4),  # whose time is not known comes first
    ],
)
def test_events_of_one_moment_stay_on_one_side(times: list[int], known: int) -> None:
    begin, later = split_history(history(list(range(len(times))), times=times))
    assert begin.items.tolist() == list(range(known))
    assert later.tolist() == list(range(known, len(times)))


def test_where_time_never_goes_on_the_order_of_the_file_says_nothing() -> None:
    lasts = set()
    for first in range(0, 400, 10):
        items = list(range(first, first + 10))
        begin, later = split_history(history(items, times=[NO_TIME] * 10))
        assert len(begin) == 8 and sorted([*begin.items, *later]) == items
        assert begin.items.tolist() == sorted(begin.items), "what is known keeps the order of the log"
        again, same = split_history(history(items[::-1], times=[7] * 10))
        assert same.tolist() == later.tolist() and again.items.tolist() == begin.items[::-1].tolist()
        lasts.update(item - first for item in later.tolist())
    assert lasts == set(range(10)), "each place of the file is asked for in turn"


def test_a_shuffle_is_the_same_on_every_machine() -> None:
    begin, later = split_history(history([3, 5, 8, 13, 21], times=[NO_TIME] * 5))
    assert (begin.items.tolist(), later.tolist()) == ([3, 8, 13, 21], [5])


def test_an_item_bought_again_in_the_same_moment_is_on_one_side() -> None:
    begin, later = split_history(history([4, 4, 4, 9, 9, 9], times=[NO_TIME] * 6))
    assert len(begin) == 3 and len(later) == 1 and later[0] not in begin.items


def test_one_event_leaves_nothing_to_tell() -> None:
    for times in ([3], [NO_TIME]):
        begin, later = split_history(history([6], times=times))
        assert begin.items.tolist() == [6] and not len(later)
    assert not len(split_history(history([]))[0])
    assert not len(build_validation([history([6]), history([])]))


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


def test_the_scale_of_the_largest_ratings_that_are_kept_is_a_number(tokens: ItemTokens, log: InteractionLog) -> None:
    large = replace(log, values=np.where(log.values > 3, 3e38, 1).astype(np.float32))
    facts = count_log(build_data(tokens, [str(item) for item in range(80)], [""] * 80, log=large))
    assert 2e38 < facts.rating_mean < 3e38
    assert 1e38 < facts.rating_std < 2e38
