"""How a memory is told and drawn, in planted worlds where the right answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from core.interactions.event_names import event_code
from core.interactions.log import NO_TIME, EventType, InteractionLog
from core.metrics import ndcg_at, rank_top
from core.model.events import EventWeights, weigh_matrix, weigh_rows
from core.model.fitted import foretell_popularity
from core.model.heads import HeadWeights
from core.model.memory import Memory
from core.train import combine, memory_choice
from core.train.combine import choose_new
from core.train.memory_choice import Deal, MemoryChoice, MemoryChooser, _ages, is_better
from tests.core.train.conftest import ITEMS, group, make_log, unit

RNG = np.random.default_rng(8)
#: Two groups of items that lie apart, and noise that says nothing.
TELLING = unit(np.eye(2)[[group(item) for item in range(ITEMS)]] + 0.05 * RNG.standard_normal((ITEMS, 2)))
NOISE = unit(RNG.standard_normal((ITEMS, 6)))


def make_chooser(vectors: np.ndarray, log: InteractionLog) -> MemoryChooser:
    return MemoryChooser(log.histories(np.unique(log.users)), vectors)


def test_content_that_tells_counts_and_noise_does_not() -> None:
    """Few people and many items: what an item is says more than who met it."""
    log = make_log(people=24, events=5)
    told, untold = make_chooser(TELLING, log).choose().content, make_chooser(NOISE, log).choose().content
    assert told >= MemoryChoice().content >= untold


@pytest.mark.parametrize(("event", "half_life"), [("purchase", 30.0), ("rating", 120.0)])
def test_each_field_is_chosen_beside_those_before_where_it_is_better_by_more_than_chance(
    event: EventType, half_life: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rating has no age, so nothing is tried of it."""
    log = make_log()
    chooser = make_chooser(TELLING, replace(log, events=np.full(len(log), event_code(event), np.int8)))
    chance = np.tile([-1.0, 1.2], 20)  # a mean of 0.1 with a standard error of 0.17

    def gains(choice: MemoryChoice) -> np.ndarray:
        much = 1.0 * (choice.shrinkage == 50) + (choice.shrinkage == 50) * (choice.events.half_life == 30)
        return much + chance * (choice.content == 0.1)

    monkeypatch.setattr(chooser, "gains", gains)
    assert chooser.choose() == MemoryChoice(shrinkage=50, events=EventWeights(half_life=half_life))


def test_shrinkage_is_in_units_of_what_events_say() -> None:
    likes = sparse.csr_array((RNG.random((20, ITEMS)) < 0.2).astype(np.float32))
    one, twice = (MemoryChoice().fit(sparse.csr_array(likes * weight), TELLING) for weight in (1, 2))
    np.testing.assert_allclose(one.score_seen(likes.toarray()), twice.score_seen(likes.toarray()), atol=1e-5)


def test_gains_are_those_of_a_memory_that_is_told_as_the_choice_says() -> None:
    log = make_log(people=30)
    chooser = make_chooser(TELLING, replace(log, values=np.where(np.arange(len(log)) % 2, 5, 1).astype(np.float32)))
    deal = chooser.deals[0]
    choice = MemoryChoice(events=EventWeights(rating_power=0))
    for one in (choice, MemoryChoice()):
        memory = one.fit(weigh_matrix(deal.others, ITEMS, one.events), TELLING)
        scores = np.where(memory.seen, memory.score_seen(weigh_rows(deal.asked, ITEMS, one.events)), -np.inf)
        top = [rank_top(scores.astype(np.float32), depth, masked=deal.masked) for depth in (10, 50)]
        wanted = np.mean([ndcg_at(top[0], deal.targets, 10), ndcg_at(top[1], deal.targets, 50)], axis=0)
        np.testing.assert_allclose(chooser.gains(one)[: len(wanted)], wanted)
    assert (chooser.gains(choice) != chooser.gains(MemoryChoice())).any()


