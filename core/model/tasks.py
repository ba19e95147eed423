"""Tasks: a loss over one training step, by name. Imports torch, so import this module inside functions only.

A new task is one function and one line in `TASKS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from core.model import losses
from core.model.fusion import FusedItems, ItemBatch
from core.model.network import FusionModel, match
from core.model.user import HistoryBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleBatch:
    """B people and what they did next.

    Attributes:
        history: Their events, (B, L).
        row: Person of each target, (P,).
        position: Event after which it is to be predicted, (P,).
        column: Its place among the candidates: the step's C items, then the bank's K, (P,).
        log_q: See `losses.sampled_softmax`, (C + K,).
        liked: Which candidates each person liked anywhere in training, (B, C + K).
        acted: For each person the step's items with a known verdict: 1 liked, 0 not, -1 unknown, (B, C).
        ratings: In standard deviations from the mean, NaN where unknown, (B, C).
        bank: Flat vectors of further candidates as of the last epoch, unit-norm; no gradient, (K, M * D).
    """

    history: HistoryBatch
    row: Tensor
    position: Tensor
    column: Tensor
    log_q: Tensor
    liked: Tensor
    acted: Tensor
    ratings: Tensor
    bank: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the tasks of one step share.

    Attributes:
        items: C items.
        alone: How many of them, from the start, also go through the network with one modality only.
        captions: Equal numbers for equal captions, (C,).
        pictures: Equal numbers for equal pictures, (C,).
        categories: Label or -1, (C,).
        popularity: In standard deviations, NaN where not known, (C,).
        people: None when there is no log.
    """

    items: ItemBatch
    alone: int
    captions: Tensor
    pictures: Tensor
    categories: Tensor
    popularity: Tensor
    people: PeopleBatch | None


class Shared:
    """Forward passes that several tasks need, run once a step."""

    def __init__(self, model: FusionModel, step: Step) -> None:
        self.model, self.step = model, step
        self._fused: FusedItems | None = None
        self._single: dict[int, Tensor] = {}
        self._taste: Tensor | None = None

    @property
    def fused(self) -> FusedItems:
        """All C items with what they have."""
        if self._fused is None:
            self._fused = self.model.fusion(self.step.items)
        return self._fused

    def single(self, modality: int) -> Tensor:
        """Vectors of the first `alone` items from this modality only, (A, M, D)."""
        if modality not in self._single:
            batch = _head(self.step.items, self.step.alone).only(modality)
            self._single[modality] = self.model.fusion(batch).vectors
        return self._single[modality]

    @property
    def taste(self) -> Tensor:
        """Vectors of the people after each event, (B, L, M * D)."""
        if self._taste is None:
            self._taste = self.model.user(_people(self.step).history)
        return self._taste


def contrastive(shared: Shared) -> Tensor:
    """What an item's picture alone and its text alone say must match, softmax version."""
    first, second, same = _pair(shared)
    return losses.contrastive_softmax(first, second, shared.model.scale, same)


def contrastive_sigmoid(shared: Shared) -> Tensor:
    """The same with the pairwise sigmoid."""
    first, second, same = _pair(shared)
    return losses.contrastive_sigmoid(first, second, shared.model.scale, shared.model.sigmoid_bias, same)


def masked(shared: Shared) -> Tensor:
    """From each modality alone, predict the zero-shot part of every other."""
    items = _head(shared.step.items, shared.step.alone)
    found = []
    for shown in range(items.joint.shape[1]):
        for hidden in range(items.joint.shape[1]):
            if shown != hidden:
                both = items.present[:, shown] & items.present[:, hidden]
                found.append(losses.masked_modality(shared.single(shown)[:, hidden], items.joint[:, hidden], both))
    return torch.stack(found).mean()


def category(shared: Shared) -> Tensor:
    """Name the item's category."""
    head = shared.model.category
    if head is None:
        raise ValueError("the model has no category head; leave the task out")
    return losses.category_cross_entropy(head(shared.fused.state), shared.step.categories)


