"""Explanations of suggestions to people: they add up to what `recommend` says, and every rank is the one it gives."""

import itertools
import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.cli.main import main
from core.errors import ExplainError, TrainError
from core.explain.people.history import MOST_ITEMS, HistoryRanks
from core.explain.people.person_explanation import PersonExplanation
from core.explain.report.sentence import describe_person
from core.interactions.log import History
from core.serving.variants import keep_fields, list_fields
from core.work.recommend import Person, find_person, invent_person, recommend_history, suggest_to
from core.workspace import Workspace

pytestmark = pytest.mark.slow

LIKED = ("hat-red", "bag-red", "sock-blue", "scarf-green")


def explain(shop: Workspace, person: Person, item_id: str) -> PersonExplanation:
    return shop.person_explainer.explain(person.catalog, person.version, person.history, item_id)


def rank_of(shop: Workspace, person: Person, item_id: str) -> tuple[int | None, float]:
    """Rank and score as `suggest_to` gives them."""
    found = {one.item_id: one for one in suggest_to(shop, person, 1000)}
    one = found.get(item_id)
    return (one.rank, one.score) if one else (None, math.nan)


def without(person: Person, shop: Workspace, *removed: str) -> Person:
    item_ids = shop.open_version(person.version).item_ids
    rows = [item_ids.index(one) for one in removed]
    return replace(person, history=person.history.take(~np.isin(person.history.items, rows)))


@pytest.fixture(params=["log", "made up"])
def person(request: pytest.FixtureRequest, people_shop: Workspace) -> Person:
    if request.param == "log":
        return find_person(people_shop, "simulated-00003", "")
    return invent_person(people_shop, LIKED, "")


@pytest.mark.parametrize("place", [0, 1, 20])
def test_the_parts_add_up_to_the_score_that_recommend_shows(people_shop, person: Person, place: int) -> None:
    one = suggest_to(people_shop, person, 60)[place]
    found = explain(people_shop, person, one.item_id)
    assert (found.rank, found.score) == (one.rank, pytest.approx(one.score, abs=1e-6))
    assert found.base_value + sum(found.modalities.values()) == pytest.approx(one.score, abs=1e-4)
    assert found.completeness < 1e-4 and abs(found.drift) < 1e-3
    assert list(found.modalities)[-2:] == ["history", "prior"]


def test_every_counterfactual_rank_is_the_one_that_recommend_gives(people_shop, person: Person) -> None:
    item_id = suggest_to(people_shop, person, 3)[2].item_id
    found = explain(people_shop, person, item_id)
    assert len(found.counterfactuals) == found.history == len(np.unique(person.history.items))
    for one in found.counterfactuals:
        rank, score = rank_of(people_shop, without(person, people_shop, one.removed), item_id)
        assert (one.rank, one.score) == (rank, pytest.approx(score, abs=1e-5)), one.removed
    if found.nearest_flip is not None:
        rank, _ = rank_of(people_shop, without(person, people_shop, *found.nearest_flip.changed), item_id)
        assert found.nearest_flip.rank == rank and rank > 10


def test_a_made_up_history_is_ranked_as_on_the_command_line(people_shop: Workspace) -> None:
    found = explain(people_shop, invent_person(people_shop, LIKED, ""), "shoe-red")
    assert [one.removed for one in found.counterfactuals] == list(reversed(LIKED)), "the newest first"
    for one in found.counterfactuals:
        rest = [liked for liked in LIKED if liked != one.removed]
        rows = recommend_history(people_shop, rest, "", "", 60).suggestions
        assert {row.item_id: row.rank for row in rows}["shoe-red"] == one.rank


