"""The panel of the search on the training page; searches themselves are tested in tests/core/train."""

import json
import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.job import Job
from core.jobs.job_table import JobStore
from core.train.config import preset_config
from core.train.trials import TrialResult, write_trials
from core.work.search_catalog import SearchSpec
from core.work.train_catalog import TrainSpec
from core.workspace import Workspace

pytestmark = pytest.mark.slow

PAGE = "../pages/training.py"
BASE = {"rate": 0.001, "dropout": 0.1, "tasks.masked": 1.0}
FIRST = TrialResult(number=1, state="finished", value=0.25, settings=BASE, epochs=3, seconds=65)
BETTER = TrialResult(number=2, state="finished", value=0.5, settings=BASE | {"dropout": 0.4}, epochs=3, seconds=60)
WORSE = TrialResult(number=3, state="pruned", value=0.1, settings=BASE | {"rate": 0.01}, epochs=2, seconds=9)
AT_WORK = TrialResult(number=1, state="running", value=None, settings=BASE, epochs=0, seconds=0)


@pytest.fixture(autouse=True)
def _timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute a run, whatever this machine can do."""
    monkeypatch.setattr("ui.training.run_panel._estimate", lambda *_: 30.0)


def _queue(shop: Workspace, *trials: TrialResult) -> Job:
    spec = SearchSpec(train=TrainSpec(catalog=shop.catalogs.list()[0].name, seed=7), trials=5)
    job = JobStore(shop.database).submit("search", "Search settings", spec.to_json(), key="search")
    folder = shop.home.runs / job.id
    folder.mkdir()
    if trials:
        write_trials(folder, trials)
    return job


def _end(shop: Workspace, state: str, *, message: str = "", result: dict[str, object] | None = None) -> None:
    jobs = JobStore(shop.database)
    job = jobs.claim("w")
    assert job is not None
    jobs.finish(job.id, "w", state, message=message, result=result)  # type: ignore[arg-type]


def _text(page: AppTest) -> str:
    return " ".join(str(one.value) for one in [*page.markdown, *page.caption, *page.error])


def _keys(page: AppTest) -> set[str]:
    return {str(button.key) for button in page.button}


def test_it_costs_nothing_until_it_is_opened(app: Callable[..., AppTest], shop: Workspace) -> None:
    assert "search-go" not in _keys(app(PAGE))


def test_it_says_what_a_search_costs_and_queues_one(app: Callable[..., AppTest], shop: Workspace) -> None:
    page = app(PAGE)
    page.session_state["search"] = True
    page.run()
    assert "At most about 10 min: 20 runs" in _text(page)
    page.radio(key="train-preset").set_value("balanced").run()
    page.number_input(key="search-trials").set_value(10).run()
    assert "At most about 5 min: 10 runs" in _text(page) and "**Balanced**" in _text(page)
    page.button(key="search-go").click().run()
    (job,) = [job for job in JobStore(shop.database).list() if job.kind == "search"]
    train = TrainSpec(catalog=shop.catalogs.list()[0].name, preset="balanced", use_log=False)
    assert SearchSpec.from_json(job.payload) == SearchSpec(train=train, trials=10)
    assert "search-go" not in _keys(page) and "10 trials from balanced" in _text(page)


def test_an_empty_score_is_a_dash(app: Callable[..., AppTest], shop: Workspace) -> None:
    _queue(shop, AT_WORK)
    page = app(PAGE)
    (table,) = page.dataframe
    assert table.proto.placeholder == "–" and math.isnan(float(table.value["Score"].astype(float)[0]))
    assert table.value["State"].tolist() == ["at work"] and not page.get("plotly_chart")


def test_a_search_at_work_shows_its_trials_and_offers_no_training(app: Callable[..., AppTest], shop: Workspace) -> None:
    job = _queue(shop, FIRST)
    assert "What you began with has a score of **0.250**. No other trial has ended yet" in _text(app(PAGE))
    write_trials(shop.home.runs / job.id, [FIRST, WORSE])
    assert "Nothing better than what you began with (**0.250**) has been found yet" in _text(app(PAGE))
    write_trials(shop.home.runs / job.id, [FIRST, BETTER, WORSE, replace(AT_WORK, number=4)])
    page = app(PAGE)
    assert "Best so far: trial 2 with a score of **0.500**; you began with 0.250" in _text(page)
    (table,) = page.dataframe
    assert table.value["State"].tolist() == ["finished", "best so far", "ended early", "at work"]
    assert table.value["Dropout"].tolist() == [0.1, 0.4, 0.1, 0.1]
    assert table.value["Weight of missing parts"].tolist() == [1, 1, 1, 1]
    assert page.get("plotly_chart") and f"search-train-{job.id}" not in _keys(page)


def test_the_best_settings_of_a_search_are_trained(app: Callable[..., AppTest], shop: Workspace) -> None:
    job = _queue(shop, FIRST, BETTER, WORSE)
    config = replace(preset_config("quick"), dropout=0.4, seed=7)
    _end(shop, "done", result={"config": config.to_json()})
    page = app(PAGE)
    assert "Best: trial 2 with a score of **0.500**" in _text(page)
    page.button(key=f"search-train-{job.id}").click().run()
    (row,) = shop.database.connection.execute("SELECT payload FROM jobs WHERE kind = 'train'")
    assert TrainSpec.from_json(json.loads(row["payload"])).build_config() == config
    assert page.button(key=f"search-train-{job.id}").disabled, "one run at a time"


def test_a_search_without_a_result_says_why_and_can_go_on(app: Callable[..., AppTest], shop: Workspace) -> None:
    job = _queue(shop)
    assert not app(PAGE).dataframe
    write_trials(shop.home.runs / job.id, [AT_WORK])
    _end(shop, "failed", message="None of the settings that were tried can be trained.")
    page = app(PAGE)
    assert "None of the settings" in _text(page) and f"resume-{job.id}" in _keys(page)
    assert page.dataframe[0].value["State"].tolist() == ["interrupted"], "nobody is at work on it any more"
    assert f"search-train-{job.id}" not in _keys(page) and "search-go" in _keys(page)


def test_damaged_trials_are_not_shown(app: Callable[..., AppTest], shop: Workspace) -> None:
    job = _queue(shop)
    (shop.home.runs / job.id / "trials.json").write_text('[{"number": 1')
    assert not app(PAGE).dataframe
