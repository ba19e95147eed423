"""Training a version for a catalogue, from its log or without one, and measuring it before it is offered."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from core.device import DeviceChoice, DeviceName, choose_device
from core.errors import TrainError
from core.evaluate.help_report import CatalogHelp, LogHelp
from core.interactions.log import InteractionLog
from core.interactions.read import read_log
from core.jobs.material import Material, load_material
from core.jobs.progress import Progress
from core.jobs.replay import replay_needs
from core.train.config import PRESETS, TrainConfig, preset_config
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.train.run import Watch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSpec:
    """What to train.

    Attributes:
        catalog: Its name.
        preset: One of `PRESETS`; ignored when `config` holds anything.
        config: Hyper-parameters, as `TrainConfig.to_json`; empty for the preset's.
        interactions: Path of a log; "" takes the one stored with the catalogue.
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
        tuning = {"tuning": self.tuning} if self.tuning else {}
        return TrainConfig.from_json({**base, "seed": self.seed, **tuning})

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them back."""
        return asdict(self) | {"config": dict(self.config)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TrainSpec":
        """Read what `to_json` wrote."""
        return cls(**data)


def run_train(workspace: Workspace, spec: TrainSpec, run_id: str, progress: Progress) -> dict[str, Any]:
    """Train, measure, and write a version down; started again with the same id it goes on.

    Returns:
        JSON values: version, metrics, recommendation, and what moved for the saved needs.

    Raises:
        WishlightError: Training cannot start or go on; the message says what to do.
    """
    from core.train.run import train
    from core.train.tracking import Tracker

    config = spec.build_config()
    choice = _choose_device(spec.device)
    material = load_material(workspace, spec.catalog, progress)
    log = load_log(workspace, material, spec)
    folder = workspace.home.runs / run_id
    folder.mkdir(parents=True, exist_ok=True)
    check_same_run(folder, spec, material)
    (folder / "spec.json").write_text(json.dumps(spec.to_json()), "utf-8")
    tracker = Tracker(folder, f"{material.catalog.name} {run_id[:8]}", wandb=spec.wandb)
    tracker.note(
        device=choice.device,
        device_reason=choice.reason,
        config=config.to_json(),
        has_log=log is not None,
        items=len(material.items),
    )
    try:
        watch = _build_watch(tracker, progress)
        plan = LogHelp(material.table, log, config) if log is not None else CatalogHelp(material.table, config)
        data = plan.build_data(material.tokens)
        trained = train(data, config, choice, folder, everything=plan.fit, watch=watch)
        progress("Measuring", 0, 0)
        answer = plan.measure(trained, material.tokens, _text_encoder(workspace, material))
    finally:
        tracker.close()
    written = _write_version(workspace, material, spec, run_id, trained, answer)
    return {**written, **replay_needs(workspace, workspace.versions.find(written["version"]), progress)}


def load_log(workspace: Workspace, material: Material, spec: TrainSpec) -> InteractionLog | None:
    """The log that a spec names, None when it is to train on the catalogue alone.

    Raises:
        WishlightError: The file cannot be read, or none of its items is in the catalogue.
    """
    if not spec.use_log:
        return None
    if spec.interactions:
        found = read_log(Path(spec.interactions), material.table.item_ids, accept_suggestions=True)
        if not len(found.log):
            raise TrainError(
                f"None of the {found.rows:,} rows of the log belongs to an item of “{material.catalog.name}”. Check "
                "that its item column holds the same ids as the catalogue."
            )
        return found.log
    log = workspace.interactions.load(material.catalog.id, material.table.item_ids)
    return log if len(log) else None


def check_same_run(folder: Path, spec: TrainSpec, material: Material) -> None:
    """Refuse to go on with a run when the catalogue or the settings are no longer those it began with.

    Raises:
        TrainError: They differ.
    """
    now = hashlib.sha256(f"{json.dumps(spec.to_json(), sort_keys=True)}{material.fingerprint}".encode()).hexdigest()
    path = folder / "started.txt"
    if path.exists() and path.read_text("utf-8") != now:
        raise TrainError(
            "The catalogue or the settings have changed since this run began, so it cannot go on. Start a new run."
        )
    path.write_text(now, "utf-8")


def _choose_device(name: str) -> DeviceChoice:
    if name not in ("", "auto", "cpu", "cuda", "mps"):
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
    }
    card = {
        "version": version,
        "catalog": material.catalog.name,
        "backbone": material.catalog.backbone,
        "items": len(material.items),
        "fingerprint": material.fingerprint,
        "config": spec.build_config().to_json(),
        "has_log": trained.memory is not None,
        "metrics": metrics,
    }
    folder = workspace.home.versions / version
    if not folder.exists():
        save_bundle(trained, material.table.item_ids, card, folder)
    title = f"{material.catalog.name}, {'with a log' if trained.memory is not None else 'catalogue alone'}"
    workspace.versions.add(
        version,
        material.catalog.id,
        title=title,
        backbone=material.catalog.backbone,
        has_log=trained.memory is not None,
        metrics=metrics,
    )
    return {"version": version, "catalog": material.catalog.name, **metrics}