@pytest.mark.parametrize("item_id", ["tie-black", "shoe-white"], ids=["known", "new"])
def test_shapley_values_are_those_of_all_orders(people_shop: Workspace, item_id: str) -> None:
    """Brute force over every order in which players come in, each coalition scored by the version's own `score`."""
    person = invent_person(people_shop, LIKED, "")
    bundle = people_shop.open_version(person.version)
    found, row = explain(people_shop, person, item_id), bundle.item_ids.index(item_id)
    assert bool(bundle.heads.memory.seen[row]) == (item_id == "tie-black")
    assert bundle.heads.memory.content > 0 and bundle.heads.memory.vectors.shape[1] > bundle.vectors[0].size
    stored = people_shop.items.find(person.catalog.id, item_id)
    fields = list_fields(stored)
    served = replace(person.catalog, version=person.version.id)
    reader = people_shop.models.version_reader(served)
    placer = people_shop.person_explainer._placer(served, bundle, bundle.heads)

    @cache
    def value(coalition: frozenset[str]) -> float:
        kept = coalition & set(fields)
        if not kept:  # the average over all items
            others = zip(bundle.vectors, bundle.heads.memory.vectors, strict=True)
            return float(np.mean([score(coalition, *other) for other in others]))
        if len(kept) == len(fields):
            return score(coalition, bundle.vectors[row], bundle.heads.memory.vectors[row])
        variant = keep_fields(stored.item, kept)
        read = reader.read(stored, [variant])
        return score(coalition, read[0], placer.place(row, read, [variant.item]).memory[2])

    def score(coalition: frozenset[str], own: np.ndarray, place: np.ndarray) -> float:
        vectors, memory, prior = bundle.vectors.copy(), bundle.heads.memory.vectors.copy(), bundle.heads.prior.copy()
        vectors[row], memory[row] = own, place
        prior[row] *= "prior" in coalition
        heads = replace(bundle.heads, prior=prior, memory=replace(bundle.heads.memory, vectors=memory))
        history = person.history if "history" in coalition else person.history.take(slice(0))
        changed = replace(bundle, vectors=vectors, heads=heads)
        return float(changed.score_people([history]).total[0, row])

    players = (*fields, "history", "prior")
    naive = dict.fromkeys(players, 0.0)
    for order in itertools.permutations(players):
        for place, player in enumerate(order):
            gained = value(frozenset(order[: place + 1])) - value(frozenset(order[:place]))
            naive[player] += gained / math.factorial(len(players))
    assert set(naive) == set(found.modalities)
    assert found.modalities == pytest.approx(naive, abs=2e-5)


def test_without_a_history_popularity_alone_speaks(people_shop: Workspace) -> None:
    person = invent_person(people_shop, (), "")
    found = explain(people_shop, person, "tie-black")
    assert (found.base_value, found.score) == pytest.approx((0, found.modalities["prior"]))
    assert [name for name, value in found.modalities.items() if abs(value) > 1e-7] in (["prior"], [])
    assert found.counterfactuals == () and found.nearest_flip is None and found.history == 0
    assert "how popular" in describe_person(found) or "Nothing" in describe_person(found)


def test_pairs_are_listed_once_and_popularity_adds_to_everything_alike(people_shop, person: Person) -> None:
    item_id = suggest_to(people_shop, person, 1)[0].item_id
    found = explain(people_shop, person, item_id)
    count = len(found.modalities)
    assert len({frozenset(pair[:2]) for pair in found.interactions}) == count * (count - 1) // 2
    assert max(abs(value) for *pair, value in found.interactions if "prior" in pair) < 1e-6
    strengths = [abs(value) for *_, value in found.interactions]
    assert strengths == sorted(strengths, reverse=True)


def test_all_events_of_one_item_go_together_and_the_newest_are_tried(people_shop: Workspace) -> None:
    person = invent_person(people_shop, LIKED, "")
    bundle = people_shop.open_version(person.version)
    columns = {name: np.tile(getattr(person.history, name), 2) for name in History.__slots__}
    ranks = HistoryRanks(bundle, History(**columns), row=0)
    assert ranks.distinct == 4 and [bundle.item_ids[row] for row in ranks.items] == list(reversed(LIKED))
    everything = invent_person(people_shop, bundle.item_ids, "").history
    ranks = HistoryRanks(bundle, everything, row=0)
    assert ranks.distinct == 60 and len(ranks.items) == MOST_ITEMS and ranks.items[0] == 59
    assert ranks.rank([(), (0,)]) == {(): None, (0,): None}, "what a person has had is not suggested again"


