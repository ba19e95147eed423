"""The search for better settings: many runs, judged in validation, never on the test.

The study lives in the run's folder, so a search that was stopped or killed goes on where it was, and ends as it would
have ended without the stop.

Source: Akiba et al. 2019, "Optuna". Its tree-structured Parzen estimator (Bergstra et al. 2011) chooses, and a trial
below the median of the earlier ones ends early.
"""

import logging
import math
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from core.device import DeviceChoice
from core.errors import TrainError
from core.train.config import TrainConfig
from core.train.data import TrainData
from core.train.space import Choices, Domain, Value, apply_settings, build_space, read_settings
from core.train.tracking import WATCHED
from core.train.trials import SearchResult, TrialResult, TrialState, find_best, write_trials

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

    from core.train.loop import EpochReport

_log = logging.getLogger(__name__)
DATABASE = "search.db"
#: After so many failures and nothing else, the fault is not in the settings.
_HOPELESS = 5
#: Settings that ended the work so often, perhaps for want of memory, are not tried again.
_ATTEMPTS = 3
_PREFIX = "trial-"
#: What is noted with a trial.
_REASON, _SETTINGS, _ATTEMPT = "reason", "settings", "attempt"


def search(
    data: TrainData,
    base: TrainConfig,
    choice: DeviceChoice,
    folder: Path,
    *,
    trials: int,
    on_step: Callable[[int, int], None] = lambda _done, _trials: None,
) -> SearchResult:
    """Try settings around a configuration, or go on with that in a folder.

    Args:
        data: What to learn from, and what to validate on.
        base: The configuration that is tried first, so the best is never worse than it.
        choice: Where and in which number format.
        folder: Of the run; made when missing.
        trials: How many to finish or to end early; those that failed or were stopped do not count.
        on_step: Called with trials done and trials in all, between steps; whatever it raises ends the search, which
            can be gone on with.

    Raises:
        TrainError: There is too little data, or no trial can be trained; the message says what to change.
    """
    from core.train.run import build_model, check_data

    if trials < 1:
        raise TrainError(f"A search needs at least 1 trial, not {trials}.")
    folder.mkdir(parents=True, exist_ok=True)
    check_data(data)
    categories = build_model(data.tokens, data, base).config.categories
    config = base.with_tasks(has_log=data.log is not None, has_categories=bool(categories), has_pairs=data.has_pairs)
    with _open_study(folder, trials) as study:
        found = _Search(study, data, config, choice, folder).run(trials, on_step)
    best = find_best(found)
    if best is None:
        raise TrainError("No trial of this search could be finished. Start a new one with other settings.")
    return SearchResult(trials=found, best=best, config=apply_settings(config, best.settings))


class _Search:
    """One attempt at a study.

    Args:
        study: New, or what an earlier attempt left.
        data: What to learn from.
        base: With its tasks filled in.
        choice: Where and in which number format.
        folder: Of the run; trials train in folders inside it, which are removed.
    """

    def __init__(self, study: "Study", data: TrainData, base: TrainConfig, choice: DeviceChoice, folder: Path) -> None:
        self.study, self.data, self.base, self.choice, self.folder = study, data, base, choice, folder
        self.space = build_space(base)

    def run(self, trials: int, on_step: Callable[[int, int], None]) -> tuple[TrialResult, ...]:
        """Try until enough trials count, or until as many have failed.

        Raises:
            TrainError: Nothing but failures.
        """
        self._take_over()
        failures: list[str] = []
        while (done := self._count("finished", "pruned")) < trials and len(failures) < trials:
            on_step(done, trials)
            reason = self._try(partial(on_step, done, trials), trials)
            failures += [reason] if reason else []
            if len(failures) >= min(_HOPELESS, trials) and not self._count("finished"):
                raise TrainError(f"None of the settings that were tried can be trained. The last one: {reason}")
        on_step(done, trials)
        return self._read()

    def _take_over(self) -> None:
        """Close what a killed attempt left open, and queue the trial it was at; a new study begins with the base."""
        from optuna.trial import TrialState as States

        for left in self.folder.glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        for trial in self.study.get_trials(states=(States.RUNNING,)):
            self.study.tell(trial.number, state=States.FAIL)
        known, base = self.study.trials, read_settings(self.base, self.space)
        if not known:
            self.study.enqueue_trial(base, user_attrs={_SETTINGS: base})
        elif _read_state(known[-1]) == "stopped":
            settings = known[-1].user_attrs.get(_SETTINGS, known[-1].params)
            attempt = 1 if settings == base else known[-1].user_attrs.get(_ATTEMPT, 1) + 1
            # One that was stopped before its settings were drawn is drawn again, from the same seed.
            if len(settings) == len(self.space):
                self.study.enqueue_trial(settings, user_attrs={_SETTINGS: settings, _ATTEMPT: attempt})
        self._write()

    def _try(self, on_step: Callable[[], None], trials: int) -> str:
        """One trial; returns why it could not be trained, or nothing."""
        from optuna import TrialPruned
        from optuna.trial import TrialState as States

        self.study.sampler = _build_sampler(self.base.seed, self._count("finished", "pruned", "failed"), trials)
        trial, reason = self.study.ask(), ""
        try:
            self.study.tell(trial, self._train(trial, on_step))
        except TrialPruned:
            self.study.tell(trial, state=States.PRUNED)
        except TrainError as exc:
            reason = str(exc)
            _log.warning("Trial %d failed: %s", trial.number + 1, reason)
            trial.set_user_attr(_REASON, reason)
            self.study.tell(trial, state=States.FAIL)
        except BaseException:
            self.study.tell(trial, state=States.FAIL)
            raise
        finally:
            self._write()
        return reason

    def _train(self, trial: "Trial", on_step: Callable[[], None]) -> float:
        """Best validation of a run with the settings that the sampler draws."""
        from optuna import TrialPruned

        from core.train.loop import Trainer
        from core.train.run import build_model

        settings = {name: _suggest(trial, name, domain) for name, domain in self.space.items()}
        _log.info("Trial %d tries %s", trial.number + 1, settings)
        self._write()
        epochs = count()

        def judge(report: "EpochReport") -> None:
            trial.report(report.validation[WATCHED], next(epochs))
            self._write()
            if trial.should_prune():
                raise TrialPruned

        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=self.folder) as place:
            config = apply_settings(self.base, settings)
            model = build_model(self.data.tokens, self.data, config)
            trainer = Trainer(model, self.data, config, self.choice, Path(place))
            return trainer.run(on_step=lambda _step, _steps: on_step(), on_epoch=judge).best_value

    def _count(self, *states: TrialState) -> int:
        return sum(_read_state(trial) in states for trial in self.study.trials)

    def _read(self) -> tuple[TrialResult, ...]:
        return tuple(_read_trial(trial) for trial in self.study.trials if trial.state.name != "WAITING")

    def _write(self) -> None:
        write_trials(self.folder, self._read())


