"""The loop: it learns what is planted, repeats itself, stops and goes on, and ends in sentences."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.device import choose_device
from core.errors import CancelledError, TrainError
from core.interactions.log import InteractionLog
from core.metrics import ndcg_at, rank_top
from core.tokens.item_tokens import ItemTokens
from core.train.checkpoint import BEST, LAST
from core.train.config import TrainConfig
from core.train.data import TrainData, build_data
from core.train.loop import EpochReport
from core.train.run import Trained, Watch, train
from core.versions.bundle import load_bundle, save_bundle
from tests.core.train.conftest import TINY, make_log

pytestmark = pytest.mark.slow

CPU = choose_device("cpu")
TITLES = [f"title {item}" for item in range(80)]
KINDS = ["even" if item % 2 == 0 else "odd" for item in range(80)]


def catalog_data(tokens: ItemTokens) -> TrainData:
    return build_data(tokens, TITLES, KINDS)


def log_data(tokens: ItemTokens, log: InteractionLog) -> TrainData:
    return build_data(tokens, TITLES, KINDS, log=log)


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    return trained.model.state_dict()


def assert_equal(one: Trained, other: Trained) -> None:
    for name, tensor in weights(one).items():
        assert torch.equal(tensor, weights(other)[name]), name


def test_without_a_log_pictures_learn_to_match_texts(tokens: ItemTokens, tmp_path: Path) -> None:
    config = replace(TINY, epochs=10, items=32, gate_rate=5e-2)
    trained = train(catalog_data(tokens), config, CPU, tmp_path)
    assert trained.blend > 0
    assert trained.validation["ndcg@10"] > trained.flat["zero-shot"]["ndcg@10"] + 0.1


def test_with_a_log_new_people_get_their_group(tokens: ItemTokens, log: InteractionLog, tmp_path: Path) -> None:
    trained = train(log_data(tokens, log), TINY, CPU, tmp_path, everything=log)
    assert trained.heads is not None
    newcomers = make_log(people=20, seed=9)
    histories = newcomers.histories(np.arange(20))
    scores = trained.heads.score(trained.model, trained.items.vectors, histories)
    top = rank_top(scores.total.copy(), 10, masked=[one.items for one in histories])
    own = [np.flatnonzero(np.arange(80) % 2 == person % 2) for person in range(20)]
    assert ndcg_at(top, own, 10).mean() > 0.95
    assert np.allclose(sum(scores.parts.values()), scores.total, atol=1e-5)
    nobody = trained.heads.score(trained.model, trained.items.vectors, [histories[0].take(slice(0))]).total[0]
    np.testing.assert_array_equal(np.argsort(nobody), np.argsort(trained.heads.prior), "what is popular")


def test_the_same_seed_gives_the_same_numbers(tokens: ItemTokens, log: InteractionLog, tmp_path: Path) -> None:
    ordered: list[bool] = []
    watch = Watch(on_step=lambda _step, _steps: ordered.append(torch.are_deterministic_algorithms_enabled()))
    one = train(log_data(tokens, log), TINY, CPU, tmp_path / "a", everything=log, watch=watch)
    assert all(ordered), "threads add gradients in one order, see tests/core/test_device.py"
    other = train(log_data(tokens, log), TINY, CPU, tmp_path / "b", everything=log)
    assert_equal(one, other)
    assert np.array_equal(one.heads.prior, other.heads.prior) and one.heads.weights == other.heads.weights
    different = train(log_data(tokens, log), replace(TINY, seed=1), CPU, tmp_path / "c", everything=log)
    assert any(not torch.equal(tensor, weights(different)[name]) for name, tensor in weights(one).items())


@pytest.mark.parametrize("stop", [10, 25, 40])
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(
    tokens: ItemTokens, log: InteractionLog, tmp_path: Path, stop: int
) -> None:
    whole = train(log_data(tokens, log), TINY, CPU, tmp_path / "whole", everything=log)

    def interrupt(step: int, _steps: int) -> None:
        if step == stop:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        train(log_data(tokens, log), TINY, CPU, tmp_path / "cut", everything=log, watch=Watch(on_step=interrupt))
    resumed = train(log_data(tokens, log), TINY, CPU, tmp_path / "cut", everything=log)
    assert_equal(whole, resumed)


def test_every_epoch_is_reported_with_its_losses(tokens: ItemTokens, log: InteractionLog, tmp_path: Path) -> None:
    reports: list[EpochReport] = []
    train(log_data(tokens, log), TINY, CPU, tmp_path, watch=Watch(on_epoch=reports.append))
    assert [report.step for report in reports] == [25, 50]
    assert set(reports[0].losses) == {"rank", "popularity", "act", "rating", "contrastive"}
    assert reports[0].memory_mb > 0 and 0 <= reports[0].validation["ndcg@10"] <= 1


def test_uncertainty_weights_are_learned_and_survive_a_stop(
    tokens: ItemTokens, log: InteractionLog, tmp_path: Path
) -> None:
    config = replace(TINY, learned_weights=True)
    whole = train(log_data(tokens, log), config, CPU, tmp_path / "whole")

    def interrupt(step: int, _steps: int) -> None:
        if step == 30:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        train(log_data(tokens, log), config, CPU, tmp_path / "cut", watch=Watch(on_step=interrupt))
    assert_equal(whole, train(log_data(tokens, log), config, CPU, tmp_path / "cut"))


def test_a_loss_that_is_no_number_ends_in_a_sentence(
    tokens: ItemTokens, log: InteractionLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = log_data(tokens, log)
    train(data, replace(TINY, tasks={"rank": 1.0}), CPU, tmp_path)
    kept = (tmp_path / LAST).read_bytes()
    monkeypatch.setattr("core.train.loop.run_tasks", lambda model, *_: {"rank": model.user_scale * float("nan")})
    with pytest.raises(TrainError, match=r"The loss of rank is not a number any more\. Lower “rate”"):
        train(data, replace(TINY, epochs=4, tasks={"rank": 1.0}), CPU, tmp_path)
    assert (tmp_path / LAST).read_bytes() == kept, "the last good checkpoint stays"


def test_a_damaged_checkpoint_ends_in_a_sentence(tokens: ItemTokens, log: InteractionLog, tmp_path: Path) -> None:
    (tmp_path / LAST).write_bytes(b"\x00" * 40)
    with pytest.raises(TrainError, match="damaged"):
        train(log_data(tokens, log), TINY, CPU, tmp_path)


@pytest.mark.parametrize("name", [LAST, BEST])
def test_a_checkpoint_with_a_changed_byte_is_not_gone_on_from(
    tokens: ItemTokens, log: InteractionLog, tmp_path: Path, name: str
) -> None:
    train(log_data(tokens, log), TINY, CPU, tmp_path)
    (tmp_path / name).write_bytes(flip((tmp_path / name).read_bytes()))
    with pytest.raises(TrainError, match="damaged"):
        train(log_data(tokens, log), TINY, CPU, tmp_path)


def flip(data: bytes, mark: bytes = b"") -> bytes:
    """The bytes with one bit changed behind the mark's first, or in the last number of all."""
    changed = bytearray(data)
    changed[data.index(mark) + len(mark) - 1 if mark else -2] ^= 1
    return bytes(changed)


