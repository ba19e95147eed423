"""A search for better settings for a catalogue; what it finds can be trained as any other configuration."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import TrainError
from core.progress import Progress
from core.train.tracking import WATCHED
from core.train.trials import SearchResult
from core.work.bound import ends_with_catalog
from core.work.plan import load_plan
from core.work.runs import open_run
from core.work.train_catalog import TrainSpec, read_device
from core.workspace import Workspace

#: A search of fewer says next to nothing, one of more takes days.
LEAST_TRIALS, MOST_TRIALS = 1, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpec:
    """What to search.

    Attributes:
        train: The run whose settings are to be bettered.
        trials: How many settings to try.
    """

    train: TrainSpec
    trials: int = 20

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them back."""
        return {"train": self.train.to_json(), "trials": self.trials}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SearchSpec":
        """Read what `to_json` wrote."""
        return cls(train=TrainSpec.from_json(data["train"]), trials=data["trials"])


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReport:
    """What a search found.

    Attributes:
        catalog: Name of the catalogue.
        metric: What was watched in validation.
        seed: Of the runs.
        result: The trials, the best one, and the configuration with its settings.
    """

    catalog: str
    metric: str
    seed: int
    result: SearchResult

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "catalog": self.catalog,
            "metric": self.metric,
            "seed": self.seed,
            "trials": [asdict(one) for one in self.result.trials],
            "best": asdict(self.result.best),
            "config": self.result.config.to_json(),
        }


@ends_with_catalog
def run_search(
    workspace: Workspace,
    spec: SearchSpec,
    run_id: str,
    progress: Progress,
    *,
    tell: Callable[[str], None] = lambda _warning: None,
) -> SearchReport:
    """Try settings on what training may learn from; started again with the same id it goes on.

    Args:
        workspace: The data folder.
        spec: What to search.
        run_id: Of the search.
        progress: Told how far it is.
        tell: As of `load_plan`: what is found will be trained, and judged, on the same data.

    Raises:
        WishlightError: The search cannot start or go on; the message says what to do.
    """
    from core.train.search import search

    if not LEAST_TRIALS <= spec.trials <= MOST_TRIALS:
        raise TrainError(f"The number of trials lies between {LEAST_TRIALS} and {MOST_TRIALS:,}, not {spec.trials:,}.")
    config = spec.train.build_config(tunes=False)
    choice = read_device(spec.train.device)
    plan = load_plan(workspace, spec.train, progress, settings={"trials": spec.trials}, tell=tell)

    def on_step(done: int, trials: int) -> None:
        progress("Trying settings", done, trials)

    with open_run(workspace.home, run_id, spec.to_json(), plan.fingerprints) as folder:
        found = search(plan.data, config, choice, folder, trials=spec.trials, on_step=on_step)
    return SearchReport(catalog=plan.material.catalog.name, metric=WATCHED, seed=config.seed, result=found)
