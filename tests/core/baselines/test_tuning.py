"""Settings are chosen on people of the fit alone, within a budget, and what was chosen is said."""

from collections.abc import Sequence

import numpy as np
import pytest

from core.baselines.recommender import ItemTable
from core.baselines.registry import BASELINES, build_baseline
from core.baselines.tuning import Budget, Setting, Tuned
from core.interactions.log import History, InteractionLog
from core.train.data import split_people
from tests.core.baselines.test_baselines import GROUP_ITEMS, make_history, make_log, planted


class Knows:
    """Better the nearer `skill` is to 3: as many of each person's own items stand first as that leaves."""

    name = "knows"
    ranks_cold = False

    def __init__(self, skill: float = 1, other: float = 1, *, transductive: bool = False) -> None:
        self.skill, self.other, self.transductive = skill, other, transductive
        self.told: Sequence[History] = ()
        self.people = 0

    def expect(self, histories: Sequence[History]) -> None:
        self.told = histories

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        self.people, self.count = len(np.unique(log.users)), len(items)

    def score(self, histories: Sequence[History]) -> np.ndarray:
        likes = np.arange(self.count, dtype=np.float32)
        later = [history.items[history.liked].mean() >= GROUP_ITEMS for history in histories]
        rows = [np.where((likes >= GROUP_ITEMS) == one, 1, -1) for one in later]
        noise = np.random.default_rng(0).normal(0, 4 * abs(self.skill - 3), (len(histories), self.count))
        return (np.stack(rows) + noise).astype(np.float32)


SKILL = Setting("skill", 1, (1, 2, 3, 4, 5))


def tune(
    space: Sequence[Setting] = (SKILL,), *, transductive: bool = False, **budget: float
) -> tuple[Tuned, list[Knows]]:
    """Fitted on the planted people, with all recommenders that it made."""
    made: list[Knows] = []

    def build(**settings: float) -> Knows:
        made.append(Knows(**settings, transductive=transductive))
        return made[-1]

    tuned = Tuned(build, space, budget=Budget(**budget))
    tuned.expect([make_history([0])])
    tuned.fit(*planted())
    return tuned, made


def test_what_ranks_validation_people_best_is_chosen_and_fitted_once_more_on_everybody() -> None:
    tuned, made = tune()
    assert tuned.choice.settings == {"skill": 3} and tuned.choice.at_edge == () and tuned.choice.fits == 5
    log, _ = planted()
    rest, _ = split_people(log, seed=0)
    assert made[-1].skill == 3 and made[-1].people == len(np.unique(log.users))
    assert {one.people for one in made[2:-1]} == {len(np.unique(rest.users))}


def test_a_best_value_at_the_edge_of_what_was_tried_is_said_unless_there_is_nothing_beyond() -> None:
    assert tune([Setting("skill", 1, (1, 2, 3))])[0].choice.at_edge == ("skill",)
    assert tune([Setting("skill", 1, (1, 2, 3), (3,))])[0].choice.at_edge == ()


def test_settings_are_gone_over_in_turn_and_equal_ones_keep_the_default() -> None:
    tuned, made = tune([SKILL, Setting("other", 2, (1, 2, 3))])
    assert tuned.choice.settings == {"skill": 3, "other": 2} and tuned.choice.fits == 7
    assert len({(one.skill, one.other) for one in made[2:-1]}) == 7, "none is tried twice"


def test_the_budget_ends_the_search_and_a_long_first_fit_allows_none() -> None:
    assert tune(fits=2)[0].choice.fits == 2
    tuned, made = tune(seconds=1e-9)
    assert tuned.choice.fits == 0 and tuned.choice.settings == {"skill": 1} and tuned.choice.at_edge == ()
    assert [one.people for one in made if one.people] == [30], "one fit, on everybody"


def test_one_that_must_have_met_people_is_told_of_validation_people_while_it_is_chosen() -> None:
    tuned, made = tune(transductive=True)
    assert tuned.transductive and len(made[-1].told) == 1
    assert {len(one.told) for one in made[2:-1]} == {len(split_people(planted()[0], seed=0)[1])}
    assert tune()[1][-1].told == (), "nobody else is told"


def test_seconds_that_the_first_fit_waits_for_libraries_do_not_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 9.0, 9.0, *np.arange(10, 11, 0.01)])  # the first fit takes nine of ten seconds
    monkeypatch.setattr("core.baselines.tuning.time.monotonic", lambda: next(clock))
    assert tune(seconds=10)[0].choice.fits == 5


def test_nobody_to_choose_by_leaves_the_default() -> None:
    tuned = Tuned(Knows, [SKILL])
    tuned.fit(make_log([(0, 0, True, 0)], people=1, items=20), planted()[1])
    assert tuned.choice.settings == {"skill": 1} and tuned.choice.fits == 0


@pytest.mark.parametrize("name", [name for name, one in BASELINES.items() if one.space])
def test_every_default_is_among_the_values_which_rise(name: str) -> None:
    for one in BASELINES[name].space:
        assert one.default in one.values and list(one.values) == sorted(set(one.values))
        assert set(one.limits) <= set(one.values)
    tuned = build_baseline(name)
    assert (
        isinstance(tuned, Tuned)
        and tuned.name == name
        and set(tuned.choice.settings) == {one.name for one in BASELINES[name].space}
    )
