"""The page that suggests to a person: who it is about, what is suggested, and why."""

import json
from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.encode.loading import load_encoder
from core.home import HOME_VARIABLE
from core.work.recommend import find_person, invent_person, suggest_to
from core.workspace import Workspace

pytestmark = pytest.mark.slow

Open = Callable[..., AppTest]
PAGE = "../pages/people.py"
USER = "simulated-00003"


@pytest.fixture
def people(app: Open, people_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The app over the data folder whose version knows people."""
    monkeypatch.setenv(HOME_VARIABLE, str(people_shop.home.root))
    monkeypatch.setattr(
        "core.serving.models.load_encoder", lambda name, models: load_encoder(name, models, runtime="torch")
    )
    st.cache_resource.clear()
    return people_shop


def said(page: AppTest) -> str:
    parts = [*page.title, *page.header, *page.markdown, *page.caption, *page.info, *page.warning, *page.error]
    return " ".join(str(one.value) for one in parts)


def titles(page: AppTest) -> list[str]:
    bodies = [one.proto.body for one in page.get("html") if 'class="wl-title"' in one.proto.body]
    return [body.split('title="')[1].split('"')[0] for body in bodies]


def asked(page: AppTest, name: str) -> list[str]:
    """A part of the address; a single value is not a list there."""
    value = page.query_params[name]
    return [value] if isinstance(value, str) else list(value)


def choose(app: Open, **parameters: str) -> AppTest:
    page = app(PAGE)
    page.selectbox(key="user").set_value(USER).run()
    for name, value in parameters.items():
        page.query_params[name] = value
    return page.run()


def test_without_a_catalogue_it_leads_on(app: Open) -> None:
    assert "no catalogue yet" in said(app(PAGE))


def test_without_a_version_that_knows_people_it_leads_to_the_training(app: Open, shop: Workspace) -> None:
    catalog = shop.catalogs.list()[0]
    shop.versions.add("abc", catalog.id, title="x", backbone="fake", has_log=False, metrics={})
    page = app(PAGE)
    assert "No version of “Shop” knows people yet" in said(page) and not page.exception
    assert "Go to the training" in [link.proto.label for link in page.get("page_link")]


def test_a_person_gets_what_recommend_gives(app: Open, people: Workspace) -> None:
    page = app(PAGE)
    assert "Choose a person, or add" in said(page) and "simulated" in said(page), "invented people are called so"
    page.button(key="example-simulated-00002").click().run()
    assert page.selectbox(key="user").value == "simulated-00002"
    page.selectbox(key="user").set_value(USER).run()
    found = suggest_to(people, find_person(people, USER, ""), 24)
    wanted = [people.items.find(1, one.item_id).item.title for one in found]
    assert titles(page) == wanted and f"score {found[0].score:.4f}" in said(page)
    assert "events in all" in said(page) and not page.exception


def test_why_adds_up_to_the_card_and_leads_back(app: Open, people: Workspace) -> None:
    first = suggest_to(people, find_person(people, USER, ""), 1)[0]
    number = people.items.find(1, first.item_id).id
    page = choose(app)
    page.button(key=f"why-{number}").click().run()
    assert asked(page, "item") == [first.item_id] and not page.exception
    assert "The model relied" in said(page) and f"score **{first.score:.4f}**" in said(page)
    (chart,) = (json.loads(one.proto.spec)["data"][0] for one in page.get("plotly_chart"))
    assert sum(chart["x"]) == pytest.approx(first.score, abs=1e-4)
    removals = page.dataframe[0].value
    assert list(removals["Score"]) == sorted(removals["Score"]) and "Nearest flip" in said(page)
    page.button(key="back").click().run()
    assert "item" not in page.query_params and len(titles(page)) == 24


def test_a_link_shows_the_same_and_another_person_leaves_it(app: Open, people: Workspace) -> None:
    page = choose(app, item="tie-black")
    assert "Why “black tie”?" in said(page)
    page.selectbox(key="user").set_value("simulated-00001").run()
    assert "Why “" not in said(page) and titles(page)


def test_a_history_is_made_up(app: Open, people: Workspace) -> None:
    page = app(PAGE)
    page.radio(key="who").set_value("new").run()
    assert "Choose a person, or add" in said(page)
    page.text_input(key="liking").input("red hat").run()
    for item_id in ("hat-red", "bag-red"):
        page.button(key=f"found-{people.items.find(1, item_id).id}").click().run()
    assert asked(page, "liked") == ["hat-red", "bag-red"]
    found = suggest_to(people, invent_person(people, ("hat-red", "bag-red"), ""), 24)
    assert titles(page) == [people.items.find(1, one.item_id).item.title for one in found]
    page.button(key=f"history-{people.items.find(1, 'hat-red').id}").click().run()
    assert asked(page, "liked") == ["bag-red"] and not page.exception


def test_what_is_gone_ends_in_a_sentence(app: Open, people: Workspace) -> None:
    page = choose(app, item="<b>gone</b>")
    assert ["There is no item" in one.value for one in page.error] == [True] and not page.exception
    page.button(key="back").click().run()
    assert not page.error and len(titles(page)) == 24
    people.interactions.delete(1)
    page.run()
    assert ["is not in the catalogue's log" in one.value for one in page.error] == [True] and not page.exception
