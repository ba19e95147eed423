"""Training a version for a catalogue, from its log or without one, and measuring it before it is offered."""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from core.device import DeviceChoice, DeviceName, choose_device
from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.errors import StoreError, TrainError
from core.evaluate.help_report import CatalogHelp, LogHelp
from core.interactions.log import InteractionLog
from core.interactions.log_file import read_log_file
from core.jobs.bound import ends_with_catalog
from core.jobs.forgetting import add_forgetting
from core.jobs.material import Material, load_material
from core.jobs.progress import Progress, silent
from core.jobs.replay import replay_needs
from core.train.config import PRESETS, TrainConfig, preset_config
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.train.ranks import Ranks
    from core.train.run import Watch
    from core.train.source import RawItems

_log = logging.getLogger(__name__)
DEVICES = ("auto", "cpu", "cuda", "mps")
#: Items at a time where their pictures go through a tower with gradients, unless a configuration says otherwise.
_TUNED_ITEMS = 32
#: In a run's folder: what was asked for.
SPEC = "spec.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSpec:
    """What to train.

    Attributes:
        catalog: Its name.
        preset: One of `PRESETS`; ignored when `config` holds anything.
        config: Hyper-parameters, as `TrainConfig.to_json`; empty for the preset's.
        interactions: Path of a log; "" takes the one stored with the catalogue.
        reading: How that file is read, as `core.interactions.log_file.LogFile.reading`; empty finds it out.
        use_log: Whether to use a log at all.
        tuning: "" for the configuration's.
        device: "" for what is there.
        seed: Of everything random.
        wandb: Whether to log to Weights & Biases as well.
    """

    catalog: str
    preset: str = "quick"
    config: Mapping[str, Any] = field(default_factory=dict)
    interactions: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)
    use_log: bool = True
    tuning: str = ""
    device: str = ""
    seed: int = 0
    wandb: bool = False

    def build_config(self) -> TrainConfig:
        """The hyper-parameters.

        Raises:
            TrainError: A value is unknown or out of range.
        """
        if self.preset not in PRESETS:
            raise TrainError(f"There is no preset {self.preset!r}. Choose {', '.join(PRESETS)}.")
        base = self.config or preset_config(self.preset).to_json()
        tuning: dict[str, Any] = {"tuning": self.tuning} if self.tuning else {}
        if self.tuning not in ("", "frozen") and not self.config:
            tuning["items"] = _TUNED_ITEMS
        return TrainConfig.from_json({**base, "seed": self.seed, **tuning})

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
def run_train(workspace: Workspace, spec: TrainSpec, run_id: str, progress: Progress) -> dict[str, Any]:
    """Train, measure, and write a version down; started again with the same id it goes on.

    Returns:
        JSON values: version, metrics, recommendation, and what moved for the saved needs.

    Raises:
        WishlightError: Training cannot start or go on; the message says what to do.
    """
    from core.train.ranks import join_ranks
    from core.train.run import train
    from core.train.tracking import Tracker

    config = spec.build_config()
    choice = read_device(spec.device)
    ranks = join_ranks()
    if not ranks.is_first:
        return _help_first(workspace, spec, run_id, ranks)
    material, plan = load_plan(workspace, spec, progress)
    folder = open_run(workspace, run_id, spec.to_json(), material.fingerprint)
    ranks.wait()
    tracker = Tracker(folder, f"{material.catalog.name} {run_id[:8]}", wandb=spec.wandb)
    tracker.note(
        device=choice.device,
        device_reason=choice.reason,
        config=config.to_json(),
        has_log=plan.fit is not None,
        items=len(material.items),
    )
    try:
        watch, raw = _build_watch(tracker, progress), _raw_items(workspace, material)
        data = plan.build_data(material.tokens)
        trained = train(data, config, choice, folder, everything=plan.fit, raw=raw, watch=watch)
        progress("Measuring", 0, 0)
        encode = _text_encoder(workspace, material)
        answer = plan.measure(trained, material.tokens, encode)
        answer = add_forgetting(workspace, material, trained, answer, encode, progress)
    finally:
        tracker.close()
    written = _write_version(workspace, material, spec, run_id, trained, answer)
    return {**written, **replay_needs(workspace, workspace.versions.find(written["version"]), progress)}


