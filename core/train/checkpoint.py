"""Checkpoints: one safetensors file with weights and the optimiser's state, written whole or not at all.

Imports torch, so import this module inside functions only.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.checksums import CHECKSUM, as_bytes, checksum_arrays, read_arrays
from core.errors import TrainError
from core.failures import plain_failures
from core.files import written_whole
from core.model.config import ModelConfig
from core.model.network import FusionModel

_log = logging.getLogger(__name__)
LAST, BEST = "last.safetensors", "best.safetensors"
#: Before the names of what is learned in the towers.
TOWER = "tower."
_PLAN = "plan."


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerState:
    """How far a run is.

    Attributes:
        step: Steps done.
        best_step: Steps done at the best validation.
        best_value: The best validation, -1 before the first.
    """

    step: int = 0
    best_step: int = 0
    best_value: float = -1.0


def save_weights(
    model: FusionModel,
    path: Path,
    extra: dict[str, Any] | None = None,
    *,
    towers: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write a model's weights with its configuration; `extra` is JSON for the header, `towers` what they learned.

    Raises:
        TrainError: The disk is full or may not be written.
    """
    tensors = _own_weights(model) | {f"{TOWER}{name}": one for name, one in (towers or {}).items()}
    _write(path, tensors, {"config": model.config.to_json(), **(extra or {})})


def load_towers_state(path: Path) -> dict[str, torch.Tensor]:
    """What the towers had learned when `save_weights` wrote this file; empty for frozen ones.

    Raises:
        TrainError: The file is missing or damaged.
    """
    return _read_part(path, TOWER)


def load_plan(path: Path) -> dict[str, torch.Tensor]:
    """The plan of ranks that `save_state` wrote into this file; empty where there was none.

    Raises:
        TrainError: The file is missing or damaged.
    """
    return _read_part(path, _PLAN)


def load_weights(path: Path) -> tuple[FusionModel, dict[str, Any]]:
    """Read what `save_weights` wrote: the model in evaluation mode on the CPU, and the header.

    Raises:
        TrainError: The file is missing or damaged.
    """
    tensors, header = _read(path)
    try:
        model = FusionModel(ModelConfig.from_json(header["config"]))
        model.load_state_dict(tensors, strict=False)
    except (KeyError, TypeError, RuntimeError) as exc:
        raise TrainError(f"The model file {path.name} does not fit this version. Train again.") from exc
    return model.eval(), header


def save_state(
    model: FusionModel,
    optimizer: torch.optim.Optimizer,
    reached: TrainerState,
    path: Path,
    *,
    extra: Mapping[str, torch.nn.Parameter],
    plan: Mapping[str, torch.Tensor],
) -> None:
    """Write everything that a run needs to go on.

    Args:
        model: As it stands.
        optimizer: As it stands.
        reached: How far the run is.
        path: Where to.
        extra: Learned numbers outside the model.
        plan: What `TunedTowers.plan` gives.

    Raises:
        TrainError: The disk is full or may not be written.
    """
    tensors = {f"model.{name}": tensor for name, tensor in _own_weights(model).items()}
    tensors |= {f"extra.{name}": one.detach().cpu() for name, one in extra.items()}
    tensors |= {f"{_PLAN}{name}": one.detach().cpu() for name, one in plan.items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{key}": value for key, value in state.items() if torch.is_tensor(value)}
    header = {"step": reached.step, "best_step": reached.best_step, "best_value": reached.best_value}
    _write(path, tensors, header)


def load_state(
    model: FusionModel, optimizer: torch.optim.Optimizer, path: Path, *, extra: Mapping[str, torch.nn.Parameter]
) -> TrainerState:
    """Read what `save_state` wrote into a model and an optimiser of the same shape.

    Raises:
        TrainError: The file is missing, damaged, or of another shape.
    """
    tensors, header = _read(path)
    try:
        weights = {key.removeprefix("model."): one for key, one in tensors.items() if key.startswith("model.")}
        model.load_state_dict(weights, strict=False)
        with torch.no_grad():
            for name, one in extra.items():
                one.copy_(tensors[f"extra.{name}"])
        states: dict[int, dict[str, torch.Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith("optimizer."):
                _, number, name = key.split(".")
                states.setdefault(int(number), {})[name] = tensor
        optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
        return TrainerState(step=header["step"], best_step=header["best_step"], best_value=header["best_value"])
    except (KeyError, ValueError, RuntimeError) as exc:
        raise TrainError("The checkpoint of this run does not fit its configuration. Start a new run.") from exc


def _own_weights(model: FusionModel) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}


def _write(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    with plain_failures("The checkpoint cannot be written", TrainError), written_whole(path, flush=True) as temporary:
        whole, text = {name: one.contiguous() for name, one in tensors.items()}, json.dumps(header)
        save_file(whole, temporary, {"json": text, CHECKSUM: checksum_arrays(as_bytes(whole), text)})


def _read_part(path: Path, prefix: str) -> dict[str, torch.Tensor]:
    tensors, _ = _read(path)
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    from safetensors import SafetensorError

    try:
        tensors, metadata = read_arrays(path, framework="pt", note="json")
        return tensors, json.loads(metadata["json"])
    except (OSError, SafetensorError, KeyError, ValueError) as exc:
        raise TrainError(f"The file {path.name} of this run is missing or damaged. Start a new run.") from exc
