"""All models on one log, by one protocol."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from core.baselines.recommender import Recommender
from core.baselines.registry import BASELINES, build_baseline, quick_baselines
from core.errors import EvaluationError
from core.evaluate.fusion import FusionRecommender
from core.evaluate.measured import Measured, Unmeasured, average_runs, compare_people
from core.evaluate.protocol import (
    DEPTH,
    OPTIMISTIC,
    Split,
    SplitName,
    build_splits,
    choose_split,
    split_files,
    try_measure,
)
from core.evaluate.verdict import LEAST_TESTED
from core.interactions.log import InteractionLog
from core.interactions.log_file import read_log_file
from core.metrics import coverage, gini
from core.progress import Progress
from core.train.config import DEFAULT_PRESET, RULES, TrainConfig
from core.train.fields import check_fields
from core.train.settings import resolve_settings
from core.work.compare_report import ComparedModel, CompareReport
from core.work.material import Material, load_material
from core.workspace import Workspace

ALL_MODELS = ("fusion", *BASELINES)
MOST_SEEDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSpec:
    """What to compare.

    Attributes:
        catalog: Its name.
        interactions: Path of the log to fit on, and without a second one to test on.
        reading: How it is read, as `core.interactions.log_file.LogFile.reading`; empty finds it out.
        test_interactions: Path of a log of other people; "" splits the first.
        test_reading: How that one is read.
        models: Of `ALL_MODELS`; the fusion model, our own baselines and the quick ones of others that are installed.
        split: One of `SPLITS`, "" for the strictest that leaves enough people.
        preset: Of the fusion model.
        config: Its settings that go before the preset's, as `core.train.config.read_config` gives them.
        seed: Of folds and models; None for the configuration's.
        seeds: How many seeds, counted from `seed`; a person's values are means over them.
    """

    catalog: str
    interactions: str
    reading: Mapping[str, Any] = field(default_factory=dict)
    test_interactions: str = ""
    test_reading: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = field(default_factory=lambda: ("fusion", *quick_baselines()))
    split: str = ""
    preset: str = DEFAULT_PRESET
    config: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    seeds: int = 1

    def build_config(self) -> TrainConfig:
        """The settings of the fusion model.

        Raises:
            TrainError: A value is unknown or out of range.
        """
        config = resolve_settings(self.preset, self.config, {"seed": self.seed}, tunes=False)
        check_fields({"seed": config.seed + self.seeds - 1}, RULES)
        return config


def run_compare(workspace: Workspace, spec: CompareSpec, progress: Progress) -> CompareReport:
    """Fit and test.

    Raises:
        WishlightError: A file or a name cannot be used, or every model failed; the message says why.
    """
    _check(spec)
    config = spec.build_config()
    material = load_material(workspace, spec.catalog, progress)
    name, by_seed = _build(spec, material, config.seed)
    splits = by_seed[config.seed]
    runs, failed = _measure(spec, material, config, by_seed, progress)
    averages = {model: average_runs(found) for model, found in runs.items()}
    order = sorted(averages, key=lambda model: -(averages[model].mean("ndcg@10") or 0.0))
    return CompareReport(
        models=tuple(
            _row(averages[model], runs[model], len(material.stored), averages.get("fusion")) for model in order
        ),
        failed=failed,
        split=name,
        users=int(sum(len(split.users) for split in splits)),
        counts={metric: averages[order[0]].count(metric) for metric in averages[order[0]].values},
        items=len(material.stored),
        cold_items=int(splits[0].cold.sum()),
        seed=config.seed,
        config=config,
        seeds=spec.seeds,
        notes=(*_notes(name, splits), *_note_fixed(order)),
    )


def _check(spec: CompareSpec) -> None:
    unknown = [name for name in spec.models if name not in ALL_MODELS]
    if unknown:
        raise EvaluationError(f"There is no model called {', '.join(unknown)}. Choose from {', '.join(ALL_MODELS)}.")
    if not 1 <= spec.seeds <= MOST_SEEDS:
        raise EvaluationError(f"The number of seeds lies between 1 and {MOST_SEEDS}, not {spec.seeds}.")
    if spec.test_interactions and spec.split:
        raise EvaluationError("A log of other people is the split itself. Leave the name of a split out.")


def _measure(
    spec: CompareSpec,
    material: Material,
    config: TrainConfig,
    by_seed: Mapping[int, Sequence[Split]],
    progress: Progress,
) -> tuple[dict[str, list[Measured]], tuple[Unmeasured, ...]]:
    """Model to its runs, one a seed, and the models that failed with one of them."""
    runs: dict[str, list[Measured]] = {model: [] for model in spec.models}
    failed: list[Unmeasured] = []
    for seed, folds in by_seed.items():
        for model in list(runs):
            builder = _builder(model, material, replace(config, seed=seed))
            found = try_measure(model, builder, folds, material.table, progress=progress)
            if isinstance(found, Unmeasured):
                failed.append(found)
                del runs[model]
            else:
                runs[model].append(found)
    if not runs:
        reasons = " ".join(f"{one.name}: {one.reason}" for one in failed)
        raise EvaluationError(f"No model could be measured. {reasons}")
    return runs, tuple(failed)


def _build(spec: CompareSpec, material: Material, first: int) -> tuple[str, dict[int, list[Split]]]:
    """Name of the split, and seed to its folds."""
    log, seeds = _read(spec.interactions, spec.reading, material), range(first, first + spec.seeds)
    if spec.test_interactions:
        split = split_files(log, _read(spec.test_interactions, spec.test_reading, material))
        if not len(split.users):
            raise EvaluationError("Nobody in the test log has a history and something liked after it. Check the file.")
        return "files", {seed: [split] for seed in seeds}
    name = cast(SplitName, spec.split) if spec.split else choose_split(log)
    return name, {seed: list(build_splits(log, name, seed=seed)) for seed in seeds}


def _read(path: str, reading: Mapping[str, Any], material: Material) -> InteractionLog:
    return read_log_file(Path(path), reading, material.table.item_ids).log


def _builder(name: str, material: Material, config: TrainConfig) -> Callable[[], Recommender]:
    if name == "fusion":
        return lambda: FusionRecommender(material.tokens, config)
    return lambda: build_baseline(name, config.seed)


def _row(one: Measured, runs: Sequence[Measured], items: int, fusion: Measured | None) -> ComparedModel:
    lead = compare_people(fusion, one) if fusion is not None and fusion is not one else None
    top = one.top[:, : min(10, DEPTH)]
    return ComparedModel(
        name=one.name,
        values={metric: one.mean(metric) for metric in one.values},
        interval=one.interval("ndcg@10") or (0.0, 1.0),
        by_seed=tuple(run.mean("ndcg@10") or 0.0 for run in runs),
        fusion_lead=lead if lead and lead.count else None,
        coverage=coverage(top, items),
        gini=gini(top, items),
        fit_seconds=one.fit_seconds,
        score_seconds=one.score_seconds,
        tuning_seconds=one.tuning_seconds,
        peak=one.peak,
        choices=one.choices,
        transductive=one.transductive,
    )


def _notes(name: str, splits: Sequence[Split]) -> tuple[str, ...]:
    notes = []
    if name in OPTIMISTIC:
        notes.append(f"The split “{name}” lets models see what came later: its figures are optimistic.")
    people = [len(history) for split in splits for history in split.histories]
    if len(people) < LEAST_TESTED:
        notes.append(f"Too few to tell models apart: {len(people)} of {LEAST_TESTED} people needed were tested.")
    notes.append(f"Histories hold {int(np.median(people))} events (median); ranking is over all items not yet had.")
    return tuple(notes)


def _note_fixed(models: Sequence[str]) -> Iterator[str]:
    """Which of other people's models are taken as they are, since a choice would take hours."""
    fixed = [name for name in models if name in BASELINES and BASELINES[name].needs and not BASELINES[name].space]
    if fixed:
        yield f"Not tuned, with fixed settings: {', '.join(fixed)}."
