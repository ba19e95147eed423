"""Which processor computes, with which number format, and seeding."""

import platform
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np

DeviceName = Literal["cuda", "mps", "cpu"]
NumberFormat = Literal["bfloat16", "float16", "float32"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChoice:
    """Where models run.

    Attributes:
        device: "cuda", "mps" (Apple) or "cpu", as torch names it.
        dtype: torch's name of the number format for autocast; "float32" means no autocast.
        reason: One sentence for the page and the log.
    """

    device: DeviceName
    dtype: NumberFormat
    reason: str


def choose_device(wanted: DeviceName | None = None) -> DeviceChoice:
    """Take the graphics card where there is one.

    Args:
        wanted: "cpu" keeps the card free; "cuda" or "mps" insists; None takes what is there.

    Raises:
        ValueError: A card was wanted and torch sees none, or the name is unknown.
    """
    if wanted not in (None, "cuda", "mps", "cpu"):
        raise ValueError(f"Unknown device {wanted!r}: choose cuda, mps or cpu.")
    if wanted == "cpu":
        return DeviceChoice(device="cpu", dtype="float32", reason="The processor was asked for.")
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    found = next((name for name, ok in there.items() if ok and wanted in (None, name)), None)
    if found is None:
        if wanted is not None:
            raise ValueError("A graphics card was asked for, and torch sees none. Choose the processor instead.")
        return DeviceChoice(device="cpu", dtype="float32", reason="There is no graphics card that torch can use.")
    if found == "mps":
        return DeviceChoice(device="mps", dtype="float32", reason="Apple's graphics unit computes.")
    name = torch.cuda.get_device_name(0)
    if torch.cuda.get_device_capability(0) >= (8, 0):
        return DeviceChoice(device="cuda", dtype="bfloat16", reason=f"{name} computes in bfloat16.")
    return DeviceChoice(device="cuda", dtype="float16", reason=f"{name} is too old for bfloat16: float16 instead.")


def describe_computing(choice: DeviceChoice, *, processes: int = 1) -> Mapping[str, str | int]:
    """What a training computed on and with: all that its settings and its data leave open.

    Args:
        choice: Where it trained.
        processes: That trained together.
    """
    import torch

    return {
        "device": choice.device,
        "device_reason": choice.reason,
        # Weights and sums are of 32 bits everywhere; float16 would need its gradients scaled, so it is not trained in.
        "precision": "bfloat16" if choice.dtype == "bfloat16" else "float32",
        "processes": processes,
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch, the card included.

    Runs on one machine repeat under `repeatable`; across machines or thread counts sums still differ in their last
    digits.

    Args:
        seed: Not negative, below 2**32.
    """
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def repeatable(device: DeviceName) -> Iterator[None]:
    """Let a processor sum in the same order each time, however many threads there are.

    Otherwise gradients of rows that are read several times are added in whatever order the threads come. A graphics
    card is left alone: some of its sums have no such order.
    """
    import torch

    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    if device == "cpu":
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
