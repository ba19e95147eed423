"""Training a version for a catalogue, from its log or without one, and measuring it before it is offered."""

import logging
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from core.device import DeviceChoice, DeviceName, choose_device
from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.errors import StoreError, TrainError
from core.evaluate.answer import Answer
from core.progress import Progress
from core.train.config import DEFAULT_PRESET, TrainConfig
from core.train.settings import resolve_settings
from core.work.bound import ends_with_catalog
from core.work.forgetting import add_forgetting
from core.work.material import Material
from core.work.plan import Plan, load_plan
from core.work.replay import replay_needs
from core.work.runs import open_run
from core.work.train_report import TrainReport
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.train.run import Trained, Watch
    from core.train.source import RawItems

_log = logging.getLogger(__name__)
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSpec:
    """What to train.

    Attributes:
        catalog: Its name.
        preset: One of `PRESETS`.
        config: Hyper-parameters that go before the preset's, as `read_config` gives them.
        interactions: Path of a log; "" takes the one stored with the catalogue.
        reading: How that file is read, as `core.interactions.log_file.LogFile.reading`; empty finds it out.
        use_log: Whether to use a log at all.
        tuning: Goes before the configuration's; "" leaves it to that.
        device: "" for what is there.
        seed: Of everything random; goes before the configuration's, None leaves it to that.
        wandb: Whether to log to Weights & Biases as well.
    """

    catalog: str
    preset: str = DEFAULT_PRESET
    config: Mapping[str, Any] = field(default_factory=dict)
    interactions: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)
    use_log: bool = True
    tuning: str = ""
    device: str = ""
    seed: int | None = None
    wandb: bool = False

    def build_config(self, *, tunes: bool = True) -> TrainConfig:
        """The hyper-parameters.

        Args:
            tunes: Whether the work can tune the towers at all.

        Raises:
            TrainError: A value is unknown or out of range.
        """
        typed = {"tuning": self.tuning or None, "seed": self.seed}
        return resolve_settings(self.preset, self.config, typed, tunes=tunes)

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them back."""
        data = asdict(self) | {"config": dict(self.config)}
        if not self.reading:
            del data["reading"]  # a run that began before there was any can go on
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TrainSpec":
        """Read what `to_json` wrote."""
        return cls(**data)


@ends_with_catalog
def run_train(
    workspace: Workspace,
    spec: TrainSpec,
    run_id: str,
    progress: Progress,
    *,
    tell: Callable[[str], None] = lambda _warning: None,
) -> TrainReport:
    """Train, measure, and write a version down; started again with the same id it goes on.

    Args:
        workspace: The data folder.
        spec: What to train.
        run_id: Of the run.
        progress: Told how far it is.
        tell: As of `load_plan`.

    Raises:
        WishlightError: Training cannot start or go on; the message says what to do.
    """
    from core.train.processes import join_ranks
    from core.train.run import train
    from core.train.tracking import Tracker

    config, choice = spec.build_config(), read_device(spec.device)
    plan = load_plan(workspace, spec, progress, tell=tell)
    material = plan.material
    with open_run(workspace.home, run_id, spec.to_json(), plan.fingerprints) as folder:
        join_ranks().wait()
        with closing(Tracker(folder, f"{material.catalog.name} {run_id[:8]}", wandb=spec.wandb)) as tracker:
            tracker.note(device=choice.device, has_log=plan.help.fit is not None, items=len(material.stored))
            watch, raw = _build_watch(tracker, progress), _raw_items(workspace, material)
            trained = train(plan.data, config, choice, folder, everything=plan.help.fit, raw=raw, watch=watch)
            progress("Measuring", 0, 0)
            encode = _text_encoder(workspace, material)
            answer = plan.help.measure(trained, material.tokens, encode)
            answer = add_forgetting(workspace, material, trained, answer, encode, progress)
        report = _build_report(plan, run_id, trained, answer)
        _write_version(workspace, plan, trained, report)
        version = workspace.versions.find(report.version)
        return replace(report, replay=replay_needs(workspace, version, progress))


@ends_with_catalog
def help_train(workspace: Workspace, spec: TrainSpec, run_id: str, progress: Progress) -> None:
    """Compute beside the first of several processes, which alone writes and measures.

    Args:
        workspace: The data folder.
        spec: What the first one trains.
        run_id: Of its run.
        progress: Told how far it is.

    Raises:
        WishlightError: Training cannot start; the first process says so too.
    """
    from core.train.processes import RankDoneError, join_ranks
    from core.train.run import train

    config, choice, ranks = spec.build_config(), read_device(spec.device), join_ranks()
    ranks.wait()  # the first one has read the items by now
    plan = load_plan(workspace, spec, progress)
    raw, folder = _raw_items(workspace, plan.material), workspace.home.runs / run_id
    try:
        train(plan.data, config, choice, folder, everything=plan.help.fit, raw=raw)
    except RankDoneError:
        _log.info("Process %d of %d is done", ranks.rank + 1, ranks.world)


def _raw_items(workspace: Workspace, material: Material) -> "RawItems":
    from core.train.source import RawItems

    return RawItems(
        load_towers=lambda: load_towers(find_backbone(material.catalog.backbone), workspace.home.models),
        items=material.stored,
        find_picture=workspace.pictures.path,
    )


def read_device(name: str) -> DeviceChoice:
    """Where to compute; "" and "auto" take what is there.

    Raises:
        TrainError: There is no such device here.
    """
    if name not in ("", *DEVICES):
        raise TrainError(f"There is no device {name!r}. Choose auto, cpu, cuda or mps.")
    try:
        return choose_device(None if name in ("", "auto") else cast(DeviceName, name))
    except ValueError as exc:
        raise TrainError(str(exc)) from exc


def _build_watch(tracker: Any, progress: Progress) -> "Watch":
    from core.train.run import Watch

    return Watch(
        on_step=lambda step, steps: progress("Training", step, steps),
        on_epoch=tracker.add,
        on_flat=lambda lines: tracker.note(flat=lines),
        on_config=lambda config, computed: tracker.note(config=config.to_json(), computed=computed),
    )


def _text_encoder(workspace: Workspace, material: Material) -> Any:
    return workspace.encoder(material.catalog.backbone).encode_texts


def _build_report(plan: Plan, run_id: str, trained: "Trained", answer: Answer) -> TrainReport:
    return TrainReport(
        version=run_id[:12],
        catalog=plan.material.catalog.name,
        answer=answer,
        validation=trained.validation,
        blend=trained.blend,
        steps=trained.steps,
        seconds=trained.seconds,
        tuned=trained.tuned is not None,
    )


def _write_version(workspace: Workspace, plan: Plan, trained: "Trained", report: TrainReport) -> None:
    """Write the version's files, then its row; without a row nobody knows of the files, and new ones go again."""
    from core.versions.bundle import save_bundle

    catalog = plan.material.catalog
    folder = workspace.home.versions / report.version
    is_new = not folder.exists()
    if is_new:
        save_bundle(trained, plan.material.table.item_ids, _build_card(plan, trained, report), folder)
    try:
        workspace.versions.add(
            report.version,
            catalog.id,
            title=f"{catalog.name}, {'with a log' if trained.heads is not None else 'catalogue alone'}",
            backbone=catalog.backbone,
            has_log=trained.heads is not None,
            metrics=report.measured(),
        )
    except (StoreError, sqlite3.Error):
        if is_new:  # nobody would know of it; a run that ends again has one that is known, and perhaps serves
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _build_card(plan: Plan, trained: "Trained", report: TrainReport) -> dict[str, Any]:
    """What is written beside the weights, as JSON values."""
    return {
        "version": report.version,
        "catalog": report.catalog,
        "backbone": plan.material.catalog.backbone,
        "items": len(plan.material.stored),
        "fingerprint": plan.material.fingerprint,
        "began_with": dict(plan.fingerprints),
        "config": trained.config.to_json(),
        "computed": dict(trained.computed),
        "has_log": trained.heads is not None,
        "tuned": report.tuned,
        "metrics": report.measured(),
    }
