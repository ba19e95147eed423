"""From a backbone's name to a ready encoder, on the fastest runtime that gives the right embeddings."""

import logging
from pathlib import Path
from typing import Literal

from core.device import DeviceName, choose_device
from core.encode.encoder import Encoder, EncoderFacts, TowerEncoder
from core.encode.registry import Backbone, find_backbone
from core.encode.runtime import LEAST_AGREEMENT, Runtime
from core.encode.runtime_openvino import ConversionRecord, OpenVinoRuntime, convert_towers, find_folder, read_record
from core.encode.runtime_torch import TorchRuntime
from core.encode.towers import Towers, describe_version, load_tokenizer, load_towers
from core.errors import BackboneError

RuntimeName = Literal["auto", "openvino", "torch"]
_log = logging.getLogger(__name__)


def load_encoder(
    name: str,
    models: Path,
    *,
    runtime: RuntimeName = "auto",
    device: DeviceName | None = None,
) -> Encoder:
    """Load an encoder.

    Args:
        name: As `find_backbone` takes it, e.g. "embedded".
        models: Folder of derived and downloaded models, `Home.models`.
        runtime: "auto" takes a graphics card where there is one, else OpenVINO, else torch.
        device: "cpu" or "cuda" for torch; None takes what is there.

    Returns:
        An encoder that threads may share; its `runtime_reason` says what was chosen and why.

    Raises:
        BackboneError: The name is unknown, the weights are not here and cannot be fetched, or they are damaged.
        ValueError: The runtime or the device is unknown.
    """
    if runtime not in ("auto", "openvino", "torch"):
        raise ValueError(f"Unknown runtime {runtime!r}: choose auto, openvino or torch.")
    backbone = find_backbone(name)
    version = describe_version(backbone)
    if runtime == "openvino" or (runtime == "auto" and not has_card(device)):
        return _load_openvino(backbone, version, models)
    return _load_torch(backbone, version, models, device)


def _load_openvino(backbone: Backbone, version: str, models: Path) -> Encoder:
    """Converted towers from disk, else converted now; torch where they cannot be had."""
    try:
        folder = find_folder(models, version)
    except ImportError:
        reason = "torch in float32, since OpenVINO is not installed."
        return _build_torch(backbone, version, load_towers(backbone, models), reason)
    record = read_record(folder)
    if record is not None and record.accepted:
        _log.info("Opening the converted model")
        try:
            return _open_converted(backbone, version, models, folder, record)
        except RuntimeError:
            _log.warning("The converted model in %s cannot be opened; it is converted again", folder)
            record = None
    _log.info("Loading the model %s", backbone.name)
    towers = load_towers(backbone, models)
    return _convert(backbone, version, towers, folder, record)


def _convert(
    backbone: Backbone, version: str, towers: Towers, folder: Path, record: ConversionRecord | None
) -> Encoder:
    reference = TorchRuntime(towers, choose_device("cpu"))
    try:
        record = record or convert_towers(towers, reference, folder)
        if record.accepted:
            converted = OpenVinoRuntime(folder, record)
            return _wrap(backbone, version, towers, converted)
        reason = (
            f"torch in float32, since OpenVINO's embeddings differ (cosine {record.agreement:.4f}, "
            f"at least {LEAST_AGREEMENT} is wanted)."
        )
    except Exception as exc:  # a tower that OpenVINO cannot convert still runs in torch
        _log.warning("OpenVINO cannot run %s", backbone.name, exc_info=True)
        reason = f"torch in float32, since OpenVINO cannot run this model ({type(exc).__name__})."
    _log.warning("%s runs on %s", backbone.name, reason)
    return _build_torch(backbone, version, towers, reason)


def _open_converted(backbone: Backbone, version: str, models: Path, folder: Path, record: ConversionRecord) -> Encoder:
    return TowerEncoder(
        _facts(backbone, version, record),
        OpenVinoRuntime(folder, record),
        load_tokenizer(backbone, models),
        record.preparation,
        trims=record.trims,
    )


def _load_torch(backbone: Backbone, version: str, models: Path, device: DeviceName | None) -> Encoder:
    choice = choose_device(device)
    _log.info("Loading the model %s", backbone.name)
    towers = load_towers(backbone, models)
    try:
        runtime = TorchRuntime(towers, choice)
    except RuntimeError as exc:  # torch's out-of-memory error is one
        raise BackboneError(
            f"The model {backbone.name} does not fit on the graphics card. Free memory there, or choose the processor."
        ) from exc
    return _wrap(backbone, version, towers, runtime)


def build_encoder(name: str, towers: Towers) -> Encoder:
    """An encoder of towers that are loaded already, e.g. of a tuned version, under the name of their backbone.

    It runs in torch: converting towers for one version would take longer than most versions live.

    Raises:
        BackboneError: The name is unknown.
    """
    backbone = find_backbone(name)
    choice = choose_device() if has_card() else choose_device("cpu")
    runtime = TorchRuntime(towers, choice, reason=f"torch in {choice.dtype}, since this version tuned the model.")
    return _wrap(backbone, describe_version(backbone), towers, runtime)


def _build_torch(backbone: Backbone, version: str, towers: Towers, reason: str) -> Encoder:
    runtime = TorchRuntime(towers, choose_device("cpu"), reason=reason)
    return _wrap(backbone, version, towers, runtime)


def _wrap(backbone: Backbone, version: str, towers: Towers, runtime: Runtime) -> Encoder:
    facts = _facts(backbone, version, towers)
    return TowerEncoder(facts, runtime, towers.tokenizer, towers.preparation, trims=towers.trims)


def _facts(backbone: Backbone, version: str, known: Towers | ConversionRecord) -> EncoderFacts:
    return EncoderFacts(
        backbone=backbone.name,
        model_version=version,
        dimension=known.dimension,
        languages=backbone.languages,
        logit_scale=known.logit_scale,
    )


def has_card(device: DeviceName | None = None) -> bool:
    """Whether there is a graphics card to use; torch takes a second to import, so the driver is asked first."""
    if device == "cpu" or not (Path("/proc/driver/nvidia").exists() or Path("/dev/dxg").exists()):
        return device == "cuda"
    return choose_device(device).device == "cuda"
