"""One training step as tensors. The step's number and the seed say everything, so a resumed run sees the same data.

Imports torch, so import this module inside functions only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.interactions.log import Histories, History
from core.model.config import ModelConfig
from core.model.fusion import ItemBatch
from core.model.inputs import to_batch, to_histories
from core.model.tasks import PeopleBatch, Step
from core.train.config import TrainConfig
from core.train.data import TrainData

#: An epoch has at least so many steps, so that a small catalogue is not trained for a moment only.
LEAST_STEPS = 25
#: An epoch over people has at most so many; the next one goes on with those who are left, and all are validated.
MOST_STEPS = 2_500


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """What is counted once over the log of a run.

    Attributes:
        people: Numbers of the people with at least two events, (U,).
        histories: Theirs, oldest first.
        counts: How often each item was liked, (N,).
        seen: Items with any event, (N,).
        popularity: log(1 + count) in standard deviations over seen items, NaN elsewhere, (N,).
        rating_mean: Of all ratings; 0 without ratings.
        rating_std: Of all ratings; 1 without ratings.
    """

    people: NDArray[np.int64]
    histories: Histories
    counts: NDArray[np.int64]
    seen: NDArray[np.bool_]
    popularity: NDArray[np.float32]
    rating_mean: float
    rating_std: float


def count_log(data: TrainData) -> LogFacts:
    """Count a run's log.

    Raises:
        ValueError: There is no log.
    """
    if data.log is None:
        raise ValueError("there is no log to count")
    people, events = np.unique(data.log.users, return_counts=True)
    people = people[events >= 2]
    counts = np.bincount(data.log.items[data.log.liked], minlength=len(data))
    seen = np.bincount(data.log.items, minlength=len(data)) > 0
    logs = np.log1p(counts)
    spread = logs[seen].std() if seen.any() else 0.0
    popularity = np.where(seen, (logs - logs[seen].mean()) / max(spread, 1e-6), np.nan) if seen.any() else logs * np.nan
    ratings = data.log.values[~np.isnan(data.log.values)].astype(np.float64)  # sums of large ones are larger
    return LogFacts(
        people=people,
        histories=data.log.histories(people),
        counts=counts,
        seen=seen,
        popularity=popularity.astype(np.float32),
        rating_mean=float(ratings.mean()) if len(ratings) else 0.0,
        rating_std=float(max(ratings.std(), 1e-6)) if len(ratings) else 1.0,
    )


def count_steps(windows: int, people: int) -> int:
    """Steps of an epoch over so many stretches of histories, so many people a step."""
    return min(max(windows // people, LEAST_STEPS), MOST_STEPS)


class StepBuilder:
    """Builds steps.

    Args:
        data: What to learn from.
        config: Sizes of a step and the seed.
        model: Names and order of modalities and categories.
        device: Where tensors go.
        batch: Gives items of these rows; None takes the data's tokens.
        world: Processes that train together, each on batches of its own.
    """

    def __init__(
        self,
        data: TrainData,
        config: TrainConfig,
        model: ModelConfig,
        device: torch.device,
        *,
        batch: Callable[[NDArray[np.int64]], ItemBatch] | None = None,
        world: int = 1,
    ) -> None:
        self.data, self.config, self.device = data, config, device
        self.batch = batch or (lambda rows: to_batch(data.tokens, rows, device))
        self.at_once = config.accumulate * world
        self.facts = count_log(data) if data.log is not None else None
        self._order: tuple[int, NDArray[np.int64]] | None = None  # the epoch's, kept until the next
        labels = {name: number for number, name in enumerate(model.categories)}
        self.categories = np.array([labels.get(name, -1) for name in data.categories], np.int64)
        self.learnable = np.flatnonzero(data.learnable)
        self.often = np.empty(0, np.int64) if self.facts is None else self._count_windows(self.facts.histories)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which everyone, or every item, is seen once: more often where there are few, some where many."""
        if self.facts is None:
            return max(len(self.learnable) // (self.config.items * self.at_once), LEAST_STEPS)
        return count_steps(len(self.often), self.config.people * self.at_once)

    def build(self, number: int, vectors: Tensor | None) -> Step:
        """Step `number`, from 0.

        Args:
            number: Of the step in the whole run.
            vectors: Flat item vectors as of the last epoch, for histories, (N, M * D); None without a log.
        """
        rng = np.random.default_rng([self.config.seed, 2, number])
        if self.facts is None or vectors is None:
            rows = self._items_of_epoch(number)
            return self._step(rows, None)
        people = self._people_of_epoch(number)
        windows = [_window(self.facts.histories[person], self.config.history, rng) for person in people]
        targets = _draw_targets(windows, self.config.targets, rng)
        wanted = rng.permutation(np.unique([item for _, _, item in targets]).astype(np.int64))
        others = rng.choice(self.learnable, size=min(len(self.learnable), self.config.bank), replace=False)
        candidates = np.concatenate([wanted, others[~np.isin(others, wanted)]])
        # Targets and other items alike take turns in the network, so that neither is told apart by its freshness.
        fresh = rng.permutation(len(candidates))[: self.config.items]
        rest = np.setdiff1d(np.arange(len(candidates)), fresh)
        rows = candidates[fresh]
        return self._step(rows, self._people(people, windows, targets, (rows, candidates[rest]), vectors))

    def _count_windows(self, histories: Histories) -> NDArray[np.int64]:
        """Each person as often as their history has windows."""
        windows = np.maximum(-(-histories.lengths // self.config.history), 1)
        return np.repeat(np.arange(len(histories)), windows)

    def _items_of_epoch(self, number: int) -> NDArray[np.int64]:
        count = min(self.config.items, len(self.learnable))
        epoch, place = divmod(number, max(len(self.learnable) // count, 1))
        order = np.random.default_rng([self.config.seed, 3, epoch]).permutation(self.learnable)
        return order[place * count : (place + 1) * count]

    def _people_of_epoch(self, number: int) -> list[int]:
        """Everyone as often as their history has windows, in an order of the epoch's own."""
        epoch, place = divmod(number, max(len(self.often) // self.config.people, 1))
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng([self.config.seed, 4, epoch]).permutation(self.often))
        chosen: list[int] = self._order[1][place * self.config.people : (place + 1) * self.config.people].tolist()
        return chosen

    def _step(self, rows: NDArray[np.int64], people: PeopleBatch | None) -> Step:
        popularity = self.facts.popularity[rows] if self.facts else np.full(len(rows), np.nan, np.float32)
        return Step(
            items=self.batch(rows),
            alone=min(self.config.alone, len(rows)) if self.facts else len(rows),
            captions=torch.from_numpy(self.data.captions[rows]).to(self.device),
            pictures=torch.from_numpy(self.data.pictures[rows]).to(self.device),
            categories=torch.from_numpy(self.categories[rows]).to(self.device),
            popularity=torch.from_numpy(popularity).to(self.device),
            people=people,
        )

    def _people(
        self,
        people: list[int],
        windows: list[History],
        targets: list[tuple[int, int, int]],
        candidates: tuple[NDArray[np.int64], NDArray[np.int64]],
        vectors: Tensor,
    ) -> PeopleBatch:
        rows, everything = candidates[0], np.concatenate(candidates)
        column = {item: place for place, item in enumerate(everything.tolist())}
        facts = self.facts
        if facts is None:
            raise ValueError("there is no log")
        liked = [history.items[history.liked] for history in map(facts.histories.__getitem__, people)]
        acted, ratings = self._verdicts(people, rows)
        place = [[row, position, column[item]] for row, position, item in targets]
        row, position, col = torch.tensor(place, device=self.device).T
        return PeopleBatch(
            history=to_histories(windows, vectors, self.config.history, (facts.rating_mean, facts.rating_std)),
            row=row,
            position=position,
            column=col,
            log_q=torch.from_numpy(self._log_q(everything, len(targets))).to(self.device),
            liked=torch.from_numpy(np.stack([np.isin(everything, one) for one in liked])).to(self.device),
            bank=vectors[torch.from_numpy(candidates[1]).to(self.device)],
            acted=torch.from_numpy(acted).to(self.device),
            ratings=torch.from_numpy(ratings).to(self.device),
        )

    def _log_q(self, rows: NDArray[np.int64], targets: int) -> NDArray[np.float32]:
        """Log of how often each item is expected in a step: as a target by its popularity, or drawn evenly."""
        counts = self.facts.counts if self.facts else np.zeros(len(self.data))
        as_target = targets * counts[rows] / max(counts.sum(), 1)
        evenly = self.config.bank / max(len(self.learnable), 1)
        found: NDArray[np.float32] = np.log(np.minimum(as_target + evenly, 1.0)).astype(np.float32)
        return found

    def _verdicts(self, people: list[int], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        acted = np.full((len(people), len(rows)), -1, np.int64)
        ratings = np.full((len(people), len(rows)), np.nan, np.float32)
        facts = self.facts
        if facts is None:
            return acted, ratings
        order = np.argsort(rows)
        for at, person in enumerate(people):
            history = facts.histories[person]
            place = np.searchsorted(rows[order], history.items).clip(max=len(rows) - 1)
            there = rows[order][place] == history.items
            columns = order[place[there]]
            acted[at, columns] = history.liked[there]
            ratings[at, columns] = (history.values[there] - facts.rating_mean) / facts.rating_std
        return acted, ratings


def _window(history: History, length: int, rng: np.random.Generator) -> History:
    """A stretch of at most length + 1 events, anywhere in the history: the last events of it are only predicted."""
    start = int(rng.integers(0, max(len(history) - length, 1)))
    return history.take(slice(start, start + length))


def _draw_targets(windows: list[History], count: int, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """(person, position of the last known event, item liked later in the stretch), at most `count` of them."""
    found: list[tuple[int, int, int]] = []
    for row, one in enumerate(windows):
        later = np.flatnonzero(one.liked)
        for place in later[later > 0].tolist():
            found.append((row, int(rng.integers(0, place)), int(one.items[place])))
    if not found:
        row = int(np.argmax([len(one) for one in windows]))
        return [(row, 0, int(windows[row].items[-1]))]
    return [found[at] for at in rng.permutation(len(found))[:count].tolist()]
