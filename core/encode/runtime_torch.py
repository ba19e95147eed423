"""Torch: the runtime that others are held against, and the one for a graphics card.

The card's path (autocast, pinned memory, batch size by trial) has not been run on a card yet.
"""

import contextlib
import threading
from typing import Any

import numpy as np

from core.device import DeviceChoice
from core.encode.pictures import Pixels
from core.encode.runtime import EmbeddingArray
from core.encode.tokens import Tokens
from core.encode.towers import Towers

_CARD_BATCH = 256
_PROCESSOR_BATCH = 8
_TEXT_BATCH = 32


class TorchRuntime:
    """Runs both towers in torch; see `core.encode.runtime.Runtime`."""

    name = "torch"

    def __init__(self, towers: Towers, choice: DeviceChoice, *, reason: str = "") -> None:
        import torch

        from core.encode.tower_parts import PictureTower, TextTower

        self.reason = reason or f"torch in {choice.dtype}. {choice.reason}"
        self._choice = choice
        self._lock = threading.Lock()
        on_card = choice.device == "cuda"
        self.picture_batch = _CARD_BATCH if on_card else _PROCESSOR_BATCH
        self.text_batch = _CARD_BATCH if on_card else _TEXT_BATCH
        self._pictures = PictureTower(towers.model, towers.preparation.mean, towers.preparation.std).eval()
        self._pictures.to(device=choice.device).to(memory_format=torch.channels_last)
        self._texts = TextTower(towers.model).eval()

    def encode_pixels(self, pixels: Pixels) -> EmbeddingArray:
        """Encode pixels (N, S, S, 3) to (N, D), unit-norm."""
        rows, self.picture_batch = self._run(self._pictures, pixels, self.picture_batch)
        return rows

    def encode_tokens(self, tokens: Tokens) -> EmbeddingArray:
        """Encode tokens (N, L) to (N, D), unit-norm."""
        rows, self.text_batch = self._run(self._texts, tokens, self.text_batch)
        return rows

    def _run(self, tower: Any, inputs: Pixels | Tokens, batch: int) -> tuple[EmbeddingArray, int]:
        """Encode in batches that fit the memory; halve them where they do not, and remember."""
        import torch

        rows: list[EmbeddingArray] = []
        start = 0
        with self._lock, torch.inference_mode(), self._autocast():
            while start < len(inputs):
                try:
                    rows.append(self._run_batch(tower, inputs[start : start + batch]))
                except torch.OutOfMemoryError:
                    if batch == 1:
                        raise
                    torch.cuda.empty_cache()
                    batch //= 2
                    continue
                start += batch
        return np.concatenate(rows), batch

    def _run_batch(self, tower: Any, inputs: Pixels | Tokens) -> EmbeddingArray:
        import torch

        batch = torch.from_numpy(np.ascontiguousarray(inputs))
        if self._choice.device == "cuda":
            batch = batch.pin_memory().to("cuda", non_blocking=True)
        embeddings: EmbeddingArray = tower(batch).float().cpu().numpy()
        return embeddings

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        import torch

        if self._choice.dtype == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self._choice.device, dtype=getattr(torch, self._choice.dtype))