def test_what_was_left_out_may_stand_above(people_shop: Workspace) -> None:
    """An item that is taken out of the history can be suggested again, and it counts in the rank."""
    person = invent_person(people_shop, LIKED, "")
    bundle = people_shop.open_version(person.version)
    order = [one.item_id for one in suggest_to(people_shop, without(person, people_shop, LIKED[0]), 60)]
    behind = order[order.index(LIKED[0]) + 1]
    ranks = HistoryRanks(bundle, person.history, bundle.item_ids.index(behind))
    assert ranks.rank([(3,)])[(3,)] == order.index(behind) + 1


def test_an_item_that_was_edited_after_the_training_drifts(people_shop: Workspace, tmp_path, tiny_folder) -> None:
    from core.work.import_catalog import run_import
    from tests.core.work.test_import_catalog import write_spec

    person = invent_person(people_shop, LIKED, "")
    before = explain(people_shop, person, "tie-black")
    (tmp_path / "edit.csv").write_text("id,title,category\ntie-black,something else altogether,lamp\nnew,a lamp,lamp\n")
    spec = write_spec(tmp_path / "edit.csv", folder=tmp_path, catalog=person.catalog.name)
    run_import(people_shop, replace(spec, backbone=str(tiny_folder)))
    person = invent_person(people_shop, LIKED, "")
    after = explain(people_shop, person, "tie-black")
    assert after.score == before.score and after.completeness < 1e-4, "the version keeps what it learned"
    assert abs(after.drift) > 10 * abs(before.drift)
    with pytest.raises(ExplainError, match="does not know “a lamp”"):
        explain(people_shop, person, "new")


def test_what_cannot_be_explained_ends_in_a_sentence(people_shop: Workspace) -> None:
    person = invent_person(people_shop, LIKED, "")
    with pytest.raises(ExplainError, match="no item “nothing”"):
        explain(people_shop, person, "nothing")
    with pytest.raises(TrainError, match="is not in the catalogue's log"):
        find_person(people_shop, "nobody", "")
    with pytest.raises(TrainError, match="does not know the items nothing"):
        invent_person(people_shop, ("nothing",), "")


def test_on_the_command_line(people_shop: Workspace, capsys, monkeypatch) -> None:
    monkeypatch.setattr("core.cli.main.Workspace", lambda _home: people_shop)
    command = ["--home", str(people_shop.home.root), "explain", "--catalog", "People's shop", "--item", "shoe-red"]
    assert main([*command, "--history", "hat-red, bag-red", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["base_value"] + sum(found["modalities"].values()) == pytest.approx(found["score"], abs=1e-4)
    assert {"interactions", "nearest_flip", "completeness", "sentence"} <= set(found)
    assert [one["removed"] for one in found["counterfactuals"]] == ["bag-red", "hat-red"]
    (alone,) = (
        row.rank
        for row in recommend_history(people_shop, ["hat-red"], "", "", 60).suggestions
        if row.item_id == "shoe-red"
    )
    assert found["counterfactuals"][0]["rank"] == alone
    assert main([*command, "--user", "simulated-00003"]) == 0
    assert "The model relied" in capsys.readouterr().out
    assert main([*command, "--user", "nobody"]) == 1
    assert "not in the catalogue's log" in capsys.readouterr().err
    assert main([*command, "--user", "simulated-00003", "--html", "why.html"]) == 1
    assert "go with --need" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [[], ["--user", "a", "--need", "b"], ["--user", "a", "--history", "b"]])
def test_one_of_need_user_and_history_is_wanted(asked: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["explain", "--catalog", "Shop", "--item", "1", *asked])
    assert stopped.value.code == 2
