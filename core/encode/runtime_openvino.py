"""OpenVINO: the fast runtime for processors, in bfloat16 where the processor has it.

Towers are converted from torch once, held against torch on a few inputs, and kept on disk with the verdict; later
loads need neither torch nor open_clip.
"""

import hashlib
import json
import logging
import platform
import re
import shutil
import tempfile
import threading
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from core.encode.openvino_import import import_openvino
from core.encode.openvino_precision import Compiled, compile_tower, list_precisions
from core.encode.pictures import Pixels, Preparation
from core.encode.runtime import (
    LEAST_AGREEMENT,
    CheckInputs,
    EmbeddingArray,
    build_check_inputs,
    measure_agreement,
)
from core.encode.runtime_torch import TorchRuntime
from core.encode.tokens import Tokens
from core.encode.towers import Towers

#: Raise it when towers are converted differently.
_CONVERSION_VERSION = 3
_RECORD_NAME = "record.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRecord:
    """What a conversion found out; kept beside the converted towers.

    Attributes:
        picture_precision: One of `list_precisions`; "" when neither agreed with torch, so that torch must be used.
        text_precision: The same for texts, which bear a coarser format better than pictures do.
        agreement: Mean cosine with torch on the worse of pictures and texts, of the precisions taken or last tried.
        preparation: Of the picture tower.
        dimension: Of the joint space.
        trims: Whether the text tower takes rows without their padding.
        logit_scale: Factor of cosines before the softmax.
        files: Name to SHA-256 (hex) of every other file of the folder.
    """

    picture_precision: str
    text_precision: str
    agreement: float
    preparation: Preparation
    dimension: int
    trims: bool
    logit_scale: float
    files: Mapping[str, str]

    @property
    def accepted(self) -> bool:
        """Whether both towers may be used."""
        return bool(self.picture_precision and self.text_precision)


class OpenVinoRuntime:
    """Runs both towers in OpenVINO; see `core.encode.runtime.Runtime`."""

    name = "openvino"
    picture_batch = 8
    text_batch = 32

    def __init__(self, folder: Path, record: ConversionRecord) -> None:
        self.reason = (
            f"OpenVINO on this processor, pictures in {record.picture_precision}, texts in {record.text_precision}."
        )
        self._lock = threading.Lock()
        pictures = compile_tower(folder, "picture", record.picture_precision)
        texts = compile_tower(folder, "text", record.text_precision)
        if pictures is None or texts is None:
            raise ValueError("the record names a precision that this tower does not have")
        self._pictures, self._texts = pictures, texts

    def encode_pixels(self, pixels: Pixels) -> EmbeddingArray:
        """Encode pixels (N, S, S, 3) to (N, D), unit-norm."""
        return self._run(self._pictures, pixels, self.picture_batch)

    def encode_tokens(self, tokens: Tokens) -> EmbeddingArray:
        """Encode tokens (N, L) to (N, D), unit-norm."""
        return self._run(self._texts, tokens, self.text_batch)

    def _run(self, compiled: Compiled, inputs: Pixels | Tokens, batch: int) -> EmbeddingArray:
        rows: list[EmbeddingArray] = []
        for start in range(0, len(inputs), batch):
            with self._lock:
                rows.append(_infer(compiled, inputs[start : start + batch]))
        return np.concatenate(rows)


def find_folder(models: Path, model_version: str) -> Path:
    """Folder of the converted towers of a model, for this OpenVINO and this processor."""
    openvino = import_openvino()

    key = f"{model_version}|{openvino.get_version()}|{_processor()}|{_CONVERSION_VERSION}"
    slug = re.sub(r"[^\w.-]+", "-", model_version.split("+", maxsplit=1)[0])[-40:].strip("-")
    return models / "openvino" / f"{slug}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def read_record(folder: Path) -> ConversionRecord | None:
    """The verdict of an earlier conversion, None when there is none, it cannot be read, or a file has changed since."""
    try:
        data = json.loads((folder / _RECORD_NAME).read_text("utf-8"))
        wishes = data.pop("preparation")
        wishes |= {"mean": tuple(wishes["mean"]), "std": tuple(wishes["std"])}
        record = ConversionRecord(preparation=Preparation(**wishes), **data)
        is_whole = _hash_files(folder) == record.files
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if not is_whole:
        _log.warning("The converted model in %s is damaged; it is converted again", folder)
    return record if is_whole else None


