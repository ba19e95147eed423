"""The space holds the configuration it is built around, and gives it back."""

from dataclasses import replace

from core.train.config import TrainConfig, preset_config
from core.train.space import Choices, Range, apply_settings, build_space, find_largest, read_settings

BASE = replace(preset_config("quick"), width=96, rate=0.5).with_tasks(
    has_log=True, has_categories=False, has_pairs=True
)


def test_the_base_lies_in_its_space_and_comes_back() -> None:
    space = build_space(BASE)
    settings = read_settings(BASE, space)
    for name, domain in space.items():
        inside = (
            settings[name] in domain.values
            if isinstance(domain, Choices)
            else domain.low <= settings[name] <= domain.high
        )
        assert inside, name
    assert apply_settings(BASE, settings) == BASE
    assert "tasks.rank" not in space and "tasks.popularity" in space


def test_a_changed_setting_survives_json() -> None:
    found = apply_settings(BASE, {"dropout": 0.3, "tasks.act": 0.7})
    assert found.dropout == 0.3 and found.tasks["act"] == 0.7 and found.tasks["rank"] == 1.0
    assert TrainConfig.from_json(found.to_json()) == found


def test_a_range_that_takes_in_zero_is_not_logarithmic() -> None:
    assert not Range(low=0.1, high=1.0, log=True).including(0.0).log
    assert find_largest(BASE).width == 128 and find_largest(BASE).layers == 3