def test_ages_tell_apart_only_events_without_ratings_whose_times_are_known() -> None:
    def ages(event: EventType, times: list[int]) -> bool:
        (history,) = make_log(people=1, events=2).histories([0])
        return _ages(replace(history, events=np.full(2, event_code(event), np.int8), times=np.array(times)))

    assert ages("play", [1, 2])
    assert not (ages("play", [2, 2]) or ages("play", [NO_TIME, 2]) or ages("rating", [1, 2]))


def test_no_more_are_dealt_than_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    log = make_log()
    monkeypatch.setattr(memory_choice, "_ENOUGH", 20)
    assert [len(deal.asked) for deal in make_chooser(TELLING, log).deals] == [12, 12]
    monkeypatch.setattr(memory_choice, "MOST_PEOPLE", 10)
    assert [len(deal.others) for deal in make_chooser(TELLING, log).deals] == [8] * 5


@pytest.mark.parametrize(("people", "events"), [(6, 1), (1, 8), (0, 0)], ids=["too short", "alone", "nobody"])
def test_nobody_to_ask_leaves_the_default(people: int, events: int) -> None:
    log = make_log(people=people, events=events)
    chooser = make_chooser(TELLING, log)
    assert chooser.choose() == MemoryChoice()
    weights = choose_new(HeadWeights(taste=0.3, prior=0.1), chooser, MemoryChoice())
    assert (weights.taste, weights.prior, weights.carried, weights.new_taste) == (0.3, 0.1, 1.0, 0.0)
    assert weights.content == MemoryChoice().content


def test_everybody_is_ranked_once_by_a_memory_that_has_not_met_them() -> None:
    log = make_log()
    chooser = make_chooser(TELLING, log)
    assert sum(len(deal.asked) for deal in chooser.deals) == len(np.unique(log.users))
    for deal in chooser.deals:
        met = [history.items.tolist() for history in deal.others]
        asked = [one.items.tolist() for one in deal.asked]
        assert len(met) + len(asked) == len(np.unique(log.users))
        assert not any(begin == whole[: len(begin)] for begin in asked for whole in met)


def test_new_items_of_a_persons_kind_come_before_the_others() -> None:
    """Items 60 and above are new: nobody in the log has met them."""
    log = make_log()
    log = log.take(log.items < 60)
    chooser = make_chooser(TELLING, log)
    chosen = chooser.choose()
    weights = choose_new(HeadWeights(taste=0, prior=0), chooser, chosen)
    assert weights.carried > 0
    deal = chooser.deals[0]
    likes = weigh_matrix(deal.others, ITEMS, chosen.events)
    memory = chosen.fit(likes, TELLING).with_ridge()
    _, carried, likeness = memory.score(weigh_rows(deal.asked, ITEMS, chosen.events))
    total = weights.carried * carried + weights.content * likeness + weights.new_prior * foretell_popularity(memory)
    for history, row in zip(deal.asked, total, strict=True):
        own = group(int(history.items[0]))
        assert {group(60 + int(place)) for place in np.argsort(-row[60:])[:8]} == {own}


def test_new_items_stand_among_all_on_the_scale_that_ranks_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """All their heads shrink alike."""
    asked: list[list[HeadWeights]] = []

    def rank_all(_deal: Deal, _vectors: np.ndarray, _chosen: MemoryChoice, grid: list[HeadWeights]) -> np.ndarray:
        asked.append(grid)
        return np.tile([[0.1], [0.2], [0.4], [0.3]], (1, 5))

    monkeypatch.setattr(combine, "_rank_all", rank_all)
    chooser = make_chooser(TELLING, make_log())
    found = choose_new(HeadWeights(), chooser, MemoryChoice())
    grid = asked[0]
    assert len(asked) == len(chooser.deals) and found == grid[2] and found.carried == 0.25 and found.new_taste == 0
    assert (found.content, found.new_prior) == pytest.approx((grid[0].content / 4, grid[0].new_prior / 4))
    draws = [combine._take_out(place, deal, TELLING, MemoryChoice()) for place, deal in enumerate(chooser.deals)]
    draws = [draw for draw in draws if draw.tells]
    spreads = np.mean([draw.spreads for draw in draws], axis=0)
    content, prior = combine._choose_say(draws, spreads)
    say = (content * spreads[0] / spreads[1], prior * spreads[0] / spreads[2])
    assert (grid[0].content, grid[0].new_prior) == pytest.approx(say, rel=1e-3)


