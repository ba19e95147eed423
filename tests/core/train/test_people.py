"""Head weights and the popularity that words foretell."""

from dataclasses import replace

import numpy as np
import pytest

from core.interactions.log import InteractionLog
from core.model.events import EventWeights, weigh_matrix, weigh_rows
from core.model.fitted import blend_prior, foretell_popularity, head_parts
from core.model.heads import HEADS, HeadWeights
from core.model.inference import read_items
from core.tokens.item_tokens import ItemTokens
from core.train import people
from core.train.batches import count_log
from core.train.combine import Panel, choose_known
from core.train.data import build_data
from core.train.memory_choice import MemoryChoice, MemoryChooser
from core.train.run import build_model
from tests.core.train.conftest import TINY

PEOPLE, ITEMS = 30, 40
NEW = np.arange(ITEMS) >= 30


def make_panel(**heads: np.ndarray) -> Panel:
    """Everyone will like item 3 and the new item 35; all heads are 0 but those that are given."""
    parts = np.zeros((PEOPLE, ITEMS, len(HEADS)), np.float32)
    for name, values in heads.items():
        parts[:, :, HEADS.index(name)] = values
    return Panel(
        parts=lambda rows: parts[rows],
        targets=[np.array([3, 35])] * PEOPLE,
        masked=[np.array([0])] * PEOPLE,
        new=NEW,
        shown=~NEW,
    )


def peak(item: int, height: float = 1.0) -> np.ndarray:
    values = np.random.default_rng(item).random(ITEMS).astype(np.float32) * 0.1
    values[item] = height
    return values


def test_known_and_new_items_take_their_own_weights() -> None:
    weights = HeadWeights(taste=1, prior=2, together=3, carried=7, content=4, new_taste=5, new_prior=6)
    np.testing.assert_array_equal(weights.to_array(np.array([False, True])), [[1, 2, 3, 0, 0], [5, 6, 0, 7, 4]])


def test_popularity_speaks_alike_of_all_items_to_somebody_who_liked_nothing() -> None:
    weights = HeadWeights(prior=2, new_prior=6, newcomer_prior=2)
    assert weights.to_array(np.array([False, True]), newcomer=True)[:, HEADS.index("prior")].tolist() == [2, 2]
    older = HeadWeights(prior=2, new_prior=6)
    assert older.to_array(np.array([False, True]), newcomer=True)[:, HEADS.index("prior")].tolist() == [2, 6]


def test_the_head_that_knows_is_chosen_for_known_items() -> None:
    weights, value = choose_known(make_panel(taste=peak(3), prior=peak(7, 5.0)))
    assert value == pytest.approx(1.0)
    assert weights.taste > 0 and weights.prior < 1e-5


def test_equal_weights_choose_the_smallest() -> None:
    weights, _ = choose_known(make_panel(together=peak(3)))
    assert weights.taste == 0 and weights.prior < 1e-5
    assert weights.newcomer_prior == weights.prior > 0, "somebody who liked nothing gets what is popular"


@pytest.mark.parametrize(("sure", "taste"), [(0.05, 0.03), (0.0, 0.0)])
def test_a_gain_by_chance_leaves_the_memory_alone(sure: float, taste: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def gains(_panel: Panel, grid: list[HeadWeights]) -> np.ndarray:
        found = np.full((len(grid), PEOPLE), 0.5)
        found[3] += np.tile([-0.9, 1.1], PEOPLE // 2)  # the best mean, within its standard error
        found[7] += sure
        return found

    monkeypatch.setattr(Panel, "gains", gains)
    weights, value = choose_known(make_panel())
    assert (weights.taste, value) == (taste, pytest.approx(0.5 + sure))


def test_everything_is_fitted_as_it_was_chosen(
    tokens: ItemTokens, log: InteractionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chosen and fitted on everyone; taste and prior on people and items that their memory has not met."""
    chosen = MemoryChoice(events=EventWeights(rating_power=1), shrinkage=70.0, content=0.05)
    asked: list[MemoryChooser] = []
    panels: list[Panel] = []
    monkeypatch.setattr(MemoryChooser, "choose", lambda self: asked.append(self) or chosen)
    monkeypatch.setattr(people, "choose_known", lambda panel: panels.append(panel) or (HeadWeights(taste=0.3), 0.25))
    data = build_data(tokens, [f"item {place}" for place in range(80)], [""] * 80, log=log)
    model = build_model(tokens, data, TINY)
    items = read_items(model, tokens)
    heads, found = people.fit_people(model, data, items, log)
    assert heads is not None and found["ndcg"] == 0.25

    vectors, whole = people.memory_vectors(items.flat, data.words), log.histories(np.unique(log.users))
    wanted = chosen.fit(weigh_matrix(whole, 80, chosen.events), vectors).with_ridge()
    for name, array in wanted.to_arrays().items():
        np.testing.assert_array_equal(heads.memory.to_arrays()[name], array)
    assert heads.events == chosen.events and heads.weights.taste == 0.3 and heads.weights.carried > 0
    counted = count_log(replace(data, log=log))
    prior = blend_prior(counted.counts, counted.popularity, foretell_popularity(wanted))
    np.testing.assert_allclose(heads.prior, prior, atol=1e-6)
    assert len(asked[0]._people) == len(whole)

    (panel,), facts = panels, count_log(data)
    assert data.validation_items.any() and not (panel.shown & (data.validation_items | panel.new)).any()
    memory = chosen.fit(weigh_matrix(facts.histories, 80, chosen.events), vectors)
    liked = weigh_rows(data.validation.histories[2:4], 80, chosen.events)
    got = panel.parts(slice(2, 4))
    np.testing.assert_allclose(got[..., 2:], head_parts(liked * 0, liked[0] * 0, memory, liked)[..., 2:], atol=1e-6)
    assert got[..., 0].any()


def test_of_very_many_people_some_are_drawn(
    tokens: ItemTokens, log: InteractionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = count_log(build_data(tokens, [str(place) for place in range(80)], [""] * 80, log=log))
    monkeypatch.setattr(people, "MAX_PEOPLE", 7)
    memory = people.fit_everyone(facts, np.eye(80, dtype=np.float32), MemoryChoice())
    assert memory.likes.shape == (7, 80) and memory.inverse.shape == (7, 7)
