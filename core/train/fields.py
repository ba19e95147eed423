"""What each kind of setting may be: one rule a field, checked in one place, so that a sentence names the field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import TrainError

#: Longer values are cut in a sentence.
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number.

    Attributes:
        low: The least.
        high: The most.
    """

    low: int
    high: int

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def allows(self, value: object) -> bool:
        """Whether it is one; true and false are none."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A finite number; what is no number is neither at least nor at most anything.

    Attributes:
        low: The least.
        high: The most.
        above: Whether `low` itself is too little.
        below: Whether `high` itself is too much.
    """

    low: float
    high: float
    above: bool = False
    below: bool = False

    def __str__(self) -> str:
        ends = f"{'above' if self.above else 'from'} {self.low:g} {'and below' if self.below else 'to'} {self.high:g}"
        return f"a number {ends}"

    def allows(self, value: object) -> bool:
        """Whether it is one; true, false and what is no number are none."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        low = value > self.low if self.above else value >= self.low
        return low and (value < self.high if self.below else value <= self.high)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def __str__(self) -> str:
        return "true or false"

    def allows(self, value: object) -> bool:
        """Whether it is one."""
        return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some names."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"one of {', '.join(self.names)}"

    def allows(self, value: object) -> bool:
        """Whether it is one."""
        return isinstance(value, str) and value in self.names


@dataclass(frozen=True, slots=True)
class Weights:
    """Some names, each with a weight.

    Attributes:
        names: Those that are known.
        weight: What a weight may be.
    """

    names: tuple[str, ...]
    weight: Number

    def __str__(self) -> str:
        return f"an object of tasks and their weights; the tasks are {', '.join(self.names)}"

    def allows(self, value: object) -> bool:
        """Whether it is an object at all; `check_fields` looks into it."""
        return isinstance(value, Mapping)


Rule = Whole | Number | Flag | OneOf | Weights


def check_fields(values: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Look at each value.

    Raises:
        TrainError: One is not what its rule allows; the message names the field, the value and what is allowed.
    """
    for name, value in values.items():
        rule = rules[name]
        if not rule.allows(value):
            raise TrainError(f"“{name}” is {rule}, not {show_value(value)}.")
        if isinstance(rule, Weights):
            _check_weights(name, value, rule)


def _check_weights(name: str, weights: Mapping[str, Any], rule: Weights) -> None:
    for task, weight in weights.items():
        if task not in rule.names:
            known = ", ".join(rule.names)
            raise TrainError(f"“{name}” names no task {show_value(task)}. The tasks are {known}.")
        if not rule.weight.allows(weight):
            raise TrainError(
                f"The weight of “{task}” in “{name}” is {rule.weight}, not {show_value(weight)}. "
                "Leave the task out to learn without it."
            )


def show_value(value: object) -> str:
    """A value as a file writes it, cut where it is long."""
    try:
        text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    except ValueError:  # a whole number of too many digits
        text = "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
