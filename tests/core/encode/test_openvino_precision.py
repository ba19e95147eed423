from pathlib import Path

import numpy as np
import pytest

from core.encode.openvino_import import import_openvino
from core.encode.openvino_precision import compile_tower, list_precisions

openvino = import_openvino()
torch = pytest.importorskip("torch")


def _save(folder: Path, layers: list[object], shape: tuple[int, ...]) -> np.ndarray:
    """Save a tower that reads (N, S, S, 3) pixels, and return an example."""

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(*layers)

        def forward(self, pixels: object) -> object:
            rows = pixels.permute(0, 3, 1, 2) if pixels.ndim == 4 else pixels  # type: ignore[attr-defined]
            return self.layers(rows).flatten(1)

    torch.manual_seed(0)
    example = np.random.default_rng(0).random(shape, np.float32)
    model = openvino.convert_model(Tower().eval(), example_input=torch.from_numpy(example), input=[(-1, *shape[1:])])
    openvino.save_model(model, folder / "picture.xml", compress_to_fp16=False)
    return example


def test_mixed_gives_the_same_rows(tmp_path: Path) -> None:
    layers = [
        torch.nn.Conv2d(3, 8, 3, stride=2, padding=1), torch.nn.ReLU(),
        torch.nn.Conv2d(8, 6, 3, stride=2, padding=1), torch.nn.ReLU(),
        torch.nn.Conv2d(6, 16, 3, stride=2, padding=1), torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(16, 5),
    ]  # fmt: skip
    pixels = _save(tmp_path, layers, (2, 32, 32, 3))
    exact, mixed = (compile_tower(tmp_path, "picture", precision) for precision in ("f32", "mixed"))
    assert exact is not None and mixed is not None
    assert mixed(pixels).shape == (2, 5)
    assert np.allclose(mixed(pixels), exact(pixels), atol=0.02)


def test_mixed_has_no_meaning_without_large_maps(tmp_path: Path) -> None:
    _save(tmp_path, [torch.nn.Linear(12, 5)], (2, 12))
    assert compile_tower(tmp_path, "picture", "mixed") is None


def test_plain_floats_are_always_an_option() -> None:
    assert list(list_precisions())[-1] == "f32"
