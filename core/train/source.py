"""Where the items of a step come from: tokens that were made once, or towers that are themselves being tuned.

Imports torch, so import this module inside functions only.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize, pad

from core.device import DeviceChoice
from core.encode.text import item_text
from core.encode.tokens import trim_padding
from core.encode.towers import Towers
from core.errors import TrainError
from core.model.fusion import ItemBatch
from core.model.inputs import to_batch
from core.model.tuning.methods import TuningSpec
from core.model.tuning.tuned import TunedTowers
from core.parts import FindPicture
from core.store.items import StoredItem
from core.tokens.item_tokens import (
    PICTURE_GRID,
    TEXT_SEGMENTS,
    ItemTokens,
    ModalityTokens,
    group_weights,
    read_pixels,
    segment_texts,
)
from core.tokens.token_parts import PictureTokens, TextTokens
from core.train.config import TrainConfig

#: Items at a time when all are read without gradients.
_READ_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RawItems:
    """What the towers read, where they are tuned.

    Attributes:
        load_towers: Loads towers that nobody else uses: tuning changes them.
        items: N items.
        find_picture: Content hash to the stored picture.
    """

    load_towers: Callable[[], Towers]
    items: Sequence[StoredItem]
    find_picture: FindPicture


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
    return LiveTokens(tuned, raw, tokens, choice)


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
        raw: N items.
        tokens: Of the frozen towers, the start.
        choice: Where the towers run.
    """

    def __init__(
        self,
        tuned: TunedTowers,
        raw: RawItems,
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
        self._pictures = [[raw.find_picture(picture) for picture in one.usable_pictures] for one in raw.items]
        segments = [segment_texts(one.item) for one in raw.items]
        self._segments = {name: tuple(one[name] for one in segments) for name in TEXT_SEGMENTS}
        self._texts = tuple(item_text(one.item) for one in raw.items)
        self._tokens = _copy(tokens)

    def batch(self, rows: NDArray[np.int64]) -> ItemBatch:
        """Items of these rows as tensors, with gradients."""
        parts = {name: self._frozen(one, rows) for name, one in self._tokens.modalities.items()}
        parts |= {"picture": self._read_pictures(rows), "text": self._read_texts(rows)}
        masks = {name: mask for name, (_, mask, _) in parts.items()}
        return ItemBatch(
            tokens={name: tokens for name, (tokens, _, _) in parts.items()},
            masks=masks,
            joint=torch.stack([_pad(joint, self._tokens.dimension) for _, _, joint in parts.values()], 1),
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
        """Tokens (B, T, W) of first pictures, mask (B, T), and unit means over all (B, D); zero without a picture."""
        owners = [(at, path) for at, row in enumerate(rows.tolist()) for path in self._pictures[row]]
        with ThreadPoolExecutor(max(1, os.cpu_count() or 1), thread_name_prefix="decode") as pool:
            pixels = pool.map(lambda one: read_pixels(self.tuned.towers, one[1]), owners)
            found = [(at, one) for (at, _), one in zip(owners, pixels, strict=True) if one is not None]
        if not found:
            return self._frozen(self._tokens.modalities["picture"], rows)
        joint, cells = self._look(torch.from_numpy(np.stack([one for _, one in found])).to(self._device))
        owner = torch.tensor([at for at, _ in found], device=self._device)
        total = joint.new_zeros(len(rows), joint.shape[1], dtype=torch.float32).index_add(0, owner, joint.float())
        first = torch.tensor([at for at, (one, _) in enumerate(found) if not at or found[at - 1][0] != one])
        there = torch.zeros(len(rows), dtype=torch.bool, device=self._device).index_fill(0, owner, True)
        mask = there.unsqueeze(1).expand(-1, PICTURE_GRID**2)
        return _spread(cells[first.to(self._device)], there), mask, normalize(total, dim=1)

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


def _pad(joint: Tensor, dimension: int) -> Tensor:
    """Joint embeddings (B, d) with zeros up to (B, D)."""
    return pad(joint, (0, dimension - joint.shape[1]))


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
