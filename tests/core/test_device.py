"""The choice of a device, and seeding."""

import random

import numpy as np
import pytest
import torch

from core.device import choose_device, repeatable, seed_everything


def test_processor_on_request() -> None:
    choice = choose_device("cpu")
    assert (choice.device, choice.dtype) == ("cpu", "float32")
    assert choice.reason


def test_card_that_is_not_there(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device().device == "cpu"
    with pytest.raises(ValueError, match="graphics card"):
        choose_device("cuda")


@pytest.mark.parametrize(("capability", "dtype"), [((9, 0), "bfloat16"), ((7, 5), "float16")])
def test_number_format_of_a_card(monkeypatch, capability, dtype) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Card")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert choose_device().dtype == dtype


def test_unknown_device() -> None:
    with pytest.raises(ValueError, match="tpu"):
        choose_device("tpu")  # type: ignore[arg-type]


def test_seeds_repeat() -> None:
    rows = []
    for _ in range(2):
        seed_everything(3)
        rows.append((random.random(), np.random.rand(), float(torch.rand(()))))
    assert rows[0] == rows[1]


@pytest.mark.parametrize(("cuda", "mps", "device"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_what_is_there_is_taken(monkeypatch, cuda, mps, device) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Card")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device().device == device


def test_apples_unit_that_is_not_there(monkeypatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="graphics card"):
        choose_device("mps")


def test_sums_of_several_threads_repeat() -> None:
    """Gradients of rows that are read often: without it, about one in four differs in its last digits."""
    before, generator = torch.get_num_threads(), torch.Generator().manual_seed(0)
    rows = torch.randint(0, 50, (4000,), generator=generator)
    weights, found = torch.randn(4000, 128, generator=generator), set()
    torch.set_num_threads(2)
    try:
        with repeatable("cpu"):
            for _ in range(30):
                table = torch.zeros(50, 128, requires_grad=True)
                (table[rows] * weights).sum().backward()
                found.add(table.grad.numpy().tobytes())
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1 and not torch.are_deterministic_algorithms_enabled()
