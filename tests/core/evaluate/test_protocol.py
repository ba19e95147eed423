"""Splits look at no future, ranking is full, and a recommender that knows the answer gets all of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.baselines.recommender import ItemTable
from core.baselines.registry import build_baseline
from core.baselines.tuning import Budget
from core.children import peak_memory, reset_peak
from core.errors import EvaluationError
from core.evaluate.measured import Measured, average_runs
from core.evaluate.protocol import (
    Split,
    build_splits,
    choose_split,
    cold_items,
    measure,
    rank_shuffled,
    split_files,
)
from core.interactions.log import NO_TIME, History, InteractionLog

ITEMS = 200


def make_log(people: int = 150, events: int = 20, *, times: bool = True, seed: int = 0) -> InteractionLog:
    rng = np.random.default_rng(seed)
    count = people * events
    moments = np.sort(rng.integers(0, 1_000_000, (people, events)), axis=1).ravel()
    return InteractionLog(
        users=np.repeat(np.arange(people), events),
        items=np.concatenate([rng.choice(ITEMS, events, replace=False) for _ in range(people)]),
        events=np.zeros(count, np.int8),
        values=np.full(count, np.nan, np.float32),
        liked=rng.random(count) < 0.7,
        times=moments if times else np.full(count, NO_TIME),
        user_ids=tuple(f"u{person}" for person in range(people)),
        item_ids=tuple(f"i{item}" for item in range(ITEMS)),
    )


TABLE = ItemTable(
    item_ids=tuple(f"i{item}" for item in range(ITEMS)),
    texts=("",) * ITEMS,
    titles=("",) * ITEMS,
    categories=("",) * ITEMS,
    text_embeddings=np.zeros((ITEMS, 2), np.float32),
    picture_embeddings=np.zeros((ITEMS, 2), np.float32),
)


def test_what_a_log_is_counted_for_is_counted_once_a_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was counted for every few people, which took minutes for ten million events."""
    counted, tail = [], Split.is_tail.fget
    monkeypatch.setattr(Split, "is_tail", property(lambda split: (counted.append(1), tail(split))[1]))
    splits = list(build_splits(make_log(400), "users"))
    measure(lambda: Oracle(splits), splits, TABLE)
    assert len(splits[0].users) > 64 and len(counted) == len(splits)


class Oracle:
    """Knows the targets by the history's items; remembers what it was fitted on."""

    name = "oracle"
    ranks_cold = True

    def __init__(self, splits: Sequence[Split]) -> None:
        self.answers = {
            history.items.tobytes(): targets
            for split in splits
            for history, targets in zip(split.histories, split.targets, strict=True)
        }
        self.fitted: InteractionLog | None = None

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        self.fitted = log

    def score(self, histories: Sequence[History]) -> np.ndarray:
        scores = np.zeros((len(histories), ITEMS), np.float32)
        for row, history in enumerate(histories):
            scores[row, self.answers[history.items.tobytes()]] = 1
            scores[row, history.items] = 2
        return scores


@pytest.mark.parametrize("name", ["users", "time", "last", "random"])
def test_an_oracle_gets_everything_and_the_fit_nothing_of_the_test(name: str) -> None:
    log = make_log()
    splits = list(build_splits(log, name, seed=3))  # type: ignore[arg-type]
    found = measure(lambda: Oracle(splits), splits, TABLE)
    assert found.mean("ndcg@10") == pytest.approx(1.0)
    assert found.mean("cold_ndcg@10") == pytest.approx(1.0)
    cold = cold_items(log.item_ids)
    for split in splits:
        assert not cold[split.fit.items].any()
        for person, history, targets in zip(split.users, split.histories, split.targets, strict=True):
            seen = split.fit.items[split.fit.users == person]
            assert not np.isin(targets, seen).any()
            assert not np.isin(targets, history.items).any()


def test_held_out_people_are_new_and_everyone_is_tested_once() -> None:
    splits = list(build_splits(make_log(), "users", seed=1))
    assert len(splits) == 5
    for split in splits:
        assert not np.isin(split.users, split.fit.users).any()
    tested = np.concatenate([split.users for split in splits])
    assert len(tested) == len(np.unique(tested)) and len(tested) > 140


def test_a_cut_in_time_has_the_past_before_it() -> None:
    (split,) = build_splits(make_log(), "time")
    end = split.fit.times.max()
    log = make_log()
    for person, targets in zip(split.users, split.targets, strict=True):
        own = log.users == person
        for item in targets:
            assert log.times[own & (log.items == item)].min() > end


def test_the_choice_of_a_split() -> None:
    assert choose_split(make_log()) == "time"
    assert choose_split(make_log(people=60)) == "users"
    assert choose_split(make_log(times=False)) == "users"


def test_a_split_by_time_needs_times() -> None:
    with pytest.raises(EvaluationError, match="needs the time"):
        list(build_splits(make_log(times=False), "last"))


def test_nobody_left_to_test_on() -> None:
    with pytest.raises(EvaluationError, match="Nobody is left"):
        list(build_splits(make_log(people=4, events=1), "users"))


def test_a_second_file_is_of_new_people_over_all_items() -> None:
    fit, test = make_log(), make_log(people=30, seed=8)
    fit = fit.take(fit.items > 20)
    split = split_files(fit, test)
    assert split.cold.sum() == 21 and not split.apart
    found = measure(lambda: Oracle([split]), [split], TABLE)
    assert found.mean("ndcg@10") == pytest.approx(1.0)
    assert found.mean("cold_ndcg@10") == pytest.approx(1.0)


