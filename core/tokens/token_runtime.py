"""Towers that give token sequences: torch on a graphics card, OpenVINO on a processor where both agree."""

import logging
import warnings
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.device import DeviceChoice
from core.encode.openvino_import import import_openvino
from core.encode.pictures import Pixels
from core.encode.runtime import build_check_inputs
from core.encode.tokens import Tokens, trim_padding
from core.encode.towers import Towers

_log = logging.getLogger(__name__)
Run = Callable[[NDArray[Any]], list[NDArray[np.float32]]]
#: Tokens may differ by this share of their spread before OpenVINO is refused.
_TOLERANCE = 0.02


class TokenRuntime:
    """Both towers.

    Args:
        towers: Loaded with torch.
        choice: Where they run.
        grid: Cells on a side of the pooled feature map.
        convert: Whether to take the seconds for a faster version; not worth it for some hundred items.
    """

    def __init__(self, towers: Towers, choice: DeviceChoice, *, grid: int, convert: bool = True) -> None:
        from core.tokens.token_parts import PictureTokens, TextTokens

        self.towers = towers
        self.grid = grid
        preparation, pad = towers.preparation, towers.tokenizer.pad_id
        pictures = PictureTokens(towers.model, preparation.mean, preparation.std, grid=grid).eval()
        texts = TextTokens(towers.model, pad_id=pad).eval()
        self._pictures, self._texts = _in_torch(pictures, choice), _in_torch(texts, choice)
        if convert and choice.device == "cpu":
            inputs = build_check_inputs(preparation, towers.tokenizer, trims=towers.trims)
            length = -1 if towers.trims else towers.tokenizer.context_length
            side = preparation.side
            self._pictures = _faster(pictures, self._pictures, inputs.pixels, (-1, side, side, 3))
            self._texts = _faster(texts, self._texts, inputs.tokens, (-1, length))

    def read_pictures(self, pixels: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Pixels (N, S, S, 3) to embeddings (N, D), unit-norm, and tokens (N, grid * grid, W)."""
        joint, cells = self._pictures(pixels)
        return joint, cells

    def read_texts(self, texts: list[str]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Texts to embeddings (N, D), unit-norm, hidden states (N, L, W), and which positions hold words (N, L)."""
        ids: Tokens = self.towers.tokenizer(texts)
        if self.towers.trims:
            ids = trim_padding(ids, self.towers.tokenizer.pad_id)
        joint, hidden, words = self._texts(ids)
        return joint, hidden, words.astype(bool)

    @cached_property
    def picture_width(self) -> int:
        """W of tokens of pictures; a blank one tells."""
        side = self.towers.preparation.side
        return int(self.read_pictures(np.zeros((1, side, side, 3), np.uint8))[1].shape[-1])

    @cached_property
    def text_width(self) -> int:
        """W of tokens of texts; one word tells."""
        return int(self.read_texts(["."])[1].shape[-1])


def _in_torch(module: Any, choice: DeviceChoice) -> Run:
    import torch

    def run(inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        module.to(choice.device)
        with torch.inference_mode():
            return [out.float().cpu().numpy() for out in module(torch.from_numpy(inputs).to(choice.device))]

    return run


def _faster(module: Any, reference: Run, example: NDArray[Any], shape: tuple[int, ...]) -> Run:
    """OpenVINO's version of a module, or the reference where it cannot be had or differs."""
    try:
        openvino = import_openvino()
        import torch

        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer doubts shapes; the comparison below settles it
            converted = openvino.convert_model(module, example_input=torch.from_numpy(example), input=[shape])
        compiled = openvino.compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

        def run(inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
            return [np.array(out) for out in compiled(np.ascontiguousarray(inputs)).values()]

        if all(_agree(one, other) for one, other in zip(run(example), reference(example), strict=True)):
            return run
        _log.warning("OpenVINO's tokens differ from torch's; torch is used")
    except Exception:  # a tower that OpenVINO cannot convert still runs in torch
        _log.warning("OpenVINO cannot run this tower for tokens; torch is used", exc_info=True)
    return reference


def _agree(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.shape != other.shape:
        return False
    first, second = one.astype(np.float32), other.astype(np.float32)
    return float(np.abs(first - second).mean()) <= _TOLERANCE * max(float(second.std()), 1e-6)
