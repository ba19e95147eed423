"""The search over a trainer whose validation is a known function of the settings."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from core.device import choose_device
from core.errors import CancelledError, TrainError
from core.tokens.item_tokens import ItemTokens
from core.train.config import TrainConfig
from core.train.data import TrainData, build_data
from core.train.search import search
from core.train.trials import SearchResult, read_trials
from tests.core.train.conftest import TINY

pytestmark = pytest.mark.slow

CPU = choose_device("cpu")


class FakeTrainer:
    """Best at a dropout of 0.4; refuses what a test says."""

    fails = staticmethod(lambda _config: False)

    def __init__(self, _model: object, _data: object, config: TrainConfig, _choice: object, _folder: Path) -> None:
        self.config = config

    def run(self, *, on_step, on_epoch) -> SimpleNamespace:
        if self.fails(self.config):
            raise TrainError("The loss is not a number.")
        value = 1 - abs(self.config.dropout - 0.4)
        for epoch in range(3):
            on_step(epoch, 3)
            on_epoch(SimpleNamespace(validation={"ndcg@10": value * (epoch + 1) / 3}))
        return SimpleNamespace(best_value=value)


@pytest.fixture
def data(tokens: ItemTokens, monkeypatch: pytest.MonkeyPatch) -> TrainData:
    monkeypatch.setattr("core.train.loop.Trainer", FakeTrainer)
    return build_data(tokens, [f"title {item}" for item in range(80)], [""] * 80)


def outline(found: SearchResult) -> list[tuple[str, float | None]]:
    return [(one.state, one.value) for one in found.trials if one.state != "stopped"]


def test_the_planted_best_is_found_from_the_base_on(data: TrainData, tmp_path: Path) -> None:
    found = search(data, TINY, CPU, tmp_path, trials=12)
    assert found.trials[0].settings["dropout"] == TINY.dropout and found.trials[0].settings["rate"] == TINY.rate
    assert abs(found.config.dropout - 0.4) < 0.15
    assert "pruned" in {one.state for one in found.trials}
    assert len(found.trials) == 12 and not list(tmp_path.glob("trial-*"))


def test_a_stopped_search_goes_on_as_if_it_had_not_stopped(data: TrainData, tmp_path: Path) -> None:
    whole = search(data, TINY, CPU, tmp_path / "whole", trials=6)

    def stop(done: int, _trials: int) -> None:
        if done == 2 and read_trials(tmp_path / "cut")[-1].epochs == 1:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        search(data, TINY, CPU, tmp_path / "cut", trials=6, on_step=stop)
    found = search(data, TINY, CPU, tmp_path / "cut", trials=6)
    assert outline(found) == outline(whole) and found.config == whole.config
    assert [one.state for one in found.trials].count("stopped") == 1 and len(found.trials) == 7


def test_a_trial_that_fails_does_not_end_the_search(
    data: TrainData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeTrainer, "fails", staticmethod(lambda config: config.dropout == TINY.dropout))
    found = search(data, TINY, CPU, tmp_path / "one", trials=4)
    assert found.trials[0].state == "failed" and len(found.trials) == 5
    monkeypatch.setattr(FakeTrainer, "fails", staticmethod(lambda _config: True))
    with pytest.raises(TrainError, match="None of the settings"):
        search(data, TINY, CPU, tmp_path / "all", trials=9)