@contextmanager
def _open_study(folder: Path, trials: int) -> Iterator["Study"]:
    """The folder's study, made when missing.

    Raises:
        TrainError: Its database cannot be read or written.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # The path goes past the address, in which some of its characters would mean something else.
    creator = partial(sqlite3.connect, folder / DATABASE, timeout=30)
    # The first epoch says little while the rate still rises.
    pruner = optuna.pruners.MedianPruner(n_startup_trials=_startup(trials), n_warmup_steps=1)
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{DATABASE}", engine_kwargs={"creator": creator})
        try:
            yield optuna.create_study(
                storage=storage, study_name="search", direction="maximize", pruner=pruner, load_if_exists=True
            )
        finally:
            storage.remove_session()
            storage.engine.dispose()
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as exc:
        raise TrainError(
            "The search's record on disk cannot be read or written. See that there is space, then go on."
        ) from exc


def _startup(trials: int) -> int:
    """Trials before the search begins to learn from them and to end bad ones early."""
    return min(max(trials // 4, 3), 10)


def _build_sampler(seed: int, number: int, trials: int) -> "BaseSampler":
    """Made anew for each trial, so that a search draws the same with and without a stop."""
    from optuna.samplers import TPESampler

    return TPESampler(seed=(seed + number) % 2**32, n_startup_trials=_startup(trials))


def _suggest(trial: "Trial", name: str, domain: Domain) -> Value:
    if isinstance(domain, Choices):
        return trial.suggest_categorical(name, domain.values)
    if domain.whole:
        return trial.suggest_int(name, int(domain.low), int(domain.high), log=domain.log)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)


def _read_state(trial: "FrozenTrial") -> TrialState | None:
    """None while it only waits."""
    if trial.state.name == "FAIL":
        given_up = _REASON in trial.user_attrs or trial.user_attrs.get(_ATTEMPT, 1) >= _ATTEMPTS
        return "failed" if given_up else "stopped"
    known: dict[str, TrialState] = {"RUNNING": "running", "COMPLETE": "finished", "PRUNED": "pruned"}
    return known.get(trial.state.name)


def _read_trial(trial: "FrozenTrial") -> TrialResult:
    values = [value for value in trial.intermediate_values.values() if math.isfinite(value)]
    state = _read_state(trial) or "running"
    # One that was killed ends when it is found, perhaps days later.
    lasted = trial.duration if state in ("finished", "pruned") or _REASON in trial.user_attrs else None
    return TrialResult(
        number=trial.number + 1,
        state=state,
        value=max(values, default=None),
        settings=dict(trial.params),
        epochs=len(trial.intermediate_values),
        seconds=round(lasted.total_seconds(), 2) if lasted else 0.0,
    )
