"""What a search writes down about its trials. It knows nothing of how they are chosen or trained."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from core.files import written_whole
from core.train.config import TrainConfig
from core.train.space import Value

_log = logging.getLogger(__name__)
TRIALS = "trials.json"
TrialState = Literal["running", "finished", "pruned", "failed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """One try.

    Attributes:
        number: From 1; the first has the settings that the search began with.
        state: "pruned" ended early for being worse than the median, "failed" could not be trained, "stopped" was
            interrupted and is tried again.
        value: Best validation so far, None before the first epoch.
        settings: Name in the space to value.
        epochs: Passes that were done.
        seconds: From its start to its end, 0 while it runs and when it was interrupted.
    """

    number: int
    state: TrialState
    value: float | None
    settings: Mapping[str, Value]
    epochs: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What a search found.

    Attributes:
        trials: All of them, in order.
        best: The finished one with the best validation, the earliest of equals.
        config: The whole configuration with the best settings.
    """

    trials: tuple[TrialResult, ...]
    best: TrialResult
    config: TrainConfig


def find_best(trials: Sequence[TrialResult]) -> TrialResult | None:
    """The finished trial with the best validation, the earliest of equals; None before the first has finished."""
    finished = [(one.value, one) for one in trials if one.state == "finished" and one.value is not None]
    return max(finished, key=lambda pair: pair[0])[1] if finished else None


def write_trials(folder: Path, trials: Sequence[TrialResult]) -> None:
    """Put the trials where a page can look at them every second without opening the study's database."""
    try:
        with written_whole(folder / TRIALS, flush=False) as temporary:
            temporary.write_text(json.dumps([asdict(one) for one in trials]), "utf-8")
    except OSError as exc:
        _log.warning("The trials cannot be shown (%s); the search goes on", exc.strerror)


def read_trials(folder: Path) -> tuple[TrialResult, ...]:
    """The trials of a search up to now, in order; none where there is no search yet."""
    try:
        return tuple(TrialResult(**row) for row in json.loads((folder / TRIALS).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return ()