def popularity(shared: Shared) -> Tensor:
    """Predict how popular an item is from its content, so that new items have a prior."""
    predicted = shared.model.popularity(shared.fused.state).squeeze(-1)
    known = ~shared.step.popularity.isnan()
    return losses.rating_squared(predicted, shared.step.popularity.nan_to_num(), known)


def rank(shared: Shared) -> Tensor:
    """Among the candidates find what a person liked later, sampled softmax."""
    people, scores = _people(shared.step), _candidate_scores(shared)
    return losses.sampled_softmax(scores, people.column, people.log_q, people.liked[people.row])


def rank_bpr(shared: Shared) -> Tensor:
    """The same, one random item that the person did not like against each right one."""
    people, scores = _people(shared.step), _candidate_scores(shared)
    draw = torch.rand_like(scores).masked_fill(people.liked[people.row], -1.0)
    wrong = draw.argmax(1)
    right = scores.gather(1, people.column.unsqueeze(1)).squeeze(1)
    return losses.bayesian_ranking(right, scores.gather(1, wrong.unsqueeze(1)).squeeze(1))


def act(shared: Shared) -> Tensor:
    """Will this person act on this item? Verdicts of the log against the last taste."""
    people = _people(shared.step)
    scores = shared.model.user_scale * match(_last(shared), shared.fused.vectors) + shared.model.act_bias
    return losses.will_act(scores.flatten(), people.acted.clamp(min=0).flatten(), (people.acted >= 0).flatten())


def rating(shared: Shared) -> Tensor:
    """Predict ratings from taste and quality, squared error."""
    people = _people(shared.step)
    quality = shared.model.quality(shared.fused.state).squeeze(-1)  # (C,)
    predicted = shared.model.taste * match(_last(shared), shared.fused.vectors) + quality
    known = ~people.ratings.isnan()
    return losses.rating_squared(predicted, people.ratings.nan_to_num(), known)


Task = Callable[[Shared], Tensor]
TASKS: Mapping[str, Task] = {
    "contrastive": contrastive,
    "contrastive-sigmoid": contrastive_sigmoid,
    "masked": masked,
    "category": category,
    "popularity": popularity,
    "rank": rank,
    "rank-bpr": rank_bpr,
    "act": act,
    "rating": rating,
}


def run_tasks(model: FusionModel, step: Step, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The loss of each task, scalar each.

    Raises:
        KeyError: A task is unknown.
    """
    shared = Shared(model, step)
    return {name: TASKS[name](shared) for name in names}


def _candidate_scores(shared: Shared) -> Tensor:
    """Scores of the step's items and of the bank for each target's person, (P, C + K)."""
    people = _people(shared.step)
    taste = shared.taste[people.row, people.position]  # (P, M * D)
    return shared.model.user_scale * torch.cat([match(taste, shared.fused.vectors), taste @ people.bank.T], 1)


def _pair(shared: Shared) -> tuple[Tensor, Tensor, Tensor]:
    """The picture part from the picture alone against the text part from the text alone, and which pairs are the same.

    Two items that share their caption or their picture are both right for each other.
    """
    items = _head(shared.step.items, shared.step.alone)
    one, other = (shared.model.config.place(name) for name in ("picture", "text"))
    both = items.present[:, one] & items.present[:, other]
    first, second = (numbers[: shared.step.alone][both] for numbers in (shared.step.captions, shared.step.pictures))
    same = (first.unsqueeze(0) == first.unsqueeze(1)) | (second.unsqueeze(0) == second.unsqueeze(1))
    return shared.single(one)[both, one], shared.single(other)[both, other], same


def _head(items: ItemBatch, count: int) -> ItemBatch:
    return ItemBatch(
        tokens={name: tokens[:count] for name, tokens in items.tokens.items()},
        masks={name: mask[:count] for name, mask in items.masks.items()},
        joint=items.joint[:count],
        present=items.present[:count],
    )


def _last(shared: Shared) -> Tensor:
    """Taste after the last event, (B, M * D)."""
    history = _people(shared.step).history
    ends = (history.mask.sum(1) - 1).clamp(min=0)
    return shared.taste[torch.arange(len(ends), device=ends.device), ends]


def _people(step: Step) -> PeopleBatch:
    if step.people is None:
        raise ValueError("this task needs an interaction log")
    return step.people
