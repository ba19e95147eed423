"""The optimiser: which weights decay, and how fast each kind learns. Imports torch, so import it in functions only."""

import math
from collections.abc import Iterable, Mapping

import torch

from core.model.network import FusionModel
from core.train.config import TrainConfig


def build_optimizer(
    model: FusionModel,
    config: TrainConfig,
    *,
    log_variances: Iterable[torch.nn.Parameter] = (),
    towers: Mapping[str, torch.nn.Parameter] | None = None,
    tower_rate: float = 0.0,
) -> torch.optim.AdamW:
    """AdamW: matrices with decay, norms and biases without, gates and scales faster, towers slower."""
    matrices, vectors, gates = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.endswith("gate"):
            gates.append(parameter)
        elif parameter.ndim >= 2 and "position" not in name:
            matrices.append(parameter)
        else:
            vectors.append(parameter)
    tuned = list((towers or {}).values())
    groups = [
        {"params": matrices, "top": config.rate, "weight_decay": config.weight_decay},
        {"params": [*vectors, *log_variances], "top": config.rate, "weight_decay": 0.0},
        {"params": gates, "top": config.gate_rate, "weight_decay": 0.0},
        {"params": [one for one in tuned if one.ndim >= 2], "top": tower_rate, "weight_decay": config.weight_decay},
        {"params": [one for one in tuned if one.ndim < 2], "top": tower_rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.rate)


def set_rates(optimizer: torch.optim.Optimizer, step: int, steps: int, warmup: float) -> None:
    """A linear rise, then half a cosine down to a twentieth."""
    rise = max(int(steps * warmup), 1)
    share = min((step + 1) / rise, 1.0)
    fall = 0.5 * (1 + math.cos(math.pi * max(step - rise, 0) / max(steps - rise, 1)))
    for group in optimizer.param_groups:
        group["lr"] = group["top"] * share * max(fall, 0.05)
