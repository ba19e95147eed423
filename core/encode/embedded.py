"""The built-in model: an open_clip `local-dir:` folder made from two packages of weights and our own small head.

Nothing is downloaded. The folder is derived: delete it and it is built again.
"""

import contextlib
import filecmp
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.checksums import CHECKSUM, as_bytes, checksum_arrays, read_arrays
from core.encode import embedded_weights as weights
from core.encode.tokens import Tokenizer, WordPieceTokenizer, count_tokens, trim_padding
from core.errors import BackboneError
from core.files import written_whole

HEAD_FILE = Path(__file__).parents[2] / "assets" / "embedded" / "head.safetensors"
CONFIG_NAME = "open_clip_config.json"
#: Not "*open_clip_model*": open_clip must not load it by itself, before our head is in place.
WEIGHTS_NAME = "embedded.safetensors"
DIMENSION = 384
PICTURE_FEATURES = 1280
CLASSES = 1000
PICTURE_SIDE = 260
CONTEXT_LENGTH = 64
#: Raise it when the same head gives other embeddings, e.g. when the class texts change.
LAYOUT_VERSION = 1
_log = logging.getLogger(__name__)


def embedded_fingerprint() -> str:
    """Twelve hex digits over the head, the packages' versions and the layout.

    Raises:
        BackboneError: The head's file or a package is missing.
    """
    try:
        digest = hashlib.sha256(HEAD_FILE.read_bytes())
    except OSError as exc:
        raise BackboneError(
            "The built-in model's head is missing from assets/embedded. Check out the code again."
        ) from exc
    digest.update(json.dumps([weights.package_versions(), LAYOUT_VERSION], sort_keys=True).encode())
    return digest.hexdigest()[:12]


def prepare_embedded_folder(models: Path) -> Path:
    """Build the model's folder where it is missing, and its small files where they are not what they were.

    Args:
        models: Folder of derived models, e.g. `Home.models`.

    Returns:
        Folder that `load_embedded_model` reads.

    Raises:
        BackboneError: A package is missing, or the folder cannot be written.
    """
    folder = models.absolute() / f"embedded-{embedded_fingerprint()}"
    try:
        if not (folder / WEIGHTS_NAME).exists():
            models.mkdir(parents=True, exist_ok=True)
            _build_folder(folder)
        elif _config_text(folder) != (folder / CONFIG_NAME).read_text("utf-8"):
            _write_config(folder, folder)  # the data folder was moved, and open_clip wants absolute paths
        _copy_tokenizer(folder)
    except OSError as exc:
        raise BackboneError(
            f"The built-in model cannot be written to {models} ({exc.strerror}). Free some space."
        ) from exc
    return folder


def load_embedded_model(folder: Path) -> Any:
    """Load the model through open_clip, in evaluation mode, on the CPU.

    Args:
        folder: What `prepare_embedded_folder` returned; it is built again where its weights are damaged.

    Returns:
        A `CustomTextCLIP` with our head; `visual.head` also maps spatial cells (..., 1280) to (..., 384).

    Raises:
        BackboneError: The folder is damaged.
    """
    from safetensors import SafetensorError

    try:
        try:
            state, _ = read_arrays(folder / WEIGHTS_NAME, framework="pt")
        except (OSError, SafetensorError, ValueError):
            _log.warning("The built-in model in %s is damaged; it is built again", folder)
            shutil.rmtree(folder, ignore_errors=True)
            state, _ = read_arrays(prepare_embedded_folder(folder.parent) / WEIGHTS_NAME, framework="pt")
        model = _assemble(folder)
        model.load_state_dict(state, strict=True)
    except Exception as exc:
        raise BackboneError(f"The built-in model in {folder} is damaged. Delete that folder and try again.") from exc
    return model.eval()


def list_class_texts() -> list[tuple[str, str, str]]:
    """Three texts for each ImageNet class, in the order of the classifier: name, WordNet's lemmas, its definition."""
    from open_clip import IMAGENET_CLASSNAMES
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo()
    described = [(info.index_to_description(k), info.index_to_description(k, detailed=True)) for k in range(CLASSES)]
    return [(name, *texts) for name, texts in zip(IMAGENET_CLASSNAMES, described, strict=True)]


def _embed_classes(text_tower: Any, tokenizer: Tokenizer) -> Any:
    """Mean of the texts' embeddings, each and the mean unit-norm: tensor (1000, 384)."""
    import torch
    from torch.nn.functional import normalize

    texts = [text for variants in list_class_texts() for text in variants]
    tokens = tokenizer(texts)
    # Short texts first and no padding: a fifth of the time, and this is most of what a first start waits for.
    order = np.argsort(count_tokens(tokens, tokenizer.pad_id), kind="stable")
    embeddings = torch.empty(len(texts), DIMENSION)
    with torch.inference_mode():
        for start in range(0, len(order), 100):
            rows = order[start : start + 100]
            embeddings[rows] = text_tower(torch.from_numpy(trim_padding(tokens[rows], tokenizer.pad_id)))
        embeddings = normalize(embeddings, dim=-1).view(CLASSES, -1, DIMENSION)
        return normalize(embeddings.mean(1), dim=-1).clone()


