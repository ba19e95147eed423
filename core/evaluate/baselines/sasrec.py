"""SASRec: a causal transformer over the order in which items were met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.baselines.matrices import like_counts
from core.evaluate.recommender import ItemTable
from core.interactions.log import History, InteractionLog

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
        epochs: Passes over the people, at least 1.
        batch_size: People a step, at least 1.
        rate: Learning rate of Adam, above 0.
        decay: Weight decay, at least 0.
        others: Items drawn in each step to set against the next ones, at least 1.
        kept: Share of a person's events that an epoch sees, drawn anew each time, (0, 1].
        liked_only: Whether events without a like are left out of the sequences.
    """

    length: int = 50
    dimension: int = 16
    layers: int = 1
    heads: int = 2
    dropout: float = 0.5
    epochs: int = 60
    batch_size: int = 32
    rate: float = 1e-3
    decay: float = 0.0
    others: int = 1000
    kept: float = 0.25
    liked_only: bool = False

    def __post_init__(self) -> None:
        counts = (self.length, self.dimension, self.layers, self.heads, self.epochs, self.batch_size, self.others)
        if min(counts) < 1 or self.dimension % self.heads:
            raise ValueError("counts must be at least 1, and dimension a multiple of heads")
        if not 0 <= self.dropout < 1 or not 0 < self.kept <= 1 or self.rate <= 0 or self.decay < 0:
            raise ValueError("dropout in [0, 1), kept in (0, 1], rate > 0 and decay >= 0")


class SasRec:
    """Hidden state after the last event . item vector, trained by cross entropy.

    It reads all events with a mark on the liked ones, and learns to name the next liked item. In each epoch a
    person's sequence is thinned at random and cut at a random place, and the biases start at the logarithm of the
    popularity: with some hundred people a larger or less disturbed model falls below popularity within a few epochs.
    The sum over all items inside the cross entropy is estimated from items drawn evenly, since the whole sum is slow
    on a CPU.

    Source: Kang and McAuley 2018, "Self-attentive sequential recommendation"; cross entropy in place of its binary
    loss as in Klenitskiy and Vasilev 2023.
    """

    name = "sasrec"
    ranks_cold = False

    def __init__(self, config: SasRecConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or SasRecConfig()
        self.seed = seed

    def fit(self, log: InteractionLog, items: ItemTable) -> None:  # noqa: ARG002 - the protocol's signature
        """Train on each person's sequence."""
        import torch

        self._popularity = like_counts(log)
        sequences = [self._read(history) for history in log.histories(np.unique(log.users))]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._network = build_network(self._popularity, self.config)
            optimizer = torch.optim.AdamW(
                self._network.parameters(), lr=self.config.rate, weight_decay=self.config.decay
            )
            self._network.train()
            rng = np.random.default_rng(self.seed)
            for _ in range(self.config.epochs):
                for batch in self._draw_batches(sequences, rng):
                    self._step(batch, optimizer)
        self._network.eval()

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

        inputs, targets = torch.from_numpy(batch[:, :-1].copy()), torch.from_numpy(batch[:, 1:].copy())
        wanted = (inputs[..., 0] > 0) & (targets[..., 1] > 0)
        if not wanted.any():
            return
        loss = sampled_cross_entropy(
            self._network.hidden(inputs)[wanted],
            targets[..., 0][wanted] - 1,
            vectors=self._network.vectors.weight[1:],
            biases=self._network.biases,
            others=self.config.others,
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


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


def build_network(popularity: NDArray[np.float32], config: SasRecConfig) -> Any:
    """The transformer; its item vectors are both what it reads and what it scores with."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vectors = nn.Embedding(len(popularity) + 1, config.dimension, padding_idx=0)
            self.places = nn.Embedding(config.length, config.dimension)
            self.marks = nn.Embedding(2, config.dimension)
            nn.init.normal_(self.vectors.weight, std=0.02)
            nn.init.normal_(self.places.weight, std=0.02)
            nn.init.normal_(self.marks.weight, std=0.02)
            self.dropout = nn.Dropout(config.dropout)
            block = nn.TransformerEncoderLayer(
                config.dimension,
                config.heads,
                4 * config.dimension,
                config.dropout,
                "gelu",
                batch_first=True,
                norm_first=True,
            )
            self.blocks = nn.TransformerEncoder(block, config.layers, enable_nested_tensor=False)
            self.norm = nn.LayerNorm(config.dimension)
            self.biases = nn.Parameter(torch.from_numpy(np.log(popularity + 0.5)))

        def hidden(self, inputs: "Tensor") -> "Tensor":
            """States after each event of (B, L, 2), (B, L, D)."""
            length = inputs.shape[1]
            hidden = self.vectors(inputs[..., 0])
            hidden = self.dropout(hidden + self.places.weight[-length:] + self.marks(inputs[..., 1]))  # (B, L, D)
            future = torch.ones(length, length, dtype=torch.bool).triu(1)
            padding = inputs[..., 0] == 0
            # A padded place must see something, else its softmax is over nothing; it sees itself.
            blocked = (future[None] | padding[:, None, :]) & ~torch.eye(length, dtype=torch.bool)
            blocked = blocked.repeat_interleave(config.heads, dim=0)  # (B * heads, L, L)
            states: Tensor = self.norm(self.blocks(hidden, mask=blocked))
            return states

        def forward(self, inputs: "Tensor") -> "Tensor":
            """Logits of the item after the last event, (B, N)."""
            scores: Tensor = self.hidden(inputs)[:, -1] @ self.vectors.weight[1:].T + self.biases
            return scores

    return Network()
