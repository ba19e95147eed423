"""The choice of a device, and seeding."""

import random

import numpy as np
import pytest
import torch

from core.device import choose_device, seed_everything


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
