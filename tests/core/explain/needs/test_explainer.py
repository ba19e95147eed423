"""Explanations of suggestions: parts add up, ranks are those that `suggest` gives, edits do what they say."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from core.catalog.schema import Item
from core.cli.main import main
from core.errors import ExplainError, NeedError
from core.explain.dropped_words import drop_words
from core.explain.needs.explainer import EXACT
from core.explain.needs.ranks import Ranks, find_flip, say_need, without_words
from core.explain.pictures.maps import Looked
from core.explain.report.sentence import describe
from core.parts import PARTS
from core.serving.variants import keep_fields, list_fields
from core.store.items import StoredItem
from core.store.word_index import WordHits
from core.suggest.need import Need, split_avoid
from core.workspace import Workspace
from tests.core.suggest.test_suggester import COLOURS, KINDS, add_items


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    """Every kind in every colour; the colour is in the picture alone, but for shoes, whose titles say it as well."""
    items = [
        Item(
            item_id=f"{kind}-{colour}",
            title=f"{colour} {kind}" if kind == "shoe" else kind,
            description="soft leather" if colour == "black" else "",
            attributes={"Kind": (kind,)},
            pictures=(colour,),
        )
        for kind in KINDS
        for colour in COLOURS
    ]
    add_items(workspace, "Shop", items)
    return workspace


def explain(shop: Workspace, need: Need, item_id: str, against: str = ""):
    return shop.explainer.explain(shop.catalogs.find("Shop"), need, item_id, against=against)


def rank_of(shop: Workspace, need: Need, item_id: str) -> int | None:
    page = shop.suggester.suggest(need, limit=500).page
    return next((one.rank for one in page if one.stored.item.item_id == item_id), None)


NEEDS = (
    Need(text="red shoe"),
    Need(text="a blue hat", avoid=("leather",)),
    Need(text="black", avoid=("leather", "hat")),
)


@pytest.mark.parametrize("need", NEEDS, ids=say_need)
@pytest.mark.parametrize("item_id", ["shoe-red", "hat-black", "hat-blue"])
def test_parts_add_up_to_the_score_on_the_card(shop: Workspace, need: Need, item_id: str) -> None:
    found = explain(shop, need, item_id)
    (card,) = (one for one in shop.suggester.suggest(need, limit=500).page if one.stored.item.item_id == item_id)
    assert found.score == pytest.approx(card.score, abs=1e-5) and found.rank == card.rank
    assert found.base_value + sum(found.modalities.values()) == pytest.approx(card.score, abs=1e-4)
    assert found.completeness < 1e-4


@pytest.mark.parametrize("need", NEEDS, ids=say_need)
def test_every_counterfactual_rank_is_what_suggest_gives(shop: Workspace, need: Need) -> None:
    found = explain(shop, need, "shoe-red")
    asked = [one for one in found.counterfactuals if one.need]
    assert len(asked) >= len(need.avoid)
    for one in asked:
        text, avoid = split_avoid(one.need)
        assert rank_of(shop, Need(text=text, avoid=avoid), "shoe-red") == one.rank, one.removed
    if found.nearest_flip is not None:
        text, avoid = split_avoid(found.nearest_flip.need)
        assert rank_of(shop, Need(text=text, avoid=avoid), "shoe-red") == found.nearest_flip.rank


def test_what_suffices_by_itself_keeps_its_rank_and_what_does_not_loses_it(shop: Workspace) -> None:
    found = explain(shop, Need(text="red", match="picture"), "hat-red")
    assert found.alone["picture"] == found.rank and set(found.alone) == set(found.modalities)
    assert found.alone["title"] is None or found.alone["title"] > found.rank
    (without,) = (one.rank for one in found.counterfactuals if one.removed == "picture")
    assert without == found.alone["title"], "nothing but the picture counts, so without it is as good as nothing"


def test_labels_are_left_out_one_by_one(workspace: Workspace) -> None:
    things = [
        Item(item_id=f"{colour}-{kind}", title="thing", brand="Acme", attributes={"Colour": (colour,), "Kind": (kind,)})
        for kind in KINDS
        for colour in COLOURS
    ]
    add_items(workspace, "Shop", things)
    found = explain(workspace, Need(text="red hat", match="text"), "red-hat")
    labels = {one.label: one for one in found.counterfactuals[-3:]}
    assert list(labels) == ["brand: Acme", "Colour: red", "Kind: hat"] and found.rank == 1
    assert labels["brand: Acme"].score >= found.score, "it says nothing about this need"
    page = workspace.suggester.suggest(Need(text="red hat", match="text"), limit=500).page
    others = [one.score for one in page if one.stored.item.item_id != "red-hat"]
    for label in ("Colour: red", "Kind: hat"):
        assert labels[label].score < found.score
        assert labels[label].rank == 1 + sum(other > labels[label].score for other in others)


def test_an_items_only_label_is_the_player_that_it_is(shop: Workspace) -> None:
    found = explain(shop, Need(text="red shoe"), "shoe-red")
    assert [one.removed for one in found.counterfactuals if ":" in one.removed] == []


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_part_of_the_picture_taken_away_is_ranked(shop: Workspace, monkeypatch, share: float) -> None:
    need, red = Need(text="red", match="picture"), explain(shop, Need(text="red", match="picture"), "hat-red")
    blank = Looked(map=None, pixels=None, lost=share * (red.score - red.base_value))  # type: ignore[arg-type]
    looker = SimpleNamespace(look=lambda _stored, _halves, method: blank)
    monkeypatch.setattr(shop.explainer, "_open_looker", lambda _catalog: looker)
    found = shop.explainer.look(shop.catalogs.find("Shop"), need, "hat-red")
    scores = [one.score for one in shop.suggester.suggest(need, limit=500).page if one.stored.item.item_id != "hat-red"]
    higher = sum(score > red.score - blank.lost + 1e-4 for score in scores)
    assert found.rank == red.rank
    assert found.rank_without == (red.rank if share == 0 else higher + 1)


def test_what_carries_the_need_is_what_the_model_relied_on(shop: Workspace) -> None:
    shoe = explain(shop, Need(text="red", match="text"), "shoe-red")
    assert max(shoe.modalities, key=shoe.modalities.get) in ("title", EXACT) and shoe.modalities["picture"] == 0
    hat = explain(shop, Need(text="red", match="picture"), "hat-red")
    assert hat.modalities["picture"] > 0 and hat.modalities["title"] == pytest.approx(0)
    assert "its picture (100 %" in describe(hat)


def test_words_are_weighed_by_leaving_them_out(shop: Workspace) -> None:
    need = Need(text="red shoe")
    found = explain(shop, need, "shoe-red")
    effects = {(one.field, one.word): one.value for one in found.words}
    assert {("need", "red"), ("need", "shoe"), ("title", "red"), ("title", "shoe")} <= set(effects)
    (without,) = (one for one in found.counterfactuals if one.removed == "red")
    assert effects["need", "red"] == pytest.approx(found.score - without.score)
    (card,) = (
        one
        for one in shop.suggester.suggest(Need(text="shoe"), limit=500).page
        if one.stored.item.item_id == "shoe-red"
    )
    assert without.score == pytest.approx(card.score, abs=1e-5)


def test_the_other_item_is_the_one_above_or_the_one_asked_for(shop: Workspace) -> None:
    need = Need(text="red shoe")
    order = [one.stored.item.item_id for one in shop.suggester.suggest(need, limit=500).page]
    third = explain(shop, need, order[2])
    assert third.against is not None and (third.against.item_id, third.against.rank) == (order[1], 2)
    first = explain(shop, need, order[0])
    assert first.against is not None and first.against.item_id == order[1]
    named = explain(shop, need, order[0], against=order[7])
    assert named.against is not None and named.against.rank == 8
    assert sum(named.against.differences.values()) == pytest.approx(named.score - named.against.score, abs=1e-4)


def test_a_flip_is_minimal_and_crosses_the_rank(shop: Workspace) -> None:
    ranks = Ranks(shop.suggester, shop.serving.of(shop.catalogs.find("Shop")), shop.items.find(1, "shoe-red").id)
    need = Need(text="red shoe please")
    found = find_flip(ranks, need, across=3)
    assert ranks.stand(need).rank == 1 and found is not None
    assert found.rank is None or found.rank > 3
    words = [word for word, _ in drop_words(need.text)]
    for word in found.changed:
        fewer = [words.index(one) for one in found.changed if one != word]
        if fewer:
            assert ranks.stand(without_words(need, fewer)).rank <= 3, "each word that was taken out is needed"
    assert find_flip(ranks, need, across=500) is None, "it cannot fall behind more items than there are"


def test_the_owner_learns_what_is_missing(shop: Workspace) -> None:
    need = Need(text="woolly hat", match="text")
    order = [one.stored.item.item_id for one in shop.suggester.suggest(need, limit=500).page]
    found = explain(shop, need, [item_id for item_id in order if item_id.startswith("hat-")][-1])
    assert found.rank == len(COLOURS), "all hats come first, and none says woolly"
    assert found.lift is not None and found.lift.changed == ("woolly",) and found.lift.rank == 1
    assert explain(shop, Need(text="red shoe"), "shoe-red").lift is None, "it is there already"


def test_fields_that_are_there_and_those_that_are_kept() -> None:
    item = Item(item_id="1", title="t", category=("a", "b"), brand="c", tags=("d",))
    stored = StoredItem(id=1, catalog_id=1, item=item, pictures=())
    assert list_fields(stored) == ("title", "attributes")
    bare = keep_fields(item, {"picture"})
    assert bare.hidden == PARTS.keys() - {"picture", "text"} and list_fields(replace(stored, item=bare.item)) == ()
    whole = keep_fields(item, {"title", "attributes"})
    assert whole.item == item and whole.hidden == PARTS.keys() - {"text"}


def test_an_item_outside_of_the_candidates_is_explained_all_the_same(shop: Workspace, monkeypatch) -> None:
    monkeypatch.setattr("core.suggest.suggester.CANDIDATES", 5)
    monkeypatch.setattr(
        "core.suggest.suggester.search_words",
        lambda *_: WordHits(ids=np.empty(0, np.int64), scores=np.empty(0, np.float32)),
    )
    need = Need(text="red shoe")
    found = explain(shop, need, "hat-blue")
    assert found.rank is None and rank_of(shop, need, "hat-blue") is None
    assert found.completeness < 1e-4 and found.against is None


def test_long_texts_cost_no_more_than_short_ones(shop: Workspace, monkeypatch) -> None:
    """A need of two hundred words and a description of a hundred thousand are cut to the words that are tried."""
    asked = []
    ask = shop.suggester.find_candidates

    def count(*arguments, **options):
        asked.append(1)
        return ask(*arguments, **options)

    add_items(shop, "Shop", [Item(item_id="long", title="hat", description="word " * 100_000, pictures=("red",))])
    monkeypatch.setattr(shop.suggester, "find_candidates", count)
    found = explain(shop, Need(text=" ".join(f"w{number}" for number in range(190))), "long")
    assert len(found.words) <= 16 + 24 and len(asked) < 120


def test_an_unknown_item_ends_in_a_sentence(shop: Workspace, capsys) -> None:
    with pytest.raises(NeedError, match="no item “nothing”"):
        explain(shop, Need(text="red"), "nothing")


def refuse_to_look(*_arguments, **_options):
    raise ExplainError("This item has no picture to look at.")


def test_on_the_command_line(shop: Workspace, capsys, monkeypatch) -> None:
    monkeypatch.setattr("core.cli.main.Workspace", lambda _home: shop)
    monkeypatch.setattr(shop.explainer, "look", refuse_to_look)
    command = ["--home", str(shop.home.root), "explain", "--catalog", "Shop", "--need", "red shoe, not leather"]
    assert main([*command, "--item", "shoe-red", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["base_value"] + sum(found["modalities"].values()) == pytest.approx(found["score"], abs=1e-4)
    assert {"interactions", "words", "completeness", "counterfactuals", "nearest_flip"} <= set(found)
    assert found["picture"] is None and "no picture" in found["picture_note"]
    assert main([*command, "--item", "shoe-red"]) == 0
    assert "rank 1" in capsys.readouterr().out
    report = shop.home.root / "why.html"
    assert main([*command, "--item", "shoe-red", "--html", str(report)]) == 0
    said = report.read_text("utf-8")
    assert "Why “red shoe”?" in said and "rank 1 in Shop" in said and "<script" not in said
    assert "://" not in said, "it asks nobody for anything"
    assert main([*command, "--item", "shoe-red", "--html", str(shop.home.root / "no" / "why.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert main([*command, "--item", "nothing"]) == 1
    assert "no item" in capsys.readouterr().err


def test_a_word_that_is_all_of_the_need_is_not_taken_out() -> None:
    assert without_words(Need(text="red"), [0]) is None
    assert without_words(Need(text="a red, red shoe"), [0, 2]) == Need(text="red, shoe")
