"""VBPR: BPR whose items also carry what their text and pictures say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import history_matrix, log_matrix
from core.baselines.pairwise import PairwiseConfig, Triples, fold_in, train_pairwise
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class VbprConfig:
    """Defaults are the best of those tried on MovieLens validation users.

    Attributes:
        training: Length and pace; its dimension is that of the factors by id.
        content_dimension: Of the factors that features are mapped to, at least 1.
        content_penalty: Weight of the squared norm of the map and of the feature bias, at least 0.
    """

    training: PairwiseConfig = field(default_factory=PairwiseConfig)
    content_dimension: int = 32
    content_penalty: float = 1e-3

    def __post_init__(self) -> None:
        if self.content_dimension < 1 or self.content_penalty < 0:
            raise ValueError("content_dimension >= 1 and content_penalty >= 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class VbprParts:
    """The parameters: people (U, D + C), vectors (N, D), biases (N,), projection (F, C), taste (F,)."""

    people: "Tensor"
    vectors: "Tensor"
    biases: "Tensor"
    projection: "Tensor"
    taste: "Tensor"

    def all(self) -> list["Tensor"]:
        """All of them."""
        return [self.people, self.vectors, self.biases, self.projection, self.taste]


class Vbpr:
    """Score = person . [item vector | projected features] + item bias + taste . features.

    Others are drawn among the items that some event touched, so that an item nobody could have seen is not taught to
    be bad; it has no vector of its own and the lowest bias of all, and its features alone tell it from its like. The
    features are [text | picture] rather than the picture alone.

    Source: He and McAuley 2016, "VBPR: visual Bayesian personalized ranking from implicit feedback", equation 4.
    """

    name = "vbpr"
    ranks_cold = True

    def __init__(self, config: VbprConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or VbprConfig()
        self.seed = seed

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Learn the item side: joint vectors, (N, D + C), and joint biases, (N,)."""
        import torch

        features = torch.from_numpy(np.concatenate([items.text_embeddings, items.picture_embeddings], axis=1))
        likes = log_matrix(log)
        seen = np.unique(log.items)
        parts = self._start(likes.shape[0], features)
        train_pairwise(
            likes,
            seen if len(seen) else np.arange(len(items)),
            parameters=parts.all(),
            loss=lambda triples: self._loss(parts, features, triples),
            config=self.config.training,
            rng=np.random.default_rng(self.seed),
        )
        with torch.no_grad():
            untouched = torch.ones(len(items), dtype=torch.bool)
            untouched[torch.from_numpy(seen)] = False
            parts.vectors[untouched] = 0
            parts.biases[untouched] = parts.biases.min()
            vectors = torch.cat([parts.vectors, features @ parts.projection], dim=1)
            self._biases: NDArray[np.float32] = (parts.biases + features @ parts.taste).numpy()
        self._vectors: NDArray[np.float32] = vectors.numpy()

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Person . item + bias, (B, N); the biases alone without a liked item."""
        likes = history_matrix(histories, len(self._vectors))
        people = fold_in(likes, self._vectors, self._biases, penalty=self.config.training.penalty, seed=self.seed)
        scores: NDArray[np.float32] = people @ self._vectors.T + self._biases
        return scores

    def _start(self, people: int, features: "Tensor") -> VbprParts:
        import torch

        generator = torch.Generator().manual_seed(self.seed)
        training, content = self.config.training, self.config.content_dimension

        def draw(*shape: int) -> torch.Tensor:
            return (torch.randn(shape, generator=generator) * training.spread).requires_grad_()

        return VbprParts(
            people=draw(people, training.dimension + content),
            vectors=draw(len(features), training.dimension),
            biases=torch.zeros(len(features), requires_grad=True),
            projection=draw(features.shape[1], content),
            taste=torch.zeros(features.shape[1], requires_grad=True),
        )

    def _loss(self, parts: VbprParts, features: "Tensor", triples: Triples) -> "Tensor":
        """Softplus of the negative margin, and the penalties."""
        import torch

        liked, other = parts.vectors[triples.liked], parts.vectors[triples.others]
        person = parts.people[triples.users]
        contrast = features[triples.liked] - features[triples.others]  # (M, F)
        difference = torch.cat([liked - other, contrast @ parts.projection], dim=1)
        margin = (person * difference).sum(dim=1) + contrast @ parts.taste
        margin = margin + parts.biases[triples.liked] - parts.biases[triples.others]
        norms = person.square().sum(dim=1) + liked.square().sum(dim=1) + other.square().sum(dim=1)
        content = parts.projection.square().sum() + parts.taste.square().sum()
        return (
            torch.nn.functional.softplus(-margin) + self.config.training.penalty * norms
        ).mean() + self.config.content_penalty * content
