"""Bayesian personalised ranking: the loop over (user, liked item, other item) and the fold-in of a new person.

Source: Rendle et al. 2009, "BPR: Bayesian personalized ranking from implicit feedback".
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]
    from torch import Tensor

_FOLD_IN_STEPS = 150
_FOLD_IN_RATE = 0.1
_FOLD_IN_OTHERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseConfig:
    """How a pairwise model is trained; defaults are the best of "bpr-mf" on MovieLens validation users.

    Attributes:
        dimension: Of each factor vector, at least 1.
        epochs: Passes over the liked events, at least 1.
        batch_size: Liked events a step, at least 1.
        rate: Learning rate of Adam, above 0.
        penalty: Weight of the squared norms that a triple touches, at least 0.
        spread: Standard deviation of the factors at the start, above 0.
    """

    dimension: int = 64
    epochs: int = 200
    batch_size: int = 2048
    rate: float = 0.003
    penalty: float = 0.01
    spread: float = 0.1

    def __post_init__(self) -> None:
        if min(self.dimension, self.epochs, self.batch_size) < 1:
            raise ValueError("dimension, epochs and batch_size must be at least 1")
        if self.rate <= 0 or self.penalty < 0 or self.spread <= 0:
            raise ValueError("rate > 0, penalty >= 0 and spread > 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Triples:
    """A batch: who, what they liked, and an item they did not, (M,) each."""

    users: "Tensor"
    liked: "Tensor"
    others: "Tensor"


def train_pairwise(
    likes: "csr_array",
    pool: NDArray[np.int64],
    *,
    parameters: Sequence["Tensor"],
    loss: Callable[[Triples], "Tensor"],
    config: PairwiseConfig,
    rng: np.random.Generator,
) -> None:
    """Change the parameters in place until they rank liked items above others.

    Args:
        likes: (U, N).
        pool: Items that others are drawn from.
        parameters: What Adam changes.
        loss: Of one batch, a scalar.
        config: Length and pace.
        rng: Of the order and the others.
    """
    import torch

    optimizer = torch.optim.Adam(parameters, lr=config.rate)
    for _ in range(config.epochs):
        for triples in draw_triples(likes, pool, batch_size=config.batch_size, rng=rng):
            optimizer.zero_grad()
            loss(triples).backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def draw_triples(
    likes: "csr_array", pool: NDArray[np.int64], *, batch_size: int, rng: np.random.Generator
) -> Iterator[Triples]:
    """One pass over the likes in random order, each with one item its user did not like."""
    import torch

    users, liked = likes.nonzero()
    users, liked = users.astype(np.int64), liked.astype(np.int64)
    known = np.sort(users * likes.shape[1] + liked)
    order = rng.permutation(len(users))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        others = _draw_others(users[rows], pool, known, likes.shape[1], rng)
        yield Triples(
            users=torch.from_numpy(users[rows]), liked=torch.from_numpy(liked[rows]), others=torch.from_numpy(others)
        )


def _draw_others(
    users: NDArray[np.int64], pool: NDArray[np.int64], known: NDArray[np.int64], items: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Items of the pool, drawn again where the user likes them; not for ever, since one may like the whole pool."""
    others = rng.choice(pool, len(users))
    for _ in range(10):
        codes = users * items + others
        places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
        taken = known[places] == codes
        if not taken.any():
            break
        others[taken] = rng.choice(pool, int(taken.sum()))
    return others


def fold_in(
    likes: "csr_array", vectors: NDArray[np.float32], biases: NDArray[np.float32], *, penalty: float, seed: int
) -> NDArray[np.float32]:
    """Vectors of new people under the same loss with the items held fixed; zero without likes.

    All people meet the same drawn items, so a person's vector does not depend on who else is in the batch.

    Args:
        likes: (B, N).
        vectors: Of the items, (N, D).
        biases: Of the items, (N,).
        penalty: As in training.
        seed: Of the drawn items.

    Returns:
        (B, D).
    """
    import torch

    rows, liked = (torch.from_numpy(part.astype(np.int64)) for part in likes.nonzero())
    shares = torch.from_numpy((1 / np.maximum(np.diff(likes.indptr), 1)).astype(np.float32))[rows]
    fixed, offsets = torch.from_numpy(vectors), torch.from_numpy(biases)
    people = torch.zeros((likes.shape[0], vectors.shape[1]), requires_grad=True)
    optimizer = torch.optim.Adam([people], lr=_FOLD_IN_RATE)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(_FOLD_IN_STEPS if len(rows) else 0):
        others = torch.randint(len(vectors), (_FOLD_IN_OTHERS,), generator=generator)
        other_scores = people @ fixed[others].T + offsets[others]  # (B, S)
        liked_scores = (people[rows] * fixed[liked]).sum(dim=1) + offsets[liked]  # (L,)
        losses = torch.nn.functional.softplus(other_scores[rows] - liked_scores[:, None]).mean(dim=1)
        optimizer.zero_grad()
        ((losses * shares).sum() + penalty * people.square().sum()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return people.detach().numpy()
