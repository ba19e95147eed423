"""Settings: what each may be, said in one sentence, and where each comes from."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from core.errors import TrainError
from core.model.tasks import TASKS
from core.train.config import NEED_LOG, RULES, TASK_NAMES, TUNINGS, TrainConfig, preset_config, read_config
from core.train.fields import Flag, Number, OneOf, Weights, Whole
from core.train.settings import resolve_settings

NO_NUMBERS = ("x", "1", [1], {"a": 1}, None, True, float("nan"), float("inf"), -float("inf"), 1e39, 10**400, -(10**400))


def test_every_field_has_a_rule_and_every_task_a_name() -> None:
    assert set(RULES) == {one.name for one in fields(TrainConfig)}
    assert set(TASK_NAMES) == set(TASKS) and set(NEED_LOG) < set(TASK_NAMES)


@pytest.mark.parametrize("name", RULES)
def test_a_value_that_is_none_is_refused_by_name(name: str) -> None:
    rule = RULES[name]
    bad = {
        Whole: [*NO_NUMBERS, 1.5, 2.0, -1 if rule == RULES["seed"] else -5, 2**63],
        Number: [*NO_NUMBERS, -1, 1e9],
        Flag: [0, 1, "true", None, []],
        OneOf: ["magic", 3, None, ["lora"], True],
        Weights: [["rank"], "rank", 1, None, True],
    }[type(rule)]
    for value in bad:
        with pytest.raises(TrainError, match=f"“{name}” is .*, not ") as caught:
            TrainConfig.from_json({name: value})
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("weight", [0, -1, 0.0, True, "1", None, [1], float("nan"), float("inf"), 1e39])
def test_a_weight_that_is_none_names_its_task(weight: object) -> None:
    with pytest.raises(TrainError, match=r"The weight of “rating” in “tasks” is a number above 0 .*Leave the task out"):
        TrainConfig.from_json({"tasks": {"rank": 1, "rating": weight}})


def test_contradictions_name_both() -> None:
    with pytest.raises(TrainError, match="“alone” is at most “items”, which is 8, not 9"):
        TrainConfig(items=8, alone=9)
    with pytest.raises(TrainError, match="“width” is a multiple of 4, not 30"):
        TrainConfig(width=30)
    with pytest.raises(TrainError, match="“tasks” names no task 'ranking'"):
        TrainConfig(tasks={"ranking": 1.0})
    with pytest.raises(TrainError, match="“tasks” names rank, which is learned from an interaction log"):
        TrainConfig(tasks={"rank": 1.0, "masked": 1.0}).check_log(has_log=False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read as JSON"),
        (b"{", "cannot be read as JSON"),
        (b'{"epochs": "\xff"}', "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[1]", "must be one JSON object"),
        (b"3", "must be one JSON object"),
        (b'{"epochs": 1e400}', "“epochs” is a whole number from 1"),
        (b'{"rate": NaN}', "“rate” is a number above 0"),
        (b'{"epochs": ' + b"9" * 5000 + b"}", "JSON"),
        (b'{"epochs": 1, "epochs": 2}', "says 'epochs' twice"),
        (b'{"epoch": 1}', "does not know 'epoch'. It knows accumulate"),
        (b'{"epochs": 1}' + b" " * 2_000_000, "too large"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content)
    with pytest.raises(TrainError, match=said):
        read_config(path)
    for other in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(TrainError, match="cannot be read"):
            read_config(other)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(b'\xef\xbb\xbf{"epochs": 2}')
    assert read_config(tmp_path / "c.json") == {"epochs": 2}


def test_what_is_typed_goes_before_the_file_the_preset_and_the_default() -> None:
    config = resolve_settings("quick", {"epochs": 7, "seed": 3, "tuning": "lora"}, {"seed": 5, "tuning": None})
    assert (config.seed, config.epochs, config.width, config.rate) == (5, 7, 64, 1e-3)
    assert config.tuning == "lora" and config.items == 32, "whoever tunes the towers takes fewer items at a time"
    assert resolve_settings("quick", {"tuning": "lora", "items": 48}, {}).items == 48, "unless a number is named"
    assert resolve_settings("quick", {"tuning": "lora"}, {"tuning": "frozen"}).tuning == "frozen"
    assert resolve_settings("thorough", {}, {}) == preset_config("thorough")
    with pytest.raises(TrainError, match="“tuning” is “lora”, and only training tunes"):
        resolve_settings("quick", {"tuning": "lora"}, {}, tunes=False)
    with pytest.raises(TrainError, match="no preset 'huge'"):
        resolve_settings("huge", {}, {})


def test_what_is_saved_is_read_back() -> None:
    for tuning in TUNINGS:
        config = TrainConfig(tuning=tuning, tasks={"masked": 0.5})
        assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
