"""The training page over the fake encoder; runs themselves are tested in tests/core/train."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.store.expectations import SavedNeed
from core.store.filters import parse_filter
from core.workspace import Workspace

pytestmark = pytest.mark.slow

PAGE = "../pages/training.py"


def _all_text(page: AppTest) -> str:
    parts = [*page.markdown, *page.caption, *page.info, *page.error, *page.warning, *page.success]
    return " ".join(str(one.value) for one in parts)


def test_without_a_catalogue_it_leads_on(app: Callable[..., AppTest]) -> None:
    assert "no catalogue yet" in _all_text(app(PAGE))


def test_training_starts_one_job(app: Callable[..., AppTest], shop: Workspace) -> None:
    page = app(PAGE)
    assert "Without a log" in _all_text(page)
    assert "cannot be told from this catalogue: 1 of the 20" in _all_text(page), "six pictures for all its titles"
    page.button(key="train-go").click().run()
    jobs = list(shop.database.connection.execute("SELECT kind, payload FROM jobs"))
    (payload,) = [json.loads(row["payload"]) for row in jobs if row["kind"] == "train"]
    assert payload["preset"] == "quick" and payload["use_log"] is False
    assert page.button(key="train-go").disabled


def test_a_catalogue_waits_for_its_own_training_alone_and_says_what_is_too_small(
    app: Callable[..., AppTest], shop: Workspace
) -> None:
    app(PAGE).button(key="train-go").click().run()
    shop.catalogs.ensure("Tiny", domain="goods", backbone="fake")
    page = app(PAGE, catalog="Tiny")
    assert "Too few items to train on: 0 have both" in _all_text(page)
    assert not page.button(key="train-go").disabled, "it can wait in line"


def test_a_log_is_read_mapped_and_stored(app: Callable[..., AppTest], shop: Workspace) -> None:
    rows = [f"u{n % 7},{kind}-{colour},5" for n, (kind, colour) in enumerate([("shoe", "red"), ("hat", "blue")] * 10)]
    page = app(PAGE)
    page.file_uploader(key="log-file").upload(
        "log.csv", "\n".join(["who,item_id,stars", *rows]).encode(), "text/csv"
    ).run()
    assert page.selectbox(key="log-item").value == "item_id"
    assert page.button(key="store-log").disabled
    page.selectbox(key="log-user").set_value("who").run()
    page.button(key="store-log").click().run()
    assert not page.exception
    catalog = shop.catalogs.list()[0]
    summary = shop.interactions.summary(catalog.id)
    assert summary is not None and summary.users == 7 and summary.items == 2
    assert "cannot be told from this log" in _all_text(page) and "Of 7 people in it" in _all_text(page)
    page.toggle(key="train-use-log").set_value(False).run()
    assert "cannot be told from this log" not in _all_text(page)
    page.button(key="remove-log").click().run()
    assert shop.interactions.count(catalog.id), "it asks first"
    page.button(key="remove-log-go").click().run()
    assert shop.interactions.count(catalog.id) == 0


def test_how_a_log_is_read_can_be_chosen(app: Callable[..., AppTest], shop: Workspace) -> None:
    page = app(PAGE)
    page.file_uploader(key="log-file").upload("log.csv", "Käufer~item\nJo~shoe-red\n".encode("cp850"), "text/csv").run()
    (encoding,) = [one for one in page.selectbox if one.label == "Encoding"]
    encoding.set_value("cp850").run()
    (delimiter,) = [one for one in page.selectbox if one.label == "Separator"]
    delimiter.set_value("~").run()
    assert not page.exception and page.selectbox(key="log-user").value == "Käufer"
    page.button(key="store-log").click().run()
    summary = shop.interactions.summary(shop.catalogs.list()[0].id)
    assert summary is not None and summary.events == 1


def test_a_guess_in_a_log_is_said(app: Callable[..., AppTest], shop: Workspace) -> None:
    page = app(PAGE)
    page.file_uploader(key="log-file").upload("log.csv", b"session_id,item\ns1,shoe-red\n", "text/csv").run()
    assert page.selectbox(key="log-user").value == "session_id"
    assert "session_id" in _all_text(page) and "every session counts as another person" in _all_text(page)
    page.selectbox(key="log-user").set_value("item").run()
    assert "please check" not in _all_text(page)


def test_a_log_of_other_items_says_so(app: Callable[..., AppTest], shop: Workspace) -> None:
    page = app(PAGE)
    page.file_uploader(key="log-file").upload("log.csv", b"user,item\nu1,nothing\nu2,nothing\n", "text/csv").run()
    page.button(key="store-log").click().run()
    assert "No event names an item of the catalogue" in _all_text(page)
    assert shop.interactions.count(shop.catalogs.list()[0].id) == 0


def test_the_data_doctor_knows_the_events_that_were_left_out(app: Callable[..., AppTest], shop: Workspace) -> None:
    rows = [f"u{n},{'hat-blue' if n % 5 < 3 else f'gone-{n}'}" for n in range(40)]
    page = app(PAGE)
    page.file_uploader(key="log-file").upload("log.csv", "\n".join(["user,item", *rows]).encode(), "text/csv").run()
    page.button(key="store-log").click().run()
    assert not page.exception
    assert "40% of the events name items that the catalogue does not have" in _all_text(page).replace("\\", "")


def test_what_of_a_log_could_not_be_read_is_shown(app: Callable[..., AppTest], shop: Workspace) -> None:
    table = "user,item,time\n" + "".join(f"u{n},hat-blue,never\n" for n in range(9))
    page = app(PAGE)
    page.file_uploader(key="log-file").upload("log.csv", table.encode(), "text/csv").run()
    page.button(key="store-log").click().run()
    assert "10 remarks on the file" in [one.label for one in page.expander]
    assert "Row 2 and 8 more: This is no time from 1970 on" in _all_text(page).replace("\\", "").replace(":color[]", "")
    page.button(key="remove-log").click().run()
    page.button(key="remove-log-go").click().run()
    assert "no time from 1970" not in _all_text(page)


def test_versions_say_whether_they_helped(app: Callable[..., AppTest], shop: Workspace) -> None:
    catalog = shop.catalogs.list()[0]
    row = {
        "name": "trained version",
        "metric": "ndcg@10",
        "value": 0.2,
        "low": 0.1,
        "high": 0.3,
        "count": 9,
        "seconds": 5.0,
    }
    metrics = {
        "verdict": "helps",
        "recommendation": "Use the trained version.",
        "rows": [row],
        "tested": 9,
        "blend": 0.5,
    }
    shop.versions.add("abc", catalog.id, title="x", backbone="fake", has_log=True, metrics=metrics)
    page = app(PAGE)
    assert "Use the trained version." in _all_text(page)
    page.button(key="activate-abc").click().run()
    kinds = [row["kind"] for row in shop.database.connection.execute("SELECT kind FROM jobs")]
    assert "activate" in kinds


def test_too_few_to_tell_is_a_verdict_of_its_own(app: Callable[..., AppTest], shop: Workspace) -> None:
    catalog = shop.catalogs.list()[0]
    said = "Too few to tell, so keep what you have: 3 of 20 people needed were tested."
    metrics = {"verdict": "too few", "recommendation": said, "rows": [], "tested": 3, "needed": 20, "blend": 0.5}
    shop.versions.add("abc", catalog.id, title="x", backbone="fake", has_log=True, metrics=metrics)
    text = _all_text(app(PAGE))
    assert said in text and "Too few to tell" in text.replace(said, "") and "on 3 people" in text


def test_without_saved_needs_it_says_how_to_save_one(app: Callable[..., AppTest], shop: Workspace) -> None:
    page = app(PAGE)
    assert "Expect this item for this need" in _all_text(page)


def test_saved_needs_show_their_ranks_and_can_be_removed(app: Callable[..., AppTest], shop: Workspace) -> None:
    catalog = shop.catalogs.list()[0]
    first, *_ = shop.expectations.add(catalog.id, SavedNeed(text="red *shoe*"), ["shoe-red"])
    (far,) = shop.expectations.add(
        catalog.id, SavedNeed(text="blue hat", filters=(parse_filter("brand=Hat House"),)), ["shoe-red"]
    )
    page = app(PAGE)
    text = _all_text(page)
    assert "1 of 2 expected items" in text and "red \\*shoe\\*" in text
    assert ":green-badge[rank 1] red shoe" in text and ":red-badge[not found] red shoe" in text
    page.button(key=f"unexpect-{far.id}").click().run()
    assert not page.exception and shop.expectations.list(catalog.id) == (first,)
    shop.database.connection.execute("DELETE FROM items WHERE item_id = 'shoe-red'")
    shop.database.connection.execute("UPDATE catalogs SET revision = revision + 1")
    assert "no longer in the catalogue" in _all_text(app(PAGE))


def test_many_saved_needs_are_shown_in_pages(app: Callable[..., AppTest], shop: Workspace) -> None:
    catalog = shop.catalogs.list()[0]
    for number in range(23):
        shop.expectations.add(catalog.id, SavedNeed(text=f"red shoe {number}"), ["shoe-red"])
    page = app(PAGE)
    assert sum((button.key or "").startswith("unexpect-") for button in page.button) == 20


def test_a_version_says_what_moved_for_the_saved_needs(app: Callable[..., AppTest], shop: Workspace) -> None:
    catalog = shop.catalogs.list()[0]
    move = {"need": "a", "item_id": "x", "title": "X", "before": 2, "after": None, "verdict": "lost"}
    metrics = {"verdict": "helps", "recommendation": "Use it.", "rows": [], "tested": 9, "blend": 0.5}
    more = {"replay": [move], "replay_summary": "0 of 1 saved need finds what you expect."}
    shop.versions.add("abc", catalog.id, title="x", backbone="fake", has_log=True, metrics=metrics | more)
    page = app(PAGE)
    assert ":material/warning:] 0 of 1 saved need finds" in _all_text(page)
    assert list(page.dataframe[-1].value["Rank with it"]) == ["not found"]
    more = {"replay": [], "replay_summary": "The saved needs could not be replayed."}
    shop.versions.note("abc", more)
    assert "could not be replayed" in _all_text(app(PAGE))


def test_a_run_shows_its_curve(app: Callable[..., AppTest], shop: Workspace, home: object) -> None:
    catalog = shop.catalogs.list()[0]
    from core.jobs.job_table import JobStore

    job = JobStore(shop.database).submit("train", "Train", {"catalog": catalog.name}, key="x")
    folder: Path = shop.home.runs / job.id
    folder.mkdir()
    facts = {"has_log": True, "device": "cpu", "flat": {"zero-shot": {"ndcg@10": 0.1}}}
    (folder / "run.json").write_text(json.dumps(facts))
    epochs = [
        {
            "step": step,
            "losses": {"rank": 1.0 / step},
            "validation": {"ndcg@10": step / 100},
            "seconds": step,
            "memory_mb": 9,
        }
        for step in (1, 2)
    ]
    (folder / "curve.jsonl").write_text("\n".join(map(json.dumps, epochs)) + '\n{"half')
    page = app(PAGE)
    assert "How it learns" in _all_text(page) and not page.exception