def test_too_little_is_refused_at_once(tokens: ItemTokens, tmp_path: Path) -> None:
    few = tokens.take(np.arange(10))
    with pytest.raises(TrainError, match=r"10 have, .* 20 are needed"):
        train(build_data(few, TITLES[:10], KINDS[:10]), TINY, CPU, tmp_path)
    with pytest.raises(TrainError, match=r"80 have .* only 1 of them differ in title and picture"):
        train(build_data(tokens, TITLES, KINDS, pictures=["same"] * 80), TINY, CPU, tmp_path)
    nobody = make_log(people=3)
    with pytest.raises(TrainError, match=r"Too few people.* at least 2 people are needed"):
        train(build_data(tokens, TITLES, KINDS, log=nobody), TINY, CPU, tmp_path)


def test_the_smallest_numbers_can_be_trained_with(tokens: ItemTokens, log: InteractionLog, tmp_path: Path) -> None:
    """No item that is read with one modality alone is a batch of none."""
    least = replace(TINY, epochs=1, alone=0, bank=0, items=1, targets=1, history=1)
    trained = train(log_data(tokens, log), least, CPU, tmp_path, everything=log)
    assert np.isfinite(trained.items.vectors).all()


def test_a_version_comes_back_from_disk(tokens: ItemTokens, log: InteractionLog, tmp_path: Path) -> None:
    trained = train(log_data(tokens, log), TINY, CPU, tmp_path / "run", everything=log)
    row = {"name": "trained version", "metric": "ndcg@10", "value": 0.2, "low": 0.1, "high": 0.3, "count": 9}
    metrics = {"recommendation": "Use it.", "tested": 9, "split": "users", "rows": [row], "blend": 0.5}
    card = {"version": "v", "catalog": "Shop", "items": 80, "backbone": "b", "has_log": True, "fingerprint": "f"}
    card |= {"metrics": metrics | {"steps": 50, "seconds": 1.0}, "config": TINY.to_json()}
    save_bundle(trained, log.item_ids, card, tmp_path / "version")
    words = (tmp_path / "version" / "MODEL_CARD.md").read_text()
    assert "| trained version | ndcg@10 | 0.2000 | 0.1000 to 0.3000 | 9 |" in words and "- seed: 0" in words
    bundle = load_bundle(tmp_path / "version")
    histories = log.histories(np.arange(3))
    assert bundle.item_ids == log.item_ids
    assert trained.heads is not None
    wanted = trained.heads.score(trained.model, trained.items.vectors, histories)
    assert np.array_equal(bundle.score_people(histories).total, wanted.total)
    for name in ("model.safetensors", "items.safetensors", "heads.safetensors", "card.json"):
        path = tmp_path / "version" / name
        kept = path.read_bytes()
        for damaged in (flip(kept, b'"blend": 0.5' if name == "card.json" else b""), b"x"):
            path.write_bytes(damaged)
            with pytest.raises(TrainError, match="damaged"):
                load_bundle(tmp_path / "version")
        path.write_bytes(kept)
    assert load_bundle(tmp_path / "version").card["metrics"]["blend"] == 0.5


def test_a_configuration_comes_back() -> None:
    assert TrainConfig.from_json(TINY.to_json()) == TINY


def test_both_transformers_are_compiled_when_asked_for(tokens: ItemTokens, tmp_path: Path, monkeypatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: asked.append(type(module).__name__))
    train(catalog_data(tokens), replace(TINY, epochs=1, compile=True), CPU, tmp_path)
    assert asked == ["FusionTransformer", "UserTransformer"]