def _help_first(workspace: Workspace, spec: TrainSpec, run_id: str, ranks: "Ranks") -> dict[str, Any]:
    """Compute beside the first of several processes, which alone writes and measures."""
    from core.train.ranks import RankDoneError
    from core.train.run import train

    ranks.wait()  # the first one has read the items by now
    material, plan = load_plan(workspace, spec, silent)
    data = plan.build_data(material.tokens)
    raw, folder = _raw_items(workspace, material), workspace.home.runs / run_id
    try:
        train(data, spec.build_config(), read_device(spec.device), folder, everything=plan.fit, raw=raw)
    except RankDoneError:
        _log.info("Process %d of %d is done", ranks.rank + 1, ranks.world)
    return {}


def _raw_items(workspace: Workspace, material: Material) -> "RawItems":
    from core.train.source import RawItems

    return RawItems(
        load_towers=lambda: load_towers(find_backbone(material.catalog.backbone), workspace.home.models),
        items=material.items,
        pictures=material.pictures,
    )


def load_log(workspace: Workspace, material: Material, spec: TrainSpec) -> InteractionLog | None:
    """The log that a spec names, None when it is to train on the catalogue alone.

    Raises:
        WishlightError: The file cannot be read, or none of its items is in the catalogue.
    """
    if not spec.use_log:
        return None
    if spec.interactions:
        return read_log_file(Path(spec.interactions), spec.reading, material.table.item_ids).log
    log = workspace.interactions.load(material.catalog.id, material.table.item_ids)
    return log if len(log) else None


def load_plan(workspace: Workspace, spec: TrainSpec, progress: Progress) -> tuple[Material, LogHelp | CatalogHelp]:
    """The catalogue, and what is learned from, what is checked with, and what is tested in the end.

    Raises:
        WishlightError: The catalogue or the log cannot be used, or the log is too small to hold anything out of it.
    """
    config = spec.build_config()
    material = load_material(workspace, spec.catalog, progress)
    log = load_log(workspace, material, spec)
    plan = LogHelp(material.table, log, config) if log is not None else CatalogHelp(material.table, config)
    return material, plan


def open_run(workspace: Workspace, run_id: str, spec: Mapping[str, Any], fingerprint: str) -> Path:
    """The folder of a run, made when missing; it keeps what was asked for, so that it can be gone on with.

    Args:
        workspace: Where it lies.
        run_id: Its name.
        spec: JSON values.
        fingerprint: Of the catalogue as the run reads it.

    Raises:
        TrainError: The catalogue or the settings are no longer those that the run began with.
    """
    folder = workspace.home.runs / run_id
    folder.mkdir(parents=True, exist_ok=True)
    now = hashlib.sha256(f"{json.dumps(spec, sort_keys=True)}{fingerprint}".encode()).hexdigest()
    path = folder / "started.txt"
    if path.exists() and path.read_text("utf-8") != now:
        raise TrainError(
            "The catalogue or the settings have changed since this run began, so it cannot go on. Start a new run."
        )
    path.write_text(now, "utf-8")
    (folder / SPEC).write_text(json.dumps(spec), "utf-8")
    return folder


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
    )


def _text_encoder(workspace: Workspace, material: Material) -> Any:
    return workspace.encoder(material.catalog.backbone).encode_texts


def _write_version(
    workspace: Workspace, material: Material, spec: TrainSpec, run_id: str, trained: Any, answer: Any
) -> dict[str, Any]:
    from core.train.bundle import save_bundle

    version = run_id[:12]
    metrics = answer.to_json() | {
        "validation": dict(trained.validation),
        "blend": trained.blend,
        "steps": trained.steps,
        "seconds": round(trained.seconds, 1),
        "tuned": trained.tuned is not None,
    }
    card = {
        "version": version,
        "catalog": material.catalog.name,
        "backbone": material.catalog.backbone,
        "items": len(material.items),
        "fingerprint": material.fingerprint,
        "config": spec.build_config().to_json(),
        "has_log": trained.heads is not None,
        "tuned": trained.tuned is not None,
        "metrics": metrics,
    }
    folder = workspace.home.versions / version
    if not folder.exists():
        save_bundle(trained, material.table.item_ids, card, folder)
    title = f"{material.catalog.name}, {'with a log' if trained.heads is not None else 'catalogue alone'}"
    try:
        workspace.versions.add(
            version,
            material.catalog.id,
            title=title,
            backbone=material.catalog.backbone,
            has_log=trained.heads is not None,
            metrics=metrics,
        )
    except StoreError:
        shutil.rmtree(folder, ignore_errors=True)  # nobody would know of it
        raise
    return {"version": version, "catalog": material.catalog.name, **metrics}
