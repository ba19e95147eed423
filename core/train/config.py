"""Every number of a training run in one frozen value; saved with the weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from core.errors import TrainError

Preset = Literal["quick", "balanced", "thorough"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
Tuning = Literal["frozen", "lora", "adalora", "adapter", "prefix", "last", "full"]
TUNINGS: tuple[Tuning, ...] = get_args(Tuning)
_COUNTS = (
    "epochs",
    "patience",
    "people",
    "items",
    "targets",
    "accumulate",
    "width",
    "layers",
    "history",
    "rank",
    "tower_layers",
)
#: What is learned without and with an interaction log, and how much each counts.
CATALOG_TASKS: Mapping[str, float] = {"contrastive": 1.0, "masked": 1.0, "category": 0.3}
LOG_TASKS: Mapping[str, float] = {"rank": 1.0, "popularity": 0.3, "act": 0.1, "rating": 0.1, "contrastive": 0.1}
#: Tasks that compare an item's picture with its text.
PAIR_TASKS = ("contrastive", "contrastive-sigmoid", "masked")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Hyper-parameters.

    Attributes:
        tasks: Name in `core.model.tasks.TASKS` to weight; empty takes `CATALOG_TASKS` or `LOG_TASKS`.
        learned_weights: Learn the weights from uncertainty instead; the given ones are where they start.
        tuning: How the towers are tuned, of `TUNINGS`; "frozen" trains the fusion alone, on cached tokens.
        tower_rate: Highest learning rate of the towers; 0 takes the one that suits the tuning.
        rank: Of LoRA's updates; width of an adapter's bottleneck; tokens of a prefix.
        tower_layers: Blocks from the end of each tower that "last" tunes.
        checkpointing: Compute the towers' activations twice instead of keeping them: less memory, more time.
        compile: Let torch compile the transformers; the first steps take longer.
        epochs: Passes over the people (with a log; over some of them where there are many) or the items (without).
        patience: Epochs without a better validation before training stops.
        people: People a step.
        items: Items a step that go through the network.
        bank: Further candidates a step, with a log; their vectors are those of the last epoch.
        alone: Items a step that also go through the network with one modality only.
        targets: Things to predict a step, at most.
        rate: Highest learning rate of the fusion.
        gate_rate: That of the gates, which start at 0.
        weight_decay: Of matrices; norms, biases and gates have none.
        warmup: Share of the steps in which the rate rises, [0, 1).
        clip: Longest gradient.
        accumulate: Batches a step.
        width: Of the fusion transformer.
        layers: Of the fusion transformer.
        dropout: [0, 1).
        modality_dropout: [0, 1).
        history: Events of a person that are read, the newest.
        seed: Of everything random; below 2**32.
    """

    tasks: Mapping[str, float] = field(default_factory=dict)
    learned_weights: bool = False
    tuning: Tuning = "frozen"
    tower_rate: float = 0.0
    rank: int = 8
    tower_layers: int = 2
    checkpointing: bool = False
    compile: bool = False
    epochs: int = 8
    patience: int = 3
    people: int = 16
    items: int = 64
    bank: int = 512
    alone: int = 32
    targets: int = 128
    rate: float = 1e-3
    gate_rate: float = 1e-2
    weight_decay: float = 0.05
    warmup: float = 0.1
    clip: float = 1.0
    accumulate: int = 1
    width: int = 128
    layers: int = 2
    dropout: float = 0.1
    modality_dropout: float = 0.2
    history: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise TrainError(f"{name} is at least 1, not {getattr(self, name)}.")
        for name in ("rate", "gate_rate", "clip"):
            if not 0 < getattr(self, name) <= 100:
                raise TrainError(f"{name} is a small number above 0, not {getattr(self, name)}.")
        if not 0 <= self.warmup < 1 or not 0 <= self.dropout < 1 or not 0 <= self.modality_dropout < 1:
            raise TrainError("warmup, dropout and modality_dropout lie between 0 and 1.")
        if not 0 <= self.seed < 2**32:
            raise TrainError("seed lies between 0 and 4294967295.")
        if self.tuning not in TUNINGS:
            raise TrainError(f"There is no tuning called {self.tuning!r}. Choose {', '.join(TUNINGS)}.")
        if not 0 <= self.tower_rate <= 1:
            raise TrainError(f"tower_rate lies between 0 and 1, not {self.tower_rate}.")
        if self.alone > self.items:
            raise TrainError("alone is at most items.")

    def with_tasks(self, *, has_log: bool, has_categories: bool, has_pairs: bool) -> "TrainConfig":
        """The same with its tasks filled in, without those that the catalogue has nothing to learn from for.

        Args:
            has_log: Whether there is a log.
            has_categories: Whether there are categories to name.
            has_pairs: Whether any item has both a picture and a text.

        Raises:
            TrainError: No task is left.
        """
        wanted = self.tasks or (LOG_TASKS if has_log else CATALOG_TASKS)
        idle = (() if has_categories else ("category",)) + (() if has_pairs else PAIR_TASKS)
        tasks = {name: weight for name, weight in wanted.items() if name not in idle}
        if not tasks:
            raise TrainError(
                f"The catalogue has nothing to learn {', '.join(wanted)} from. Choose other tasks, or import more "
                "pictures and texts."
            )
        return replace(self, tasks=tasks)

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them back."""
        return asdict(self) | {"tasks": dict(self.tasks)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TrainConfig":
        """Read what `to_json` wrote, or a person's file with some of the keys.

        Raises:
            TrainError: A key is unknown or a value is out of range.
        """
        known = {one.name for one in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise TrainError(
                f"The configuration does not know {', '.join(unknown)}. It knows {', '.join(sorted(known))}."
            )
        try:
            return cls(**data)
        except TypeError as exc:
            raise TrainError("A value in the configuration is of the wrong kind. Compare it with a saved one.") from exc


def preset_config(preset: Preset, *, seed: int = 0) -> TrainConfig:
    """One of the three presets.

    Raises:
        TrainError: There is no such preset.
    """
    if preset == "quick":
        return TrainConfig(epochs=3, patience=2, width=64, layers=1, seed=seed)
    if preset == "balanced":
        return TrainConfig(seed=seed)
    if preset == "thorough":
        return TrainConfig(epochs=30, patience=6, rate=5e-4, seed=seed)
    raise TrainError(f"There is no preset {preset!r}. Choose {', '.join(PRESETS)}.")


def read_config(path: Path) -> TrainConfig:
    """Read a JSON file.

    Raises:
        TrainError: It cannot be read.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise TrainError(f"The configuration {path} cannot be read as JSON. Check the file.") from exc
    if not isinstance(data, dict):
        raise TrainError(f"The configuration {path} must be one JSON object of names and values.")
    return TrainConfig.from_json(data)