def test_the_tail_lies_beyond_the_most_liked_fifth() -> None:
    (split,) = build_splits(make_log(), "time")
    counts = np.bincount(split.fit.items[split.fit.liked], minlength=ITEMS)
    tail = split.is_tail
    assert not (tail & split.cold).any()
    assert tail.sum() == (~split.cold).sum() - int(0.2 * (~split.cold).sum())
    assert counts[tail].max() <= counts[~tail & ~split.cold].min()


def test_domains_are_measured_apart_where_there_are_two() -> None:
    mixed = replace(TABLE, domains=tuple("films" if item % 4 else "music" for item in range(ITEMS)))
    (split,) = build_splits(make_log(), "time")
    found = measure(lambda: Oracle([split]), [split], mixed)
    assert found.mean("music_ndcg@10") is not None and found.mean("films_ndcg@10") is not None
    anyone = [any(item % 4 == 0 and not split.cold[item] for item in targets) for targets in split.targets]
    np.testing.assert_array_equal(~np.isnan(found.values["music_ndcg@10"]), anyone)
    alone = measure(lambda: Oracle([split]), [split], replace(TABLE, domains=("films",) * ITEMS))
    assert "films_ndcg@10" not in alone.values


def test_what_some_items_lack_is_measured_apart_and_what_all_lack_is_not() -> None:
    vectors = np.ones((ITEMS, 2), np.float32)
    assert TABLE.slices == {} and replace(TABLE, picture_embeddings=vectors).slices == {}
    vectors[::4] = 0
    mixed = replace(TABLE, text_embeddings=vectors)
    (split,) = build_splits(make_log(), "time")
    found = measure(lambda: Oracle([split]), [split], mixed)
    assert "no_picture_ndcg@10" not in found.values
    anyone = [any(item % 4 == 0 and not split.cold[item] for item in targets) for targets in split.targets]
    assert found.count("no_text_ndcg@10") == sum(anyone) < found.count("ndcg@10")
    np.testing.assert_array_equal(~np.isnan(found.values["no_text_ndcg@10"]), anyone)


def test_runs_are_averaged_person_by_person() -> None:
    def run(users: list[int], values: list[float], seconds: float) -> Measured:
        return Measured(
            name="x",
            users=np.array(users),
            values={"ndcg@10": np.array(values)},
            top=np.array(users)[:, None],
            fit_seconds=seconds,
            score_seconds=0.0,
        )

    found = average_runs([run([3, 1, 2], [0.1, 0.4, np.nan], 2.0), run([1, 2, 3], [0.6, np.nan, np.nan], 4.0)])
    np.testing.assert_array_equal(found.users, [1, 2, 3])
    np.testing.assert_allclose(found.values["ndcg@10"], [0.5, np.nan, 0.1])
    np.testing.assert_array_equal(found.top[:, 0], [1, 2, 3])
    assert found.fit_seconds == 3.0 and found.mean("ndcg@10") == pytest.approx(0.3)


def test_ties_do_not_follow_the_order_of_ids() -> None:
    top = rank_shuffled(np.zeros((1, 1000), np.float32), 10, [np.array([0, 1])])
    assert top.max() > 100 and not np.isin([0, 1], top).any()
    assert np.array_equal(top, rank_shuffled(np.zeros((1, 1000), np.float32), 10, [np.array([0, 1])]))


class Meets(Oracle):
    """Scores nobody whom it has not met."""

    transductive = True
    told: Sequence[History] = ()

    def expect(self, histories: Sequence[History]) -> None:
        self.told = histories

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        assert self.told, "before the fit"
        super().fit(log, items)


def test_one_that_scores_only_whom_it_met_is_told_the_tested_peoples_histories_which_is_said() -> None:
    splits, made = list(build_splits(make_log(), "users"))[:2], []
    found = measure(lambda: made.append(Meets(splits)) or made[-1], splits, TABLE)
    assert found.transductive and not measure(lambda: Oracle(splits), splits, TABLE).transductive
    for split, one in zip(splits, made, strict=True):
        assert one.told == split.histories
        assert not any(
            np.isin(targets, history.items).any() for targets, history in zip(split.targets, one.told, strict=True)
        )


def test_a_fit_says_its_seconds_its_memory_and_what_it_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = list(build_splits(make_log(), "users"))[:2]
    found = measure(lambda: build_baseline("ease", budget=Budget(fits=2)), splits, TABLE)
    assert [one.fits for one in found.choices] == [2, 2] and set(found.choices[0].settings) == {
        "penalty",
        "other_weight",
    }
    assert found.tuning_seconds > 0 and found.fit_seconds > 0
    both = average_runs([found, replace(found, peak=1)])
    assert len(both.choices) == 4 and both.tuning_seconds == pytest.approx(found.tuning_seconds)
    monkeypatch.setattr("core.children._CLEAR", Path("/nowhere/clear_refs"))
    assert measure(lambda: Oracle(splits), splits, TABLE).peak is None, "nobody counts there"


@pytest.mark.skipif(not reset_peak(), reason="the system does not let the count begin anew")
def test_memory_is_counted_from_the_beginning_of_a_fit() -> None:
    big = np.ones(40_000_000)
    del big
    reset_peak()
    before = peak_memory()
    big = np.ones(20_000_000)
    assert peak_memory() - before > 0.9 * big.nbytes
