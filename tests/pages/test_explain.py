"""The page that says why: a link shows it whole, its numbers add up, and what is wrong is said in a sentence."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.errors import ExplainError
from core.explain.explanation import WordEffect
from core.explain.needs.explainer import Explainer
from core.explain.pictures.maps import Looked, PictureMap
from core.explain.report.html_file import mark_text
from core.suggest.need import Need, split_avoid
from core.work.import_catalog import run_import
from core.workspace import Workspace
from tests.core.work.test_import_catalog import write_spec

Open = Callable[..., AppTest]


def words_of(test: AppTest) -> str:
    html = " ".join(element.proto.body for element in test.get("html"))
    return " ".join([html, *(one.value for one in [*test.title, *test.markdown, *test.caption])])


def open_why(app: Open, need: str = "red shoe", **parameters: str) -> AppTest:
    """The page for a need; a simulated visit cannot start on it, so the need is typed there (the browser's can)."""
    test = app("../pages/explain.py")
    for name, value in ({"item": "shoe-red"} | parameters).items():
        test.query_params[name] = value
    return test.text_input(key="need").input(need).run()


def test_a_link_shows_the_whole_explanation(app: Open, shop: Workspace) -> None:
    test = open_why(app)
    said = words_of(test)
    assert "Why “red shoe”?" in said and "The model relied" in said and "rank **1** in Shop" in said
    assert 'class="wl-for"' in said, "words of the need are marked"
    assert not test.exception and not test.error


def test_the_waterfall_adds_up_to_the_score(app: Open, shop: Workspace) -> None:
    test = open_why(app)
    card = shop.suggester.suggest(_need("red shoe")).page[0]
    (whole, difference) = (json.loads(one.proto.spec)["data"][0] for one in test.get("plotly_chart"))
    assert sum(whole["x"]) == pytest.approx(card.score, abs=1e-3)
    assert whole["measure"][0] == "absolute" and whole["measure"][-1] == "total"
    assert sum(difference["x"]) == pytest.approx(card.score, abs=1e-3)


def test_labels_of_bars_that_go_down_have_room(app: Open, shop: Workspace) -> None:
    test = open_why(app, item="hat-blue", against="shoe-red")
    (_, difference) = (json.loads(one.proto.spec) for one in test.get("plotly_chart"))
    values = difference["data"][0]["x"]
    ends = [sum(values[: place + 1]) for place in range(len(values))]
    low, high = difference["layout"]["xaxis"]["range"]
    assert min(values[1:]) < 0 and low < min(0.0, *ends) and high > max(ends)


def test_the_table_holds_the_ranks_that_the_needs_really_give(app: Open, shop: Workspace) -> None:
    test = open_why(app, need="red shoe, not leather")
    table = test.dataframe[0].value
    assert list(table["Without"])[:3] == ["“red”", "“shoe”", "“not leather”"]
    assert re.search(r">Avoid</span> .*leather.*</div>", words_of(test)), (
        "what is to be avoided is said beside the need"
    )
    for without, need in (("“red”", "shoe, not leather"), ("“shoe”", "red, not leather")):
        page = shop.suggester.suggest(_need(need), limit=100).page
        rank = next(one.rank for one in page if one.stored.item.item_id == "shoe-red")
        assert list(table[table["Without"] == without]["Rank"]) == [f"{rank:,}"]


def test_the_need_is_changed_in_place_and_the_move_is_said(app: Open, shop: Workspace) -> None:
    test = open_why(app)
    test.text_input(key="need").input("blue hat").run()
    assert "it was at 1 for “red shoe”" in words_of(test)


def test_another_item_to_compare_with(app: Open, shop: Workspace) -> None:
    test = open_why(app, against="hat-blue")
    (picker,) = (one for one in test.selectbox if one.label == "The other item")
    assert picker.value == "hat-blue" and "than “blue hat”" in words_of(test)


def test_without_a_need_it_says_what_to_do(app: Open, shop: Workspace) -> None:
    test = open_why(app, need="")
    assert [one.value for one in test.info] == ["Ask for something first; then every suggestion has a “Why?”."]


def test_without_an_item_it_takes_the_first_suggestion(app: Open, shop: Workspace) -> None:
    assert "Why “red shoe”?" in words_of(open_why(app, item=""))


def test_an_item_that_is_gone_ends_in_a_sentence(app: Open, shop: Workspace) -> None:
    test = open_why(app, item="<b>gone</b>")
    assert ["There is no item" in one.value for one in test.error] == [True] and not test.exception


def test_marked_texts_are_never_markup() -> None:
    body = mark_text("<b>", "<img src=x onerror=alert(1)> red", [WordEffect(word="img", field="title", value=2.0)])
    assert "<img" not in body and "<b>" not in body and "&lt;" in body
    assert '<mark class="wl-for"' in body and "img" in body


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Gives faithful maps, but for the word “shoe”, and refuses attention; the needs and methods that were asked."""
    asked = []

    def look(_self, _catalog, need: Need, _item_id: str, *, method: str = "") -> Looked:
        asked.append((need.text, method))
        if method == "game":
            raise ExplainError("This model's picture tower has no attention that Wishlight can read.")
        grid = np.eye(4, dtype=np.float32)
        made = PictureMap(
            grid=grid, method="made up", completeness=None, gain=1.0, faithful=need.text != "shoe", seconds=0.1
        )
        return Looked(map=made, pixels=np.zeros((8, 8, 3), np.uint8), lost=0.5, rank=1, rank_without=14)

    monkeypatch.setattr(Explainer, "look", look)
    monkeypatch.setattr("ui.why.picture.PICTURE_COUNTS", 0.0)
    return asked


def test_where_the_picture_hardly_counted_no_map_is_offered(
    app: Open, shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.why.picture.PICTURE_COUNTS", 1.0)
    test = open_why(app)
    assert not [one for one in test.toggle if one.label == "Show where the model looked"]
    assert "The picture hardly counted" in words_of(test) and downloads(test) == ["As HTML", "As JSON"]


def look(test: AppTest) -> AppTest:
    (toggle,) = (one for one in test.toggle if one.label == "Show where the model looked")
    return toggle.set_value(True).run()


def downloads(test: AppTest) -> list[str]:
    return [one.proto.label for one in test.get("download_button")]


def test_the_map_is_made_when_it_is_asked_for(app: Open, shop: Workspace, looked: list[tuple[str, str]]) -> None:
    test = open_why(app)
    assert looked == [] and downloads(test) == ["As HTML", "As JSON"]
    look(test)
    assert looked == [("red shoe", "")] and downloads(test) == ["As HTML", "As JSON", "As PNG"]
    assert "Parts that raised the likeness to the whole need: made up" in words_of(test)
    assert "falls by +1.000 more than in random orders: it passed. Made in 0.1 s." in words_of(test)
    assert "Without the brightest 20 % of it the item goes from 1 to 14." in words_of(test)
    (opacity,) = (one for one in test.slider if one.label == "Opacity of the map")
    opacity.set_value(0).run()
    assert looked == [("red shoe", "")], "the map is kept while it is only drawn anew"


def test_a_chip_for_each_word_and_a_refusal_where_no_map_is_faithful(
    app: Open, shop: Workspace, looked: list[tuple[str, str]]
) -> None:
    test = look(open_why(app))
    (chips,) = (one for one in test.pills if one.label == "Look for")
    assert chips.options == ["The whole need", "red", "shoe"]
    chips.set_value("red").run()
    assert looked[-1] == ("red", "") and "likeness to “red”" in words_of(test)
    (chips,) = (one for one in test.pills if one.label == "Look for")
    chips.set_value("shoe").run()
    assert ["so none is shown" in one.value for one in test.info] == [True]
    assert downloads(test) == ["As HTML", "As JSON"]


def test_a_method_that_cannot_read_the_model_is_refused(
    app: Open, shop: Workspace, looked: list[tuple[str, str]]
) -> None:
    test = look(open_why(app))
    (method,) = (one for one in test.selectbox if one.label == "How the map is made")
    method.set_value("game").run()
    assert looked[-1] == ("red shoe", "game") and "no attention" in test.info[0].value
    assert not test.exception and not test.error


def _need(text: str) -> Need:
    words, avoid = split_avoid(text)
    return Need(text=words, avoid=avoid)


def test_an_explanation_is_of_the_catalogue_that_is_there(app: Open, workspace: Workspace, tmp_path: Path) -> None:
    """Both have the same name and revision; only the id tells them apart."""
    for title in ("red wool scarf", "yellow plastic bucket"):
        for one in workspace.catalogs.list():
            workspace.delete_catalog(one)
        (tmp_path / "items.csv").write_text(f"id,title\nA1,{title}\nA2,red scarf\n")
        run_import(workspace, write_spec(tmp_path / "items.csv"))
        test = open_why(app, "red scarf", item="A1")
        now = workspace.explainer.explain(workspace.catalogs.find("Shop"), _need("red scarf"), "A1")
        assert f"score **{now.score:.2f}**" in words_of(test) and "it was at" not in words_of(test)