def test_loud_new_items_stand_before_what_people_will_like() -> None:
    log = make_log()
    deal = make_chooser(TELLING, log.take(log.items < 60)).deals[0]
    quiet, loud = (HeadWeights(carried=carried, content=0, new_prior=0) for carried in (0, 100))
    gains = combine._rank_all(deal, TELLING, MemoryChoice(), [quiet, loud]).mean(axis=1)
    assert gains[1] < 0.8 * gains[0]


def test_what_is_taken_out_is_out_of_the_memory_and_of_what_it_is_asked_with(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def read_heads(memory: Memory, prior: np.ndarray, liked: np.ndarray) -> np.ndarray:
        seen.append((memory.seen, liked))
        return np.zeros((*liked.shape, 5), np.float32)

    monkeypatch.setattr(combine, "_read_heads", read_heads)
    draw = combine._take_out(0, make_chooser(TELLING, make_log()).deals[0], TELLING, MemoryChoice())
    ((known, liked),) = seen
    assert (~known).sum() == draw.parts.shape[1] == 8 and not liked[:, ~known].any()


def test_one_candidate_is_no_choice() -> None:
    """Of 8 items one is taken out at a time."""
    log = make_log(people=40, items=8, events=4)
    log = log.take((log.users + log.items) % 5 > 0)
    chooser = make_chooser(TELLING[:8], log)
    weights = choose_new(HeadWeights(), chooser, MemoryChoice())
    assert chooser.deals and (weights.content, weights.new_prior) == (MemoryChoice().content, 0.0)


def test_what_a_person_has_had_does_not_compete_when_it_is_taken_out() -> None:
    log = make_log()
    draw = combine._take_out(0, make_chooser(TELLING, log).deals[0], TELLING, MemoryChoice())
    assert any(len(had) for had in draw.masked) and draw.parts.shape[1] == 8
    for had, wanted in zip(draw.masked, draw.targets, strict=True):
        assert not np.isin(had, wanted).any()
    parts = np.tile(np.array([[2, -1, 0], [1, 1, 0], [0, 0, 0]], np.float32), (9, 1, 1))  # item 1 comes after item 0
    draw = combine._Draw(parts=parts, targets=(np.array([1]),) * 9, masked=(np.array([0]),) * 9)
    assert combine._choose_say([draw], np.ones(3, np.float32)) == (0.5, 0.5)


def test_content_foretells_popularity() -> None:
    popular = np.array([group(item) for item in range(ITEMS)]) == 1
    likes = (RNG.random((80, ITEMS)) < np.where(popular, 0.6, 0.1)).astype(np.float32)
    likes[:, -10:] = 0
    memory = MemoryChoice().fit(sparse.csr_array(likes), TELLING).with_ridge()
    foretold = foretell_popularity(memory)[-10:]
    assert foretold[popular[-10:]].min() > 0.5 and foretold[~popular[-10:]].max() < -0.5
    assert not foretell_popularity(replace(memory, likes=sparse.csr_array((3, ITEMS), dtype=np.float32))).any()


def test_a_gain_within_its_standard_error_is_none() -> None:
    before = np.zeros(100)
    assert not is_better(np.r_[np.full(50, 0.11), np.full(50, -0.1)], before)
    assert is_better(np.r_[np.full(90, 0.11), np.full(10, -0.1)], before)
    assert not is_better(before, before)
    assert not is_better(np.ones(1), np.zeros(1)) and is_better(np.ones(2), np.zeros(2))
