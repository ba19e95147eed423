"""The search over the real trainer: a log, a loss that is no number, and a process that is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from torch import Tensor

from core.device import choose_device
from core.interactions.log import InteractionLog
from core.tokens.item_tokens import ItemTokens
from core.train import loop
from core.train.data import TrainData, build_data
from core.train.search import search
from core.train.trials import SearchResult, read_trials
from tests.conftest import ROOT
from tests.core.train.conftest import TINY, make_tokens

pytestmark = pytest.mark.slow

CPU = choose_device("cpu")
TRIALS = 2
#: Searches until the second trial is in the middle of its training, says so, and waits to be killed.
KILLED = """
import sys, time
from pathlib import Path
from core.train.search import search
from core.train.trials import read_trials
from tests.core.train import test_search_runs as here

folder = Path(sys.argv[1])

def wait(done, _trials):
    if done == 1 and read_trials(folder)[-1].epochs == 1:
        print("there", flush=True)
        time.sleep(600)

search(here.catalog_data(), here.TINY, here.CPU, folder, trials=here.TRIALS, on_step=wait)
"""


def catalog_data() -> TrainData:
    return build_data(make_tokens(), [f"title {item}" for item in range(80)], [""] * 80)


def outline(found: SearchResult) -> list[tuple[str, float | None]]:
    return [(one.state, one.value) for one in found.trials if one.state != "stopped"]


def test_with_a_log_the_weights_of_its_tasks_are_searched(
    tokens: ItemTokens, log: InteractionLog, tmp_path: Path
) -> None:
    data = build_data(tokens, [f"title {item}" for item in range(80)], [""] * 80, log=log)
    found = search(data, TINY, CPU, tmp_path, trials=2)
    assert {"tasks.popularity", "tasks.act", "tasks.rating"} <= set(found.best.settings)
    assert found.config.tasks["rank"] == 1.0
    values = [one.value for one in found.trials if one.state == "finished"]
    assert found.best.value == max(value for value in values if value is not None)


def test_a_loss_that_is_no_number_costs_one_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = loop.run_tasks

    def spoil(model, batch, tasks) -> dict[str, Tensor]:
        parts = honest(model, batch, tasks)
        first = model.config.dropout == TINY.dropout
        return {name: loss * float("nan") for name, loss in parts.items()} if first else parts

    monkeypatch.setattr("core.train.loop.run_tasks", spoil)
    found = search(catalog_data(), TINY, CPU, tmp_path, trials=2)
    assert found.trials[0].state == "failed" and found.trials[0].value is None
    assert len(found.trials) == 3 and found.best.number > 1
    assert found.trials == read_trials(tmp_path)


@pytest.mark.long
def test_a_killed_search_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = search(catalog_data(), TINY, CPU, tmp_path / "whole", trials=TRIALS)
    cut = tmp_path / "cut"
    command = [sys.executable, "-c", KILLED, str(cut)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        assert process.stdout is not None and process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGKILL)
    assert [one.state for one in read_trials(cut)] == ["finished", "running"] and list(cut.glob("trial-*"))
    found = search(catalog_data(), TINY, CPU, cut, trials=TRIALS)
    assert outline(found) == outline(whole) and found.config == whole.config
    assert [one.state for one in found.trials].index("stopped") == 1 and len(found.trials) == TRIALS + 1
    assert found.trials[1].seconds == 0, "nobody knows how long it worked before it was killed"
    assert found.trials[1].settings == found.trials[2].settings and not list(cut.glob("trial-*"))
