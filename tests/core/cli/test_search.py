"""The search on the command line: what it prints, what it writes, and how it says no."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.cli.main import main
from core.home import Home
from core.kept import SPEC
from core.train.config import TrainConfig, preset_config, read_config
from core.train.trials import SearchResult, TrialResult
from core.work.search_catalog import SearchReport, SearchSpec

CONFIG = preset_config("quick").with_tasks(has_log=False, has_categories=False, has_pairs=True)
SETTINGS = {"rate": 0.00123, "tasks.masked": 0.5}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, SearchSpec]]:
    """What the command asked the job for; the job finds the same each time."""
    calls: list[tuple[str, SearchSpec]] = []

    def run(_workspace: object, spec: SearchSpec, run_id: str, *_more: object, **_named: object) -> SearchReport:
        calls.append((run_id, spec))
        best = TrialResult(number=2, state="finished", value=0.5, settings=SETTINGS, epochs=3, seconds=9.0)
        first = replace(best, number=1, state="running", value=None, settings={})
        found = SearchResult(trials=(first, best), best=best, config=CONFIG)
        return SearchReport(catalog=spec.train.catalog, metric="ndcg@10", seed=spec.train.seed or 0, result=found)

    monkeypatch.setattr("core.cli.search.run_search", run)
    return calls


def test_options_reach_the_search_and_json_is_one_object(
    home: Home, asked: list[tuple[str, SearchSpec]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "best.json"
    options = ["--catalog", "Shop", "--preset", "quick", "--trials", "7", "--no-log", "--seed", "3", "--device", "cpu"]
    assert main(["--home", str(home.root), "search", *options, "--json", "--out", str(out)]) == 0
    result = json.loads(capsys.readouterr().out)
    ((run_id, spec),) = asked
    assert result["run"] == run_id and result["best"]["settings"] == SETTINGS and result["out"] == str(out)
    assert spec.trials == 7 and spec.train.preset == "quick" and not spec.train.use_log and spec.train.seed == 3
    assert TrainConfig.from_json(read_config(out)) == CONFIG, "as train --config reads it"


def test_the_table_ends_in_a_command_that_can_be_pasted(
    home: Home, asked: list[tuple[str, SearchSpec]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "best of all.json"
    assert main(["--home", str(home.root), "search", "--catalog", "My shop", "--seed", "3", "--out", str(out)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == ["trial", "state", "ndcg@10", "epochs", "s", "rate", "masked"]
    assert rows[2].split() == ["2", "finished", "0.5000", "3", "9", "0.00123", "0.5"]
    assert len({len(row) for row in rows[:3]}) == 1, "columns are aligned where a cell is empty"
    assert rows[-1].endswith(f"train --catalog 'My shop' --config '{out}' --seed 3")


def test_a_search_goes_on_under_its_own_id(home: Home, asked: list[tuple[str, SearchSpec]]) -> None:
    start = ["--home", str(home.root), "search"]
    assert main([*start, "--catalog", "Shop", "--trials", "4"]) == 0
    run_id, spec = asked[0]
    (home.runs / run_id).mkdir()
    (home.runs / run_id / SPEC).write_text(json.dumps(spec.to_json()))
    assert main([*start, "--resume", run_id[:8]]) == 0
    assert asked[1] == (run_id, spec)


def test_a_search_is_not_lost_with_the_file_it_should_go_to(
    home: Home, asked: list[tuple[str, SearchSpec]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(home.root), "search", "--catalog", "Shop", "--out", str(tmp_path)]) == 1
    assert f"search --resume {asked[0][0][:12]} --out FILE" in capsys.readouterr().err


def test_what_cannot_be_done_is_refused_before_the_work(
    home: Home, asked: list[tuple[str, SearchSpec]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ["--home", str(home.root)]
    training, searching = home.runs / ("a" * 32), home.runs / ("b" * 32)
    for folder, spec in ((training, {"catalog": "Shop"}), (searching, {"train": {"catalog": "Shop"}, "trials": 3})):
        folder.mkdir()
        (folder / SPEC).write_text(json.dumps(spec))
    refusals = [
        (["search"], "Name the catalogue"),
        (["search", "--catalog", "Shop", "--no-log", "--interactions", "log.csv"], "Leave one of them out"),
        (["search", "--catalog", "Shop", "--out", str(tmp_path / "nowhere" / "best.json")], "There is no folder"),
        (["search", "--resume", "a" * 12], "This run is no search"),
        (["train", "--catalog", "Shop", "--resume", "b" * 12], "This run is a search"),
        (["search", "--resume", "c"], "No run begins"),
    ]
    for arguments, message in refusals:
        assert main([*start, *arguments]) == 1
        assert message in capsys.readouterr().err
    assert not asked
