"""LightGCN: item vectors smoothed over the graph of who liked what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import fill_empty, history_matrix, like_counts, log_matrix
from core.baselines.pairwise import PairwiseConfig, Triples, train_pairwise
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class LightGcnConfig:
    """Defaults are the best of those tried on MovieLens validation users.

    Attributes:
        training: Length and pace.
        layers: Steps over the graph, at least 1.
    """

    training: PairwiseConfig = field(default_factory=lambda: PairwiseConfig(epochs=60, rate=0.01, penalty=1e-3))
    layers: int = 2

    def __post_init__(self) -> None:
        if self.layers < 1:
            raise ValueError("layers >= 1")


class LightGcn:
    """Person . item, both the mean of their vectors after 0 to K steps over the normalised graph.

    A new person has no vector of their own: it is taken as zero, and what the items of their history send over the
    edges makes all further steps. The graph of the fit stays as it is.

    Source: He et al. 2020, "LightGCN: simplifying and powering graph convolution network for recommendation",
    equations 3 to 7 and 15.
    """

    name = "lightgcn"
    ranks_cold = False

    def __init__(self, config: LightGcnConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or LightGcnConfig()
        self.seed = seed

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Learn the vectors of step 0, then keep the items' vectors of every step."""
        import torch

        likes = log_matrix(log)
        self._popularity = like_counts(log)
        graph = _as_tensor(normalise_edges(likes, self._popularity))
        generator = torch.Generator().manual_seed(self.seed)
        training = self.config.training
        people, vectors = (
            (torch.randn((count, training.dimension), generator=generator) * training.spread).requires_grad_()
            for count in likes.shape
        )
        train_pairwise(
            likes,
            np.arange(len(items)),
            parameters=[people, vectors],
            loss=lambda triples: self._loss(graph, people, vectors, triples),
            config=training,
            rng=np.random.default_rng(self.seed),
        )
        with torch.no_grad():
            steps = propagate(graph, people, vectors, layers=self.config.layers)
        self._steps = [step[1].detach().numpy() for step in steps]  # K + 1 of (N, D)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Person . item, (B, N); popularity without a liked item."""
        likes = history_matrix(histories, len(self._popularity))
        edges = normalise_edges(likes, self._popularity)
        people = sum(edges @ step for step in self._steps[:-1]) / len(self._steps)
        vectors = sum(self._steps) / np.float32(len(self._steps))
        return fill_empty(people @ vectors.T, likes, self._popularity)

    def _loss(self, graph: "Tensor", people: "Tensor", vectors: "Tensor", triples: Triples) -> "Tensor":
        """Softplus of the negative margin after all steps, and the squared norms of step 0."""
        import torch

        steps = propagate(graph, people, vectors, layers=self.config.layers)
        person = torch.stack([step[0] for step in steps]).mean(dim=0)[triples.users]
        mean = torch.stack([step[1] for step in steps]).mean(dim=0)
        margin = (person * (mean[triples.liked] - mean[triples.others])).sum(dim=1)
        touched = torch.cat([people[triples.users], vectors[triples.liked], vectors[triples.others]], dim=1)
        norms = touched.square().sum(dim=1)
        return (torch.nn.functional.softplus(-margin) + self.config.training.penalty * norms).mean()


def propagate(graph: "Tensor", people: "Tensor", vectors: "Tensor", *, layers: int) -> list[tuple["Tensor", "Tensor"]]:
    """People and items after 0 to `layers` steps over the graph, (U, D) and (N, D) each."""
    import torch

    steps = [(people, vectors)]
    for _ in range(layers):
        people, vectors = torch.sparse.mm(graph, vectors), torch.sparse.mm(graph.T, people)
        steps.append((people, vectors))
    return steps


def normalise_edges(likes: "csr_array", popularity: NDArray[np.float32]) -> "csr_array":
    """Each like divided by the square root of both ends' degrees, (B, N); an item's degree is that in the fit."""
    from scipy.sparse import csr_array

    degrees = np.maximum(np.diff(likes.indptr), 1)
    weights = likes.copy()
    ends = np.repeat(degrees, np.diff(likes.indptr)) * np.maximum(popularity[likes.indices], 1)
    weights.data = (likes.data / np.sqrt(ends)).astype(np.float32)
    return csr_array(weights)


def _as_tensor(matrix: "csr_array") -> "Tensor":
    """A coalesced sparse tensor."""
    import torch

    places = torch.from_numpy(np.stack(matrix.nonzero()).astype(np.int64))
    values = torch.from_numpy(matrix.data)
    return torch.sparse_coo_tensor(places, values, matrix.shape, check_invariants=True).coalesce()
