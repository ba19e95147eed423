"""The settings that a search may change, as data. It knows nothing of how the search chooses among them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from core.train.config import TrainConfig

Value = float | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """All numbers between two, both included.

    Attributes:
        low: The smallest.
        high: The largest.
        log: Whether to draw even in the logarithm, for numbers that matter by their ratio.
        whole: Whether only whole numbers count.
    """

    low: Value
    high: Value
    log: bool = False
    whole: bool = False

    @property
    def highest(self) -> Value:
        """The largest of them."""
        return self.high

    def including(self, value: Value) -> "Range":
        """The same, as wide as it takes to hold this value."""
        low = min(self.low, value)
        return replace(self, low=low, high=max(self.high, value), log=self.log and low > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """A few values.

    Attributes:
        values: In ascending order.
    """

    values: tuple[Value, ...]

    @property
    def highest(self) -> Value:
        """The largest of them."""
        return self.values[-1]

    def including(self, value: Value) -> "Choices":
        """The same with this value."""
        return Choices(values=tuple(sorted({*self.values, value})))


Domain = Range | Choices
#: Field of `TrainConfig` to where its good values have been seen, with room on both sides.
SPACE: Mapping[str, Domain] = {
    "rate": Range(low=1e-4, high=1e-2, log=True),
    "gate_rate": Range(low=1e-3, high=1e-1, log=True),
    "weight_decay": Range(low=1e-3, high=0.3, log=True),
    "dropout": Range(low=0.0, high=0.5),
    "modality_dropout": Range(low=0.0, high=0.5),
    "width": Choices(values=(32, 64, 128)),
    "layers": Range(low=1, high=3, whole=True),
}
#: Of each task but the heaviest. Only ratios matter to the optimiser, so one weight stays where it is.
TASK_WEIGHT = Range(low=0.01, high=3.0, log=True)
#: A task's weight is named by this and the task.
TASK_PREFIX = "tasks."


def build_space(base: TrainConfig) -> dict[str, Domain]:
    """The space around a configuration with its tasks filled in; the configuration itself lies in it.

    Weights that are learned while training, and tasks without weight, are not searched.
    """
    found = {name: domain.including(getattr(base, name)) for name, domain in SPACE.items()}
    if not base.learned_weights and base.tasks:
        heaviest = max(base.tasks, key=lambda name: base.tasks[name])
        for name, weight in base.tasks.items():
            if name != heaviest and weight > 0:
                found[f"{TASK_PREFIX}{name}"] = TASK_WEIGHT.including(weight)
    return found


def find_largest(base: TrainConfig) -> TrainConfig:
    """The configuration in this space that takes longest to train."""
    width, layers = SPACE["width"].including(base.width), SPACE["layers"].including(base.layers)
    return replace(base, width=int(width.highest), layers=int(layers.highest))


def read_settings(config: TrainConfig, names: Iterable[str]) -> dict[str, Value]:
    """What a configuration says to these names of a space."""
    return {
        name: config.tasks[name.removeprefix(TASK_PREFIX)] if name.startswith(TASK_PREFIX) else getattr(config, name)
        for name in names
    }


def apply_settings(config: TrainConfig, settings: Mapping[str, Value]) -> TrainConfig:
    """A configuration with these settings of a space in the place of its own.

    Raises:
        TrainError: A value is out of range.
    """
    weights = {
        name.removeprefix(TASK_PREFIX): value for name, value in settings.items() if name.startswith(TASK_PREFIX)
    }
    rest = {name: value for name, value in settings.items() if not name.startswith(TASK_PREFIX)}
    return TrainConfig.from_json({**config.to_json(), **rest, "tasks": {**config.tasks, **weights}})
