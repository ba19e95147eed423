"""Items and histories as the tensors that the network reads. Imports torch, so import it in functions only."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.interactions.log import NO_TIME, History
from core.model.fusion import ItemBatch
from core.model.user import HistoryBatch
from core.tokens.item_tokens import ItemTokens


def to_batch(tokens: ItemTokens, rows: NDArray[np.int64], device: torch.device) -> ItemBatch:
    """Items of these rows as tensors."""
    masks = {name: torch.from_numpy(one.mask[rows]).to(device) for name, one in tokens.modalities.items()}
    return ItemBatch(
        tokens={
            name: torch.from_numpy(np.ascontiguousarray(one.tokens[rows])).to(device)
            for name, one in tokens.modalities.items()
        },
        masks=masks,
        joint=torch.from_numpy(tokens.join(rows)).to(device),
        present=torch.stack([mask.any(1) for mask in masks.values()], 1),
    )


def to_histories(
    windows: Sequence[History], vectors: Tensor, length: int, rating_scale: tuple[float, float]
) -> HistoryBatch:
    """The newest `length` events of each history as tensors, padded at the end.

    Args:
        windows: B histories.
        vectors: Flat item vectors, (N, M * D).
        length: L at most.
        rating_scale: Mean and standard deviation of ratings.
    """
    longest = max(min(max((len(one) for one in windows), default=1), length), 1)
    shape = (len(windows), longest)
    items, events = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    ratings, gaps = np.zeros(shape, np.float32), np.full(shape, -1.0, np.float32)
    liked, mask = np.zeros(shape, bool), np.zeros(shape, bool)
    for row, one in enumerate(windows):
        count = min(len(one), longest)
        if not count:
            continue
        last = slice(len(one) - count, len(one))
        items[row, :count], events[row, :count], liked[row, :count] = one.items[last], one.events[last], one.liked[last]
        scaled = (one.values[last] - rating_scale[0]) / rating_scale[1]
        ratings[row, :count] = np.clip(np.nan_to_num(scaled), -3, 3)
        times = one.times[last].astype(np.float64)
        known = (times[1:] != NO_TIME) & (times[:-1] != NO_TIME)
        gaps[row, 1:count] = np.where(known, np.maximum(np.diff(times), 0), -1)
        mask[row, :count] = True
    device = vectors.device
    return HistoryBatch(
        vectors=vectors[torch.from_numpy(items).to(device)] * torch.from_numpy(mask).to(device).unsqueeze(-1),
        events=torch.from_numpy(events).to(device),
        ratings=torch.from_numpy(ratings).to(device),
        liked=torch.from_numpy(liked).to(device),
        gaps=torch.from_numpy(gaps).to(device),
        mask=torch.from_numpy(mask).to(device),
    )
