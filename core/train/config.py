"""Every number of a training run in one frozen value; saved with the weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from core.errors import TrainError
from core.train.fields import Flag, Number, OneOf, Rule, Weights, Whole, check_fields, show_value

Preset = Literal["quick", "balanced", "thorough"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
#: Where nobody names one.
DEFAULT_PRESET: Preset = "balanced"
Tuning = Literal["frozen", "lora", "adalora", "adapter", "prefix", "last", "full"]
TUNINGS: tuple[Tuning, ...] = get_args(Tuning)
#: What is learned without and with an interaction log, and how much each counts.
CATALOG_TASKS: Mapping[str, float] = {"contrastive": 1.0, "masked": 1.0, "category": 0.3}
LOG_TASKS: Mapping[str, float] = {"rank": 1.0, "popularity": 0.3, "act": 0.1, "rating": 0.1, "contrastive": 0.1}
#: Tasks that compare an item's picture with its text.
PAIR_TASKS = ("contrastive", "contrastive-sigmoid", "masked")
#: Tasks that need an interaction log.
NEED_LOG = ("popularity", "rank", "rank-bpr", "act", "rating")
#: All names in `core.model.tasks.TASKS`, told without loading torch.
TASK_NAMES = (*PAIR_TASKS, "category", *NEED_LOG)
#: Width of the transformers is a multiple of their heads.
_HEADS = 4
_MANY = Whole(low=1, high=1_000_000)
_RATE = Number(low=0, high=100, above=True)
_SHARE = Number(low=0, high=1, below=True)
#: What each field of a configuration may be.
RULES: Mapping[str, Rule] = {
    "tasks": Weights(names=TASK_NAMES, weight=Number(low=0, high=1_000_000, above=True)),
    "learned_weights": Flag(),
    "tuning": OneOf(TUNINGS),
    "tower_rate": Number(low=0, high=1),
    "rank": Whole(low=1, high=4096),
    "tower_layers": Whole(low=1, high=1000),
    "checkpointing": Flag(),
    "compile": Flag(),
    "epochs": Whole(low=1, high=100_000),
    "patience": Whole(low=1, high=100_000),
    "people": _MANY,
    "items": _MANY,
    "bank": Whole(low=0, high=1_000_000),
    "alone": Whole(low=0, high=1_000_000),
    "targets": _MANY,
    "rate": _RATE,
    "gate_rate": _RATE,
    "weight_decay": Number(low=0, high=100),
    "warmup": _SHARE,
    "clip": _RATE,
    "accumulate": Whole(low=1, high=100_000),
    "width": Whole(low=_HEADS, high=16_384),
    "layers": Whole(low=1, high=100),
    "dropout": _SHARE,
    "modality_dropout": _SHARE,
    "history": Whole(low=1, high=100_000),
    "seed": Whole(low=0, high=2**32 - 1),
}
_MOST_BYTES = 1_000_000


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
        check_fields({name: getattr(self, name) for name in RULES}, RULES)
        if self.width % _HEADS:
            raise TrainError(f"“width” is a multiple of {_HEADS}, not {self.width}.")
        if self.alone > self.items:
            raise TrainError(f"“alone” is at most “items”, which is {self.items}, not {self.alone}.")

    def check_log(self, *, has_log: bool) -> None:
        """See that each task can be learned.

        Raises:
            TrainError: A task needs a log, and there is none.
        """
        if not has_log and (missing := [name for name in self.tasks if name in NEED_LOG]):
            raise TrainError(
                f"“tasks” names {', '.join(missing)}, which is learned from an interaction log, and this run has none. "
                "Leave it out, or train with a log."
            )

    def with_tasks(self, *, has_log: bool, has_categories: bool, has_pairs: bool) -> "TrainConfig":
        """The same with its tasks filled in, without those that the catalogue has nothing to learn from for.

        Args:
            has_log: Whether there is a log.
            has_categories: Whether there are categories to name.
            has_pairs: Whether any item has both a picture and a text.

        Raises:
            TrainError: No task is left, or one needs a log and there is none.
        """
        self.check_log(has_log=has_log)
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
        """Read what `to_json` wrote, or some of the keys.

        Raises:
            TrainError: A key is unknown or a value is out of range.
        """
        check_keys(data)
        return cls(**data)


def check_keys(data: Mapping[str, Any]) -> None:
    """See that a person's settings name fields of a configuration alone, each with a value that it may have.

    Raises:
        TrainError: A key is unknown or a value is out of range.
    """
    if unknown := sorted(set(data) - set(RULES)):
        names = ", ".join(show_value(name) for name in unknown[:5])
        raise TrainError(f"The configuration does not know {names}. It knows {', '.join(sorted(RULES))}.")
    check_fields(data, RULES)


def preset_config(preset: str, *, seed: int = 0) -> TrainConfig:
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


def read_config(path: Path) -> dict[str, Any]:
    """The settings that a JSON file names, in the range of each.

    Raises:
        TrainError: It cannot be read, or says what no configuration can hold.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise TrainError(f"The configuration {path} is far too large to be one. Choose another file.")
        data = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_read_object)
    except OSError as exc:
        raise TrainError(f"The configuration {path} cannot be read ({exc.strerror}). Check the file.") from exc
    except (ValueError, RecursionError) as exc:
        raise TrainError(f"The configuration {path} cannot be read as JSON. Check the file.") from exc
    if not isinstance(data, dict):
        raise TrainError(f"The configuration {path} must be one JSON object of names and values.")
    try:
        check_keys(data)
    except TrainError as exc:
        raise TrainError(f"{path.name}: {exc}") from exc
    return data


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise TrainError(f"The configuration says {show_value(twice)} twice. Leave one of them out.")
    return found
