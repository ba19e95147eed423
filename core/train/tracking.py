"""What a run writes down: its own curve for the page, TensorBoard files, Weights & Biases on demand."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import TrainError
from core.files import written_whole

if TYPE_CHECKING:
    from core.train.loop import EpochReport

_log = logging.getLogger(__name__)
#: The measure by which the best epoch and the blend are chosen: recall says little where few items are held out.
WATCHED = "ndcg@10"
CURVE, FACTS = "curve.jsonl", "run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What the live page shows.

    Attributes:
        facts: Configuration, device, flat lines and whatever else is known from the start.
        epochs: One mapping an epoch: step, losses, validation, seconds, memory_mb; by step, each once.
    """

    facts: Mapping[str, Any]
    epochs: tuple[Mapping[str, Any], ...]


def read_curve(folder: Path) -> Curve:
    """Read what a run has written up to now; a half-written last line is left out."""
    facts: dict[str, Any] = {}
    epochs: dict[int, dict[str, Any]] = {}
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        lines = (folder / CURVE).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    for line in lines:
        try:
            one = json.loads(line)
            epochs[int(one["step"])] = one
        except (ValueError, KeyError, TypeError):
            continue
    return Curve(facts=facts, epochs=tuple(epochs[step] for step in sorted(epochs)))


class Tracker:
    """Writes a run's curve.

    Args:
        folder: Of the run.
        name: For Weights & Biases.
        wandb: Whether to log there; without a key in the environment it logs offline, to be synced later.

    Raises:
        TrainError: Weights & Biases was asked for and cannot start.
    """

    def __init__(self, folder: Path, name: str, *, wandb: bool = False) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._folder = folder
        self._facts: dict[str, Any] = {}
        self._board = SummaryWriter(str(folder / "tensorboard"))
        self._wandb = _start_wandb(folder, name) if wandb else None

    def note(self, **facts: Any) -> None:
        """Add facts that are known from now on."""
        self._facts |= facts
        with written_whole(self._folder / FACTS, flush=False) as temporary:
            temporary.write_text(json.dumps(self._facts), "utf-8")

    def add(self, report: "EpochReport") -> None:
        """Write an epoch down."""
        with (self._folder / CURVE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(report)) + "\n")
        values = {f"loss/{name}": value for name, value in report.losses.items()}
        values |= {f"validation/{name}": value for name, value in report.validation.items()}
        for name, value in values.items():
            self._board.add_scalar(name, value, report.step)
        self._board.flush()
        if self._wandb is not None:
            self._wandb.log(values, step=report.step)

    def close(self) -> None:
        """Finish both logs."""
        self._board.close()
        if self._wandb is not None:
            self._wandb.finish()


def _start_wandb(folder: Path, name: str) -> Any:
    try:
        import wandb
    except ImportError as exc:
        raise TrainError("Weights & Biases is not installed. Run: pip install wandb, or train without it.") from exc
    mode: Any = os.environ.get("WANDB_MODE") or ("online" if os.environ.get("WANDB_API_KEY") else "offline")
    try:
        return wandb.init(project="wishlight", name=name, dir=str(folder), mode=mode, id=folder.name, resume="allow")
    except Exception as exc:  # its client raises all sorts
        raise TrainError("Weights & Biases cannot start. Set WANDB_MODE=offline, or train without it.") from exc
