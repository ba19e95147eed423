"""BPR-MF: matrix factorisation that learns to rank liked items above others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import history_matrix, log_matrix
from core.baselines.pairwise import PairwiseConfig, Triples, fold_in, train_pairwise
from core.baselines.recommender import ItemTable
from core.interactions.log import History, InteractionLog


class BprMf:
    """Score = person . item + item bias; a new person's vector is fitted to the history with the items held fixed.

    Source: Rendle et al. 2009, section 4.3.1.
    """

    name = "bpr-mf"
    ranks_cold = False

    def __init__(self, config: PairwiseConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or PairwiseConfig()
        self.seed = seed

    def fit(self, log: InteractionLog, items: ItemTable) -> None:
        """Learn item vectors, (N, D), and biases, (N,)."""
        import torch

        likes = log_matrix(log)
        generator = torch.Generator().manual_seed(self.seed)
        people, vectors = (
            (torch.randn((count, self.config.dimension), generator=generator) * self.config.spread).requires_grad_()
            for count in likes.shape
        )
        biases = torch.zeros(likes.shape[1], requires_grad=True)

        def loss(triples: Triples) -> torch.Tensor:
            person, liked, other = people[triples.users], vectors[triples.liked], vectors[triples.others]
            margin = (person * (liked - other)).sum(dim=1) + biases[triples.liked] - biases[triples.others]
            norms = person.square().sum(dim=1) + liked.square().sum(dim=1) + other.square().sum(dim=1)
            return (torch.nn.functional.softplus(-margin) + self.config.penalty * norms).mean()

        train_pairwise(
            likes,
            np.arange(len(items)),
            parameters=[people, vectors, biases],
            loss=loss,
            config=self.config,
            rng=np.random.default_rng(self.seed),
        )
        self._vectors, self._biases = vectors.detach().numpy(), biases.detach().numpy()

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Person . item + bias, (B, N); the biases alone without a liked item."""
        likes = history_matrix(histories, len(self._vectors))
        people = fold_in(likes, self._vectors, self._biases, penalty=self.config.penalty, seed=self.seed)
        scores: NDArray[np.float32] = people @ self._vectors.T + self._biases
        return scores
