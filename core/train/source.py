"""Where the items of a step come from: tokens that were made once, or towers that are themselves being tuned.

Imports torch, so import this module inside functions only.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.catalog.schema import Item
from core.device import DeviceChoice
from core.encode.item_tokens import (
    PICTURE_GRID,
    TEXT_SEGMENTS,
    ItemTokens,
    ModalityTokens,
    group_weights,
    read_pixels,
    segment_texts,
)
from core.encode.text import item_text
from core.encode.token_parts import PictureTokens, TextTokens
from core.encode.tokens import trim_padding
from core.encode.towers import Towers
from core.errors import TrainError
from core.model.fusion import ItemBatch
from core.model.tuning.methods import TuningSpec
from core.model.tuning.tuned import TunedTowers
from core.train.batches import to_batch
from core.train.config import TrainConfig

#: Items at a time when all are read without gradients.
_READ_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RawItems:
    """What the towers read, where they are tuned.

    Attributes:
        load_towers: Loads towers that nobody else uses: tuning changes them.
        items: N items.
        pictures: Main picture of each, None where it has none.
    """

    load_towers: Callable[[], Towers]
    items: Sequence[Item]
    pictures: Sequence[Path | None]


def build_source(
    raw: RawItems | None, config: TrainConfig, tokens: ItemTokens, choice: DeviceChoice, *, steps: int
) -> "TokenSource":
    """Tokens as they are for frozen towers, else towers with something to learn.

    Args:
        raw: Needed where the towers are tuned.
        config: Of the run.
        tokens: Of the frozen towers.
        choice: Where the towers run.
        steps: Of the whole run.

    Raises:
        TrainError: The towers cannot be tuned so.
    """
    if config.tuning == "frozen":
        return CachedTokens(tokens, torch.device(choice.device))
    if raw is None:
        raise TrainError("Only “frozen” works here: there are no pictures and texts that the towers could read.")
    tuned = TunedTowers(raw.load_towers(), tuning_spec(config, steps))
    if config.checkpointing:
        tuned.towers.model.set_grad_checkpointing(True)
    return LiveTokens(tuned, raw.items, raw.pictures, tokens, choice)


def tuning_spec(config: TrainConfig, steps: int) -> TuningSpec:
    """How a configuration tunes the towers."""
    return TuningSpec(method=config.tuning, rank=config.rank, layers=config.tower_layers, steps=steps, seed=config.seed)


class TokenSource(Protocol):
    """Gives the tokens of N items."""

    @property
    def tuned(self) -> TunedTowers | None:
        """What is learned in the towers, None where they are frozen."""

    def batch(self, rows: NDArray[np.int64]) -> ItemBatch:
        """Items of these rows as tensors, with gradients where the towers are tuned."""

    def read(self, rows: NDArray[np.int64]) -> ItemTokens:
        """Tokens of all N items, those of these rows as the towers stand now."""


class CachedTokens:
    """Tokens of frozen towers; see `TokenSource`."""

    tuned: TunedTowers | None = None

    def __init__(self, tokens: ItemTokens, device: torch.device) -> None:
        self._tokens, self._device = tokens, device

    def batch(self, rows: NDArray[np.int64]) -> ItemBatch:
        """Items of these rows as tensors."""
        return to_batch(self._tokens, rows, self._device)

    def read(self, rows: NDArray[np.int64]) -> ItemTokens:  # noqa: ARG002 - the protocol's signature
        """Tokens of all N items."""
        return self._tokens


class LiveTokens:
    """Runs the towers each time; see `TokenSource`.

    Modalities other than picture and text have no tower here and keep the tokens that were made once.

    Args:
        tuned: The towers.
        items: N items.
        pictures: Main picture of each, None where it has none.
        tokens: Of the frozen towers, the start.
        choice: Where the towers run.
    """

    def __init__(
        self,
        tuned: TunedTowers,
        items: Sequence[Item],
        pictures: Sequence[Path | None],
        tokens: ItemTokens,
        choice: DeviceChoice,
    ) -> None:
        self.tuned = tuned
        towers = tuned.towers
        self._device = torch.device(choice.device)
        towers.model.to(self._device)
        preparation = towers.preparation
        self._look = PictureTokens(towers.model, preparation.mean, preparation.std, grid=PICTURE_GRID).to(self._device)
        self._listen = TextTokens(towers.model, pad_id=towers.tokenizer.pad_id)
        self._pictures = tuple(pictures)
        segments = [segment_texts(item) for item in items]
        self._segments = {name: tuple(one[name] for one in segments) for name in TEXT_SEGMENTS}
        self._texts = tuple(item_text(item) for item in items)
        self._tokens = _copy(tokens)

    def batch(self, rows: NDArray[np.int64]) -> ItemBatch:
        """Items of these rows as tensors, with gradients."""
        parts = {name: self._frozen(one, rows) for name, one in self._tokens.modalities.items()}
        parts |= {"picture": self._read_pictures(rows), "text": self._read_texts(rows)}
        masks = {name: mask for name, (_, mask, _) in parts.items()}
        return ItemBatch(
            tokens={name: tokens for name, (tokens, _, _) in parts.items()},
            masks=masks,
            joint=torch.stack([joint for _, _, joint in parts.values()], 1),
            present=torch.stack([mask.any(1) for mask in masks.values()], 1),
        )

    def read(self, rows: NDArray[np.int64]) -> ItemTokens:
        """Tokens of all N items, those of these rows as the towers stand now."""
        self.tuned.towers.model.eval()
        with torch.inference_mode():
            for start in range(0, len(rows), _READ_BATCH):
                part = rows[start : start + _READ_BATCH]
                for name, found in (("picture", self._read_pictures(part)), ("text", self._read_texts(part))):
                    one = self._tokens.modalities[name]
                    one.tokens[part], one.mask[part], one.joint[part] = (row.cpu().numpy() for row in found)
        return self._tokens

    def _frozen(self, one: ModalityTokens, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        tokens, mask, joint = (torch.from_numpy(part[rows]) for part in (one.tokens, one.mask, one.joint))
        return tokens.to(self._device), mask.to(self._device), joint.to(self._device)

    def _read_pictures(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens (B, T, W), mask (B, T) and joint embeddings (B, D); zero without a picture."""
        towers = self.tuned.towers
        with ThreadPoolExecutor(max(1, os.cpu_count() or 1), thread_name_prefix="decode") as pool:
            pixels = list(pool.map(lambda row: read_pixels(towers, self._pictures[row]), rows.tolist()))
        there = torch.tensor([one is not None for one in pixels], device=self._device)
        mask = there.unsqueeze(1).expand(-1, PICTURE_GRID**2)
        found = [one for one in pixels if one is not None]
        if not found:
            start = self._tokens.modalities["picture"]
            return self._frozen(start, rows)
        joint, cells = self._look(torch.from_numpy(np.stack(found)).to(self._device))
        return _spread(cells, there), mask, _spread(joint.float(), there)

    def _read_texts(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        tokens, masks = [], []
        for name, length in TEXT_SEGMENTS.items():
            _, hidden, mask = self._read_some([self._segments[name][row] for row in rows.tolist()], length)
            tokens.append(hidden)
            masks.append(mask)
        joint, _, _ = self._read_some([self._texts[row] for row in rows.tolist()], 1)
        return torch.cat(tokens, 1), torch.cat(masks, 1), joint

    def _read_some(self, texts: list[str], length: int) -> tuple[Tensor, Tensor, Tensor]:
        """Joint embeddings (B, D), pooled tokens (B, T, W) and their mask (B, T); zero for empty texts."""
        there = torch.tensor([bool(text) for text in texts], device=self._device)
        towers = self.tuned.towers
        # An empty batch has no shape to give: one word stands in, and nothing of it is kept.
        ids = towers.tokenizer([text for text in texts if text] or ["."])
        if towers.trims:
            ids = trim_padding(ids, towers.tokenizer.pad_id)
        joint, hidden, words = self._listen(torch.from_numpy(np.asarray(ids)).to(self._device))
        weights = torch.from_numpy(group_weights(words.cpu().numpy(), length)).to(self._device)
        pooled = weights.to(hidden.dtype) @ hidden
        if not there.any():
            joint, pooled, weights = joint[:0], pooled[:0], weights[:0]
        return _spread(joint, there), _spread(pooled, there), _spread(weights.any(2).float(), there) > 0


def _spread(rows: Tensor, there: Tensor) -> Tensor:
    """Rows at the places that are there, zeros elsewhere."""
    place = (there.long().cumsum(0) - 1).clamp(min=0)
    padded = torch.cat([rows, rows.new_zeros(1, *rows.shape[1:])])
    chosen: Tensor = padded[torch.where(there, place, len(rows))]
    return chosen


def _copy(tokens: ItemTokens) -> ItemTokens:
    return ItemTokens(
        modalities={
            name: ModalityTokens(tokens=np.array(one.tokens), mask=one.mask.copy(), joint=one.joint.copy())
            for name, one in tokens.modalities.items()
        }
    )
