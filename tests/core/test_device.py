"""Where things compute, with torch's answers played."""

import pytest
import torch

from core.device import choose_device


def play(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool, capability: tuple[int, int] = (9, 0)) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _number: "A card")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _number: capability)


@pytest.mark.parametrize(
    ("cuda", "mps", "device", "dtype"),
    [
        (True, True, "cuda", "bfloat16"),
        (True, False, "cuda", "bfloat16"),
        (False, True, "mps", "float32"),
        (False, False, "cpu", "float32"),
    ],
)
def test_what_is_there_is_taken(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, device: str, dtype: str
) -> None:
    play(monkeypatch, cuda=cuda, mps=mps)
    choice = choose_device()
    assert (choice.device, choice.dtype) == (device, dtype)


def test_old_cards_compute_in_float16(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, cuda=True, mps=False, capability=(7, 5))
    assert choose_device("cuda").dtype == "float16"


def test_the_processor_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, cuda=True, mps=True)
    assert choose_device("cpu").device == "cpu"


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_card_that_is_not_there(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    play(monkeypatch, cuda=False, mps=False)
    with pytest.raises(ValueError, match="torch sees none"):
        choose_device(wanted)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Unknown device"):
        choose_device("abacus")  # type: ignore[arg-type]