def _build_folder(folder: Path) -> None:
    """Write beside the target, then rename: a reader never sees half a folder."""
    draft = Path(tempfile.mkdtemp(prefix=".embedded-", dir=folder.parent))
    try:
        _copy_tokenizer(draft)
        _write_config(draft, draft)
        _save_model(draft)
        _write_config(draft, folder)
        draft.rename(folder)
    except OSError:
        if not (folder / WEIGHTS_NAME).exists():  # else another process was faster, and its folder is as good
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy_tokenizer(folder: Path) -> None:
    for name in weights.TOKENIZER_FILES:
        source, target = weights.text_folder() / name, folder / name
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            with written_whole(target, flush=False) as temporary:
                shutil.copyfile(source, temporary)


def _save_model(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    model = _assemble(folder)
    picture = weights.load_picture_state()
    classifier = {kind: picture.pop(f"classifier.{kind}") for kind in ("weight", "bias")}
    model.visual.trunk.load_state_dict(picture, strict=True)
    missing = model.text.transformer.load_state_dict(weights.load_text_state(), strict=False)
    if missing.unexpected_keys or any("position_ids" not in key for key in missing.missing_keys):
        raise BackboneError(f"The package {weights.TEXT_PACKAGE} has another layout than expected.")
    projection, model.text.proj = model.text.proj, _identity()
    names = _embed_classes(model.text.eval(), WordPieceTokenizer(folder, context_length=CONTEXT_LENGTH))
    model.text.proj = projection
    head = load_file(HEAD_FILE)
    model.visual.head.load_state_dict(
        {
            **{f"classifier.{kind}": value for kind, value in classifier.items()},
            **{f"linear.{kind}": head[f"linear.{kind}"] for kind in ("weight", "bias")},
            "scale": head["scale"],
            "class_embeddings": names,
        }
    )
    model.text.proj.load_state_dict({kind: head[f"text.{kind}"] for kind in ("weight", "bias")})
    model.logit_scale.data.fill_(float(head["logit_scale"]))
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / WEIGHTS_NAME, {CHECKSUM: checksum_arrays(as_bytes(state), "")})


def _assemble(folder: Path) -> Any:
    """The architecture with random weights."""
    import open_clip

    from core.encode.embedded_parts import ConseHead, UnitLinear

    with _without_warnings():
        model, _, _ = open_clip.create_model_and_transforms(
            f"local-dir:{folder}", load_weights=False, pretrained_text=False, pretrained_image=False
        )
    model.visual.head = ConseHead(PICTURE_FEATURES, DIMENSION)
    model.text.proj = UnitLinear(DIMENSION, DIMENSION)
    return model


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """open_clip warns of random weights, which are wanted here: the real ones come a moment later."""

    def is_foreign(record: logging.LogRecord) -> bool:
        return "open_clip" not in Path(record.pathname).parts

    root = logging.getLogger()  # open_clip writes to it directly
    root.addFilter(is_foreign)
    try:
        yield
    finally:
        root.removeFilter(is_foreign)


def _identity() -> Any:
    from torch import nn

    return nn.Identity()


def _config_text(folder: Path) -> str:
    vision = {
        "timm_model_name": weights.PICTURE_TOWER,
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": PICTURE_SIDE,
    }
    text = {
        "hf_model_name": str(folder),
        "hf_tokenizer_name": str(folder),
        "hf_model_pretrained": False,
        "hf_pooler_type": "mean_pooler",
        "hf_proj_type": None,  # the sentence model is as wide as the joint space, so its pooled output is the input
        "context_length": CONTEXT_LENGTH,
    }
    preparation = {
        "mean": [127 / 255] * 3,
        "std": [128 / 255] * 3,
        "interpolation": "bicubic",
        "resize_mode": "longest",
        "fill_color": 255,
    }
    model = {"embed_dim": DIMENSION, "custom_text": True, "vision_cfg": vision, "text_cfg": text}
    return json.dumps({"model_cfg": model, "preprocess_cfg": preparation}, indent=1)


def _write_config(folder: Path, named: Path) -> None:
    """Write the configuration into `folder`, naming `named` as the model's place."""
    handle, draft = tempfile.mkstemp(prefix=".config-", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_config_text(named))
        Path(draft).replace(folder / CONFIG_NAME)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()