def _hash_files(folder: Path) -> dict[str, str]:
    hashes = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != _RECORD_NAME:
            with path.open("rb") as file:
                hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def convert_towers(towers: Towers, reference: TorchRuntime, folder: Path) -> ConversionRecord:
    """Convert both towers, check them, and keep them in `folder`.

    Args:
        towers: Loaded with torch.
        reference: Runs the same towers in torch, on the processor.
        folder: From `find_folder`; written beside and renamed.

    Returns:
        The verdict, which is in the folder as well.

    Raises:
        OSError: The folder cannot be written.
        Exception: Whatever OpenVINO raises for a tower that it cannot convert.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        _log.info("Converting the model for this processor")
        inputs = build_check_inputs(towers.preparation, towers.tokenizer, trims=towers.trims)
        _save_towers(towers, inputs, draft)
        _log.info("Checking the converted model")
        record = _check(towers, reference, inputs, draft)
        (draft / _RECORD_NAME).write_text(json.dumps(asdict(record), indent=1), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return record


def _save_towers(towers: Towers, inputs: CheckInputs, folder: Path) -> None:
    """Batch size stays open, and so does the text's length where the tower takes short rows."""
    openvino = import_openvino()
    import torch

    from core.encode.tower_parts import PictureTower, TextTower

    side = towers.preparation.side
    picture = PictureTower(towers.model, towers.preparation.mean, towers.preparation.std).eval()
    text = TextTower(towers.model).eval()
    length = -1 if towers.trims else towers.tokenizer.context_length
    for name, tower, example, shape in (
        ("picture", picture, inputs.pixels, (-1, side, side, 3)),
        ("text", text, inputs.tokens, (-1, length)),
    ):
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer doubts shapes; the check against torch settles it
            converted = openvino.convert_model(tower, example_input=torch.from_numpy(example), input=[shape])
        openvino.save_model(converted, folder / f"{name}.xml", compress_to_fp16=False)


def _check(towers: Towers, reference: TorchRuntime, inputs: CheckInputs, folder: Path) -> ConversionRecord:
    picture, seen = _choose_precision(folder, "picture", inputs.pixels, reference.encode_pixels(inputs.pixels))
    text, read = _choose_precision(folder, "text", inputs.tokens, reference.encode_tokens(inputs.tokens))
    return ConversionRecord(
        picture_precision=picture,
        text_precision=text,
        agreement=min(seen, read),
        preparation=towers.preparation,
        dimension=towers.dimension,
        trims=towers.trims,
        logit_scale=towers.logit_scale,
        files=_hash_files(folder),
    )


def _choose_precision(folder: Path, name: str, inputs: Pixels | Tokens, wanted: EmbeddingArray) -> tuple[str, float]:
    """The fastest precision that agrees with torch, "" for none, and its mean cosine."""
    agreement = 0.0
    for precision in list_precisions():
        compiled = compile_tower(folder, name, precision)
        if compiled is None:
            continue
        agreement = measure_agreement(_infer(compiled, inputs), wanted)
        _log.info("OpenVINO's %s tower in %s agrees with torch by a mean cosine of %.5f", name, precision, agreement)
        if agreement >= LEAST_AGREEMENT:
            return precision, agreement
    return "", agreement


def _infer(compiled: Compiled, inputs: Pixels | Tokens) -> EmbeddingArray:
    """Encode one batch; the norm is taken again, since bfloat16's is off by some thousandths."""
    rows = compiled(np.ascontiguousarray(inputs))
    unit: EmbeddingArray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def _processor() -> str:
    """The processor's name as the system tells it: the verdict of another one does not count."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    chosen = ("model name", "flags", "Features", "CPU part")
    first = {line.split(":")[0].strip(): line for line in reversed(lines) if line.startswith(chosen)}
    return "|".join(first.values())
