"""All items through a model. Imports torch, so import this module inside functions only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.interactions.log import History
from core.model.fusion import ItemBatch
from core.model.inputs import to_batch, to_histories
from core.model.network import FusionModel
from core.tokens.item_tokens import ItemTokens

_BATCH = 512
_PEOPLE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """What a model says about N items.

    Attributes:
        vectors: One unit-norm part a modality, (N, M, D).
        popularity: Predicted from content, standard deviations, (N,).
        quality: Predicted from content, standard deviations, (N,).
        categories: Logits, (N, C); C may be 0.
        states: Of [CLS], which the gates do not change, (N, W).
    """

    vectors: NDArray[np.float32]
    popularity: NDArray[np.float32]
    quality: NDArray[np.float32]
    categories: NDArray[np.float32]
    states: NDArray[np.float32]

    @property
    def flat(self) -> NDArray[np.float32]:
        """Unit-norm vectors over all modalities, (N, M * D)."""
        return unit(self.vectors.reshape(len(self.vectors), -1))


def read_items(model: FusionModel, tokens: ItemTokens, *, only: str = "") -> ItemFacts:
    """Run the fusion over all items, without dropout.

    Args:
        model: Any mode; left in evaluation mode.
        tokens: Of N items.
        only: The one modality that is shown; "" shows all.
    """
    model.eval()
    device = next(model.parameters()).device
    found: list[list[Tensor]] = []
    with torch.inference_mode():
        for start in range(0, len(tokens), _BATCH):
            batch = to_batch(tokens, np.arange(start, min(start + _BATCH, len(tokens))), device)
            found.append(_read_batch(model, batch.only(model.config.place(only)) if only else batch))
    vectors, popularity, quality, categories, states = (
        torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True)
    )
    return ItemFacts(vectors=vectors, popularity=popularity, quality=quality, categories=categories, states=states)


def place_items(model: FusionModel, tokens: ItemTokens, items: ItemFacts) -> ItemFacts:
    """The same items after the gates or the reach of the model that read them have changed, at little cost."""
    device = next(model.parameters()).device
    found = []
    with torch.inference_mode():
        for start in range(0, len(tokens), _BATCH):
            rows = np.arange(start, min(start + _BATCH, len(tokens)))
            state = torch.from_numpy(items.states[rows]).to(device)
            found.append(model.fusion.place(state, to_batch(tokens, rows, device)).cpu().numpy())
    return replace(items, vectors=np.concatenate(found))


def read_people(
    model: FusionModel, histories: Sequence[History], vectors: Tensor, rating_scale: tuple[float, float]
) -> NDArray[np.float32]:
    """Vectors of people after their last event, (B, M * D); zero for empty histories."""
    model.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(histories), _PEOPLE):
            batch = to_histories(histories[start : start + _PEOPLE], vectors, model.config.history, rating_scale)
            found.append(model.user.last(batch).cpu().numpy())
    return np.concatenate(found) if found else np.empty((0, model.config.item_width), np.float32)


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows divided by their norm; zero rows stay zero."""
    scaled: NDArray[np.float32] = (rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)).astype(
        np.float32
    )
    return scaled


def _read_batch(model: FusionModel, batch: ItemBatch) -> list[Tensor]:
    fused = model.fusion(batch)
    logits = model.category(fused.state) if model.category else fused.state[:, :0]
    return [
        fused.vectors,
        model.popularity(fused.state).squeeze(-1),
        model.quality(fused.state).squeeze(-1),
        logits,
        fused.state,
    ]
