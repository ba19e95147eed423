"""People: a causal transformer over their history. Imports torch, so import this module inside functions only."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from core.interactions.log import EVENT_TYPES
from core.model.attention import Block
from core.model.config import ModelConfig

#: Gaps between events in seconds that part the buckets: a minute, an hour, a day, a week, a month, a year.
_GAPS = (60.0, 3_600.0, 86_400.0, 604_800.0, 2_592_000.0, 31_536_000.0)
_NO_GAP = len(_GAPS) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryBatch:
    """B histories of at most L events, oldest first, padded at the end.

    Attributes:
        vectors: Item vectors, (B, L, M * D).
        events: Position in `EVENT_TYPES`, (B, L).
        ratings: Rating in standard deviations from the mean, 0 where there is none, (B, L).
        liked: Whether the event speaks for its item, (B, L).
        gaps: Seconds since the event before, negative where not known, (B, L).
        mask: Which positions hold events, (B, L).
    """

    vectors: Tensor
    events: Tensor
    ratings: Tensor
    liked: Tensor
    gaps: Tensor
    mask: Tensor


class UserTransformer(nn.Module):
    """A history to a person's vector in item space; there is no embedding of a person, so that anyone can be new.

    The vector after event t is the mean of the items liked up to t plus a gate times what the transformer adds. The
    gate starts at 0: before training, people are the mean of what they liked. An empty history gives a zero vector,
    which leaves the ranking to the prior.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.user_width
        self.item = nn.Linear(config.item_width, width)
        self.event = nn.Embedding(len(EVENT_TYPES), width)
        self.gap = nn.Embedding(_NO_GAP + 1, width)
        self.facts = nn.Linear(2, width)
        self.position = nn.Parameter(torch.randn(config.history, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, config.heads, config.dropout) for _ in range(config.user_layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, config.item_width)
        self.gate = nn.Parameter(torch.zeros(()))
        self.bounds: Tensor
        self.register_buffer("bounds", torch.tensor(_GAPS), persistent=False)

    def forward(self, batch: HistoryBatch) -> Tensor:
        """A vector after each event, (B, L, M * D); zero while nothing was liked and the gate is 0."""
        x = self.item(batch.vectors) + self.event(batch.events) + self.gap(self._bucket(batch.gaps))
        x = x + self.facts(torch.stack([batch.ratings, batch.liked.float()], -1)) + self.position[: x.shape[1]]
        length = x.shape[1]
        past = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        allowed = past & batch.mask[:, None, None]  # (B, 1, L, L)
        allowed = allowed | torch.eye(length, dtype=torch.bool, device=x.device)  # padding looks at itself, not at NaN
        for block in self.blocks:
            x = block(x, allowed)
        step = normalize(self.out(self.norm(x)), dim=-1)
        return normalize(_mean_liked(batch) + self.gate * step, dim=-1)

    def last(self, batch: HistoryBatch) -> Tensor:
        """The vector after each person's last event, (B, M * D); zero for an empty history."""
        vectors = self(batch)
        ends = batch.mask.sum(1)
        last = vectors[torch.arange(len(vectors), device=vectors.device), (ends - 1).clamp(min=0)]
        known: Tensor = last * (ends > 0).unsqueeze(1)
        return known

    def _bucket(self, gaps: Tensor) -> Tensor:
        return torch.where(gaps < 0, _NO_GAP, torch.bucketize(gaps.float(), self.bounds))


def _mean_liked(batch: HistoryBatch) -> Tensor:
    """Unit mean of what was liked up to each event, (B, L, M * D)."""
    weights = (batch.liked & batch.mask).to(batch.vectors.dtype).unsqueeze(-1)
    return normalize((batch.vectors * weights).cumsum(1), dim=-1)
