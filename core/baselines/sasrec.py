"""SASRec: a causal transformer over the order in which items were met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import like_counts
from core.baselines.recommender import ItemTable
from core.baselines.sasrec_network import build_network, spectral_vectors
from core.baselines.validation import mean_ndcg
from core.interactions.log import History, InteractionLog
from core.train.data import Validation, split_people

if TYPE_CHECKING:
    from torch import Tensor

_SCORED_TOGETHER = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SasRecConfig:
    """Defaults are the best of those tried on MovieLens validation users.

    Attributes:
        length: Latest events that are read, at least 1.
        dimension: Of the hidden states, a multiple of `heads`.
        layers: Transformer blocks, at least 1.
        heads: Attention heads, at least 1.
        dropout: [0, 1).
        epochs: Most passes over the people, at least 1.
        check_every: Passes between two looks at the validation people, at least 1.
        batch_size: People a step, at least 1.
        rate: Learning rate of Adam, above 0.
        decay: Weight decay, at least 0.
        others: Items drawn in each step to set against the next ones, at least 1.
        kept: Share of a person's events that an epoch sees, drawn anew each time, (0, 1].
        ahead: How many of the next events a place may be asked for, at least 1.
        spread: Root mean square of the item vectors' norms at the start, above 0.
        liked_only: Whether events without a like are left out of the sequences.
    """

    length: int = 50
    dimension: int = 32
    layers: int = 1
    heads: int = 2
    dropout: float = 0.5
    epochs: int = 60
    check_every: int = 5
    batch_size: int = 32
    rate: float = 1e-3
    decay: float = 0.0
    others: int = 1000
    kept: float = 0.25
    ahead: int = 20
    spread: float = 0.3
    liked_only: bool = False

    def __post_init__(self) -> None:
        counts = (self.length, self.dimension, self.layers, self.heads, self.epochs, self.batch_size, self.others)
        if min(*counts, self.check_every, self.ahead) < 1 or self.dimension % self.heads:
            raise ValueError("counts must be at least 1, and dimension a multiple of heads")
        if not 0 <= self.dropout < 1 or not 0 < self.kept <= 1 or min(self.rate, self.spread) <= 0 or self.decay < 0:
            raise ValueError("dropout in [0, 1), kept in (0, 1], rate > 0, spread > 0 and decay >= 0")


class SasRec:
    """Hidden state after the last event . item vector, trained by cross entropy.

    It reads all events with a mark on the liked ones, and learns to name an item liked soon after. The item vectors
    start at singular vectors of who liked what, since some hundred people are too few to find them anew. In each
    epoch a person's sequence is thinned at random and cut at a random place, and the biases start at the logarithm of
    the popularity: with some hundred people a larger or less disturbed model falls below it within a few epochs.
    The sum over all items inside the cross entropy is estimated from items drawn evenly, since the whole sum is slow
    on a CPU. How many epochs pay is found with a fifth of the people as validation people, where none at all, which is
    popularity, may win; then it is trained so long on everybody.

    Attributes:
        epochs_kept: Epochs that the last fit found to pay.

    Source: Kang and McAuley 2018, "Self-attentive sequential recommendation"; cross entropy in place of its binary
    loss as in Klenitskiy and Vasilev 2023.
    """

    name = "sasrec"
    ranks_cold = False

    def __init__(self, config: SasRecConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or SasRecConfig()
        self.seed = seed
        self.epochs_kept = 0

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Find how long to train, then train on each person's sequence."""
        import torch

        rest, validation = split_people(log, seed=self.seed)
        self.epochs_kept = self.config.epochs
        with torch.random.fork_rng(devices=[]):
            if len(validation):
                self.epochs_kept = self._count_epochs(rest, validation)
            for _ in self._train(log, self.epochs_kept):
                pass

    def _count_epochs(self, log: InteractionLog, validation: Validation) -> int:
        """The number of epochs after which the validation people are ranked best; of equals the smallest."""
        gains = {
            epoch: mean_ndcg(self.score(validation.histories), validation)
            for epoch in self._train(log, self.config.epochs)
            if epoch % self.config.check_every == 0
        }
        return max(gains, key=lambda epoch: gains[epoch])

    def _train(self, log: InteractionLog, epochs: int) -> Iterator[int]:
        """Start afresh; the number of epochs done, from none on, each time with a network that can score."""
        import torch

        torch.manual_seed(self.seed)
        self._popularity = like_counts(log)
        self._network = build_network(self._popularity, self.config)
        start = spectral_vectors(log, self.config.dimension, self.config.spread)
        filled = start.any(axis=1)
        with torch.no_grad():
            self._network.vectors.weight[1:][torch.from_numpy(filled)] = torch.from_numpy(start[filled])
        sequences = [self._read(history) for history in log.histories(np.unique(log.users))]
        optimizer = torch.optim.AdamW(self._network.parameters(), lr=self.config.rate, weight_decay=self.config.decay)
        rng = np.random.default_rng(self.seed)
        self._network.eval()
        yield 0
        for epoch in range(1, epochs + 1):
            self._network.train()
            for batch in self._draw_batches(sequences, rng):
                self._step(batch, optimizer)
            self._network.eval()
            yield epoch

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Logits of all items as the next one, (B, N); popularity for an empty history."""
        import torch

        scores = np.tile(self._popularity, (len(histories), 1))
        sequences = [self._read(history) for history in histories]
        rows = [row for row, sequence in enumerate(sequences) if len(sequence)]
        for start in range(0, len(rows), _SCORED_TOGETHER):
            some = rows[start : start + _SCORED_TOGETHER]
            inputs = pad_left([sequences[row][-self.config.length :] for row in some], self.config.length)
            with torch.inference_mode():
                scores[some] = self._network(torch.from_numpy(inputs)).numpy()
        return scores

    def _read(self, history: History) -> NDArray[np.int64]:
        """Item + 1 and whether it was liked, oldest first, (L, 2)."""
        kept = history.liked if self.config.liked_only else np.ones(len(history), np.bool_)
        return np.stack([history.items[kept] + 1, history.liked[kept].astype(np.int64)], axis=1)

    def _draw_batches(
        self, sequences: Sequence[NDArray[np.int64]], rng: np.random.Generator
    ) -> Iterator[NDArray[np.int64]]:
        """Windows of length + 1, (M, length + 1, 2); a long sequence gives as many as it fills."""
        width = self.config.length + 1
        thinned = [sequence[rng.random(len(sequence)) < self.config.kept] for sequence in sequences]
        windows = [
            sequence[max(0, end - width) : end]
            for sequence in thinned
            for end in _draw_ends(len(sequence), self.config.length, rng)
        ]
        order = rng.permutation(len(windows))
        for start in range(0, len(order), self.config.batch_size):
            yield pad_left([windows[row] for row in order[start : start + self.config.batch_size]], width)

    def _step(self, batch: NDArray[np.int64], optimizer: Any) -> None:
        import torch

        inputs, later = torch.from_numpy(batch[:, :-1].copy()), torch.from_numpy(batch[:, 1:].copy())
        targets = draw_later(later, self.config.ahead)
        wanted = (inputs[..., 0] > 0) & (targets > 0)
        if not wanted.any():
            return
        loss = sampled_cross_entropy(
            self._network.hidden(inputs)[wanted],
            targets[wanted] - 1,
            vectors=self._network.vectors.weight[1:],
            biases=self._network.biases,
            others=self.config.others,
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def draw_later(later: "Tensor", ahead: int) -> "Tensor":
    """For each place one of the liked among the next events, drawn evenly; 0 where none is liked, (B, L).

    Args:
        later: Item + 1 and whether it was liked of the event after each place, (B, L, 2).
        ahead: How many events count as the next, at least 1.
    """
    import torch

    length = later.shape[1]
    distance = torch.arange(length)[None, :] - torch.arange(length)[:, None]  # (L, L)
    open_to = (later[:, None, :, 1] > 0) & ((distance >= 0) & (distance < ahead))[None]  # (B, L, L)
    chance, place = torch.where(open_to, torch.rand(open_to.shape) + 1, 0.0).max(dim=2)
    return torch.gather(later[..., 0], 1, place) * (chance > 0)


def sampled_cross_entropy(
    states: "Tensor", targets: "Tensor", *, vectors: "Tensor", biases: "Tensor", others: int
) -> "Tensor":
    """Cross entropy of the targets with the sum over all items estimated from drawn ones.

    Args:
        states: (W, D).
        targets: Items, (W,).
        vectors: Of all items, (N, D).
        biases: Of all items, (N,).
        others: Items drawn without replacement; with N or more the value is exact.
    """
    import torch

    drawn = torch.randperm(len(vectors))[:others]
    own = (states * vectors[targets]).sum(dim=1) + biases[targets]
    same = drawn[None, :] == targets[:, None]
    # The target stands for itself; each other drawn item stands for as many of the rest.
    weight = len(vectors[1:]) / (~same).sum(dim=1, keepdim=True).clamp(min=1)
    rest = states @ vectors[drawn].T + biases[drawn] + weight.log()  # (W, S)
    rest = rest.masked_fill(same, -torch.inf)
    total = torch.logsumexp(torch.cat([own[:, None], rest], dim=1), dim=1)
    return (total - own).mean()


def _draw_ends(length: int, window: int, rng: np.random.Generator) -> list[int]:
    """Where the windows over a sequence end: one after another, from a random place on."""
    if length < 2:
        return []
    first = length if length <= window + 1 else int(rng.integers(length - window, length + 1))
    return list(range(first, 1, -window))


def pad_left(sequences: Sequence[NDArray[np.int64]], length: int) -> NDArray[np.int64]:
    """Sequences of (L, 2) with zeros in front, (B, length, 2)."""
    padded = np.zeros((len(sequences), length, 2), np.int64)
    for row, sequence in enumerate(sequences):
        padded[row, length - len(sequence) :] = sequence
    return padded
