"""The whole network: fusion, people, heads. Imports torch, so import this module inside functions only."""

import math

import torch
from torch import Tensor, nn

from core.model.config import ModelConfig
from core.model.fusion import FusionTransformer
from core.model.user import UserTransformer

#: Logit scales stay below this, as CLIP clamps its own.
_MAX_LOG_SCALE = math.log(100.0)


class FusionModel(nn.Module):
    """Everything with weights.

    Attributes:
        fusion: Items.
        user: People.
        category: Logits of categories from the state of an item, None without categories.
        popularity: Predicts how popular an item is from its state alone, in standard deviations of log counts.
        quality: Predicts an item's mean rating from its state alone, in standard deviations.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.fusion = FusionTransformer(config)
        self.user = UserTransformer(config)
        self.category = nn.Linear(config.width, len(config.categories)) if config.categories else None
        self.popularity = nn.Linear(config.width, 1)
        self.quality = nn.Linear(config.width, 1)
        self.taste = nn.Parameter(torch.tensor(1.0))
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.log_user_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.sigmoid_bias = nn.Parameter(torch.tensor(-10.0))
        self.act_bias = nn.Parameter(torch.tensor(0.0))

    @property
    def scale(self) -> Tensor:
        """Factor of image-text cosines, clamped."""
        return self.log_scale.clamp(max=_MAX_LOG_SCALE).exp()

    @property
    def user_scale(self) -> Tensor:
        """Factor of person-item cosines, clamped."""
        return self.log_user_scale.clamp(max=_MAX_LOG_SCALE).exp()


def match(people: Tensor, vectors: Tensor) -> Tensor:
    """Person-item cosines: people (B, M * D) unit-norm, item vectors (C, M, D) to (B, C)."""
    flat = vectors.flatten(1)
    cosines: Tensor = people @ (flat / flat.norm(dim=-1, keepdim=True).clamp(min=1e-6)).T
    return cosines
