"""Layers of the embedded model. Imports torch, so import this module inside functions only."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

CLASSES = 1000
TOP_CLASSES = 10


class ConseHead(nn.Module):
    """Pooled picture features to the joint space: class-name embeddings, weighted, plus a learned linear map.

    The first part needs no training: the picture's ten likeliest ImageNet classes, as the weighted mean of the
    embeddings of their names, minus the mean of all names. The second part corrects it.

    Source: Norouzi et al. 2014, "Zero-Shot Learning by Convex Combination of Semantic Embeddings", section 3.
    """

    def __init__(self, features: int, dimension: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(features, CLASSES)
        self.linear = nn.Linear(features, dimension)
        self.scale = nn.Parameter(torch.ones(()))
        self.class_embeddings: Tensor
        self.register_buffer("class_embeddings", torch.zeros(CLASSES, dimension))

    def convex(self, features: Tensor) -> Tensor:
        """The untrained part.

        Args:
            features: (..., F), pooled over the picture or one a cell.

        Returns:
            (..., D), unit-norm.
        """
        weights, classes = self.classifier(features).softmax(-1).topk(TOP_CLASSES, -1)  # (..., K)
        weights = weights / weights.sum(-1, keepdim=True)
        mixed = (weights.unsqueeze(-1) * self.class_embeddings[classes]).sum(-2)  # (..., D)
        return normalize(mixed - self.class_embeddings.mean(0), dim=-1)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (..., F) to the joint space (..., D); the caller normalises."""
        mapped: Tensor = self.linear(features) + self.scale * self.convex(features)
        return mapped


class UnitLinear(nn.Linear):
    """A linear map of unit-norm vectors: the text head was trained on unit-norm sentence embeddings."""

    def forward(self, features: Tensor) -> Tensor:
        """Map sentence embeddings (N, F) of any length to (N, D)."""
        return super().forward(normalize(features, dim=-1))
