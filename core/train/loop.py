"""The training loop. Imports torch, so import this module inside functions only."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.children import peak_memory
from core.device import DeviceChoice, repeatable
from core.errors import TrainError
from core.model.inference import read_items
from core.model.losses import weigh_by_uncertainty, weigh_losses
from core.model.network import FusionModel
from core.model.tasks import run_tasks
from core.model.tuning.methods import METHODS
from core.train.batches import StepBuilder
from core.train.checkpoint import BEST, LAST, TOWER, TrainerState, load_plan, load_state, save_state, save_weights
from core.train.config import TrainConfig
from core.train.data import TrainData
from core.train.memory_limits import is_out_of_memory, memory_sentence
from core.train.optimizer import build_optimizer, set_rates
from core.train.processes import Ranks
from core.train.source import CachedTokens, TokenSource
from core.train.tracking import WATCHED
from core.train.validate import measure_catalog, measure_log

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport:
    """One line of the live chart.

    Attributes:
        step: Steps done.
        losses: Mean of each task's loss since the last report.
        validation: Metric to value.
        seconds: Since the run (or its last resumption) began.
        memory_mb: Peak memory of this process, or of the graphics card.
    """

    step: int
    losses: Mapping[str, float]
    validation: Mapping[str, float]
    seconds: float
    memory_mb: float = 0.0


@dataclass(slots=True)
class _Sums:
    totals: dict[str, float] = field(default_factory=dict)
    steps: int = 0

    def add(self, losses: Mapping[str, Tensor]) -> None:
        for name, loss in losses.items():
            self.totals[name] = self.totals.get(name, 0.0) + float(loss.detach())
        self.steps += 1

    def take(self) -> dict[str, float]:
        means = {name: total / max(self.steps, 1) for name, total in self.totals.items()}
        self.totals, self.steps = {}, 0
        return means


class Trainer:
    """Trains one model in one folder; stopped at any moment, it goes on from the last epoch with the same data.

    Args:
        model: Freshly built, or of the shape of the folder's checkpoint.
        data: What to learn from.
        config: With its tasks filled in.
        choice: Where and in which number format.
        folder: Of the run; holds the last and the best checkpoint.
        source: Where items come from; None takes the data's tokens as they are.
        ranks: This process among those that train together.

    Attributes:
        config: As it is run, with the towers' rate filled in.
    """

    def __init__(
        self,
        model: FusionModel,
        data: TrainData,
        config: TrainConfig,
        choice: DeviceChoice,
        folder: Path,
        *,
        source: TokenSource | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self.model = model.to(choice.device)
        self.data, self.config, self.choice, self.folder = data, config, choice, folder
        self.ranks = ranks or Ranks()
        self.source = source or CachedTokens(data.tokens, torch.device(choice.device))
        self.tuned = self.source.tuned
        if self.tuned and not config.tower_rate:
            self.config = config = replace(config, tower_rate=METHODS[config.tuning].rate)
        self.builder = StepBuilder(
            data, config, model.config, torch.device(choice.device), batch=self.source.batch, world=self.ranks.world
        )
        self.log_variances = {
            name: torch.nn.Parameter(torch.tensor(-math.log(weight), device=choice.device))
            for name, weight in config.tasks.items()
        }
        towers = dict(self.tuned.parameters) if self.tuned else {}
        self.learned = {**self.log_variances, **{f"{TOWER}{name}": one for name, one in towers.items()}}
        self.optimizer = build_optimizer(
            self.model,
            config,
            log_variances=self.log_variances.values() if config.learned_weights else (),
            towers=towers,
            tower_rate=config.tower_rate,
        )
        self.steps = self.builder.steps_per_epoch * config.epochs
        self.reached = TrainerState()
        if config.compile:
            self.model.fusion.compile()
            self.model.user.compile()

    def resume(self) -> bool:
        """Go on from the folder's last checkpoint; False when there is none."""
        if not (self.folder / LAST).exists():
            return False
        self.reached = load_state(self.model, self.optimizer, self.folder / LAST, extra=self.learned)
        if self.tuned:
            self.tuned.set_plan(load_plan(self.folder / LAST))
        return True

    def run(
        self,
        *,
        on_step: Callable[[int, int], None] = lambda _step, _steps: None,
        on_epoch: Callable[[EpochReport], None] = lambda _report: None,
    ) -> TrainerState:
        """Train to the end, or until validation has not improved for `patience` epochs.

        Args:
            on_step: Called with steps done and steps in all; whatever it raises ends the run, which can be resumed.
            on_epoch: Called after each epoch.

        Returns:
            Where the best checkpoint was taken.

        Raises:
            TrainError: A loss is not a number, or the memory does not suffice; the last good checkpoint stays.
        """
        with repeatable(self.choice.device):
            return self._run(on_step, on_epoch)

    def _run(self, on_step: Callable[[int, int], None], on_epoch: Callable[[EpochReport], None]) -> TrainerState:
        began, sums, each = time.monotonic(), _Sums(), self.builder.steps_per_epoch
        vectors = self.refresh()
        while self.reached.step < self.steps and not self._is_patience_over(each):
            step = self.reached.step
            torch.manual_seed((self.config.seed * 1_000_003 + step) * self.ranks.world + self.ranks.rank)
            set_rates(self.optimizer, step, self.steps, self.config.warmup)
            sums.add(self.step(step, vectors))
            self.reached = replace(self.reached, step=step + 1)
            if self.ranks.is_first:
                on_step(step + 1, self.steps)
            if (step + 1) % each == 0:
                vectors = self.refresh()
                report = EpochReport(
                    step=step + 1,
                    losses=sums.take(),
                    validation=self._validate(),
                    seconds=time.monotonic() - began,
                    memory_mb=peak_memory_mb(self.choice),
                )
                self._keep(report)
                if self.ranks.is_first:
                    on_epoch(report)
        return self.reached

    def step(self, number: int, vectors: Tensor | None) -> dict[str, Tensor]:
        """One update, over `accumulate` batches.

        Returns:
            The loss of each task on the last of them.

        Raises:
            TrainError: A loss is not a number, or the memory does not suffice.
        """
        self.model.train()
        if self.tuned:
            self.tuned.train()
        self.optimizer.zero_grad(set_to_none=True)
        try:
            parts = self._accumulate(number, vectors)
        except (RuntimeError, MemoryError) as exc:
            if not is_out_of_memory(exc):
                raise
            raise TrainError(memory_sentence()) from exc
        learned = [*self.model.parameters(), *self.learned.values()]
        self.ranks.average_gradients(learned)
        length = torch.nn.utils.clip_grad_norm_(learned, self.config.clip)
        if not torch.isfinite(length):
            raise TrainError(_not_finite(parts))
        self.optimizer.step()
        if self.tuned:
            self.tuned.after_step(number)
        return parts

    def _accumulate(self, number: int, vectors: Tensor | None) -> dict[str, Tensor]:
        """Gradients of one step, forward and back batch by batch."""
        parts: dict[str, Tensor] = {}
        count = self.config.accumulate
        for part in range(count):
            position = (number * count + part) * self.ranks.world + self.ranks.rank
            # float16 would need its gradients scaled; cards that lack bfloat16 compute in float32.
            with torch.autocast(self.choice.device, torch.bfloat16, enabled=self.choice.dtype == "bfloat16"):
                parts = run_tasks(self.model, self.builder.build(position, vectors), tuple(self.config.tasks))
                total = self._weigh(parts)
            if not torch.isfinite(total):
                raise TrainError(_not_finite(parts))
            penalty = self.tuned.penalty() if self.tuned else None
            (total / count if penalty is None else (total + penalty) / count).backward()  # type: ignore[no-untyped-call]
        return parts

    def try_step(self) -> None:
        """One step forward and back whose gradients are thrown away, to see whether it fits."""
        vectors = None
        if self.data.log is not None:
            width = self.model.config.item_width
            vectors = torch.zeros(len(self.data), width, device=self.choice.device)
        self.model.train()
        try:
            self._accumulate(0, vectors)
        finally:
            self.optimizer.zero_grad(set_to_none=True)

    def _weigh(self, parts: dict[str, Tensor]) -> Tensor:
        if self.config.learned_weights:
            return weigh_by_uncertainty(parts, self.log_variances)
        return weigh_losses(parts, self.config.tasks)

    def refresh(self) -> Tensor | None:
        """Bring tokens up to date, and give flat item vectors of the model as it stands, for histories."""
        needed = np.arange(len(self.data)) if self.data.log is not None else np.flatnonzero(self.data.validation_items)
        self.data = replace(self.data, tokens=self.source.read(needed))
        if self.data.log is None:
            return None
        self._items = read_items(self.model, self.data.tokens)
        return torch.from_numpy(self._items.flat).to(self.choice.device)

    def _validate(self) -> dict[str, float]:
        if self.builder.facts is None:
            found = measure_catalog(self.model, self.data)
        else:
            found = measure_log(self.model, self.data, self.builder.facts, self._items)
        shared: dict[str, float] = self.ranks.share(found)
        return shared

    def _keep(self, report: EpochReport) -> None:
        value = report.validation[WATCHED]
        if value > self.reached.best_value:
            self.reached = TrainerState(step=report.step, best_step=report.step, best_value=value)
            if self.ranks.is_first:
                header = {"validation": dict(report.validation), "step": report.step}
                save_weights(self.model, self.folder / BEST, header, towers=self.tuned.state() if self.tuned else None)
        if not self.ranks.is_first:
            return
        plan = self.tuned.plan() if self.tuned else {}
        save_state(self.model, self.optimizer, self.reached, self.folder / LAST, extra=self.learned, plan=plan)
        _log.info("Step %d of %d: losses %s, validation %s", report.step, self.steps, report.losses, report.validation)

    def _is_patience_over(self, each: int) -> bool:
        waited = self.reached.step - self.reached.best_step
        return self.reached.best_step > 0 and waited >= self.config.patience * each


def peak_memory_mb(choice: DeviceChoice) -> float:
    """Most memory used up to now: of the graphics card where one computes, else of this process."""
    if choice.device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return peak_memory() / 2**20


def _not_finite(parts: Mapping[str, Tensor]) -> str:
    bad = [name for name, loss in parts.items() if not torch.isfinite(loss)]
    return (
        f"The loss of {', '.join(bad) or 'the sum'} is not a number any more. Lower “rate” (a third is a good try) or "
        "leave that task out; what was learned up to the last epoch is kept."
    )
