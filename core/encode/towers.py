"""Loads both towers of any backbone with open_clip."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.encode.embedded import (
    CONTEXT_LENGTH,
    embedded_fingerprint,
    load_embedded_model,
    prepare_embedded_folder,
)
from core.encode.hub import require_download
from core.encode.pictures import PREPARATION_VERSION, Preparation
from core.encode.registry import EMBEDDED, LOCAL_PREFIX, Backbone
from core.encode.text import TEMPLATE_VERSION
from core.encode.tokens import OpenClipTokenizer, Tokenizer, Tokens, WordPieceTokenizer, trim_padding
from core.encode.trust import Arguments, check_model, tell_failure
from core.errors import BackboneError

_TRIM_TEXTS = ("cup", "a cup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Towers:
    """A loaded open_clip model and what its inputs look like.

    Attributes:
        model: open_clip's model, evaluation mode, on the CPU, float32.
        tokenizer: Of the text tower.
        preparation: Of the picture tower.
        dimension: Of the joint space.
        trims: Whether the text tower gives the same embedding for a row without its padding.
        logit_scale: Factor of cosines before the softmax, as trained.
    """

    model: Any
    tokenizer: Tokenizer
    preparation: Preparation
    dimension: int
    trims: bool
    logit_scale: float


def describe_version(backbone: Backbone) -> str:
    """Name the embeddings that a backbone gives: equal versions may be compared, on whatever runtime.

    Args:
        backbone: Any.

    Returns:
        Weights, pixel preparation and item template, e.g. "embedded@1f2e3d4c5b6a+p1+t1".

    Raises:
        BackboneError: The weights of a folder cannot be read.
    """
    if backbone.name == EMBEDDED:
        weights = f"{EMBEDDED}@{embedded_fingerprint()}"
    elif backbone.model.startswith(LOCAL_PREFIX):
        folder = Path(backbone.model.removeprefix(LOCAL_PREFIX))
        weights = f"{folder.name}@{_folder_fingerprint(folder)}"
    else:
        weights = f"{backbone.model}/{backbone.pretrained}".rstrip("/")
    return f"{weights}+p{PREPARATION_VERSION}+t{TEMPLATE_VERSION}"


def load_towers(backbone: Backbone, models: Path) -> Towers:
    """Load a backbone, downloading it once where it must be.

    Args:
        backbone: From `find_backbone`.
        models: Folder of derived and downloaded models.

    Raises:
        BackboneError: It is offline and not here, or damaged.
    """
    if backbone.name == EMBEDDED:
        folder = prepare_embedded_folder(models)
        return _describe(load_embedded_model(folder), WordPieceTokenizer(folder, context_length=CONTEXT_LENGTH))
    if backbone.needs_download:
        require_download(backbone, models)
    try:
        return _describe(*_load_open_clip(backbone, models))
    except BackboneError:
        raise
    except Exception as exc:  # open_clip, torch and the hub's client raise all sorts, none fit for a person
        raise _damaged(backbone, exc) from exc


def load_tokenizer(backbone: Backbone, models: Path) -> Tokenizer:
    """Load a backbone's tokenizer alone, for a runtime that has the weights already.

    Raises:
        BackboneError: It is not here, or damaged.
    """
    if backbone.name == EMBEDDED:
        return WordPieceTokenizer(prepare_embedded_folder(models), context_length=CONTEXT_LENGTH)
    try:
        return _load_open_clip_tokenizer(backbone, models, check_model(backbone, models / "hub"))
    except BackboneError:
        raise
    except Exception as exc:
        raise _damaged(backbone, exc) from exc


def _load_open_clip_tokenizer(backbone: Backbone, models: Path, arguments: Arguments) -> Tokenizer:
    import open_clip

    cache = str(models / "hub")
    return OpenClipTokenizer(open_clip.get_tokenizer(backbone.model, cache_dir=cache, **arguments.tokenizer))


def _load_open_clip(backbone: Backbone, models: Path) -> tuple[Any, Tokenizer]:
    """open_clip reads safetensors, or torch files with `weights_only`; `check_model` keeps a model's own code out."""
    import open_clip

    arguments = check_model(backbone, models / "hub")
    model, _, _ = open_clip.create_model_and_transforms(
        backbone.model,
        pretrained=backbone.pretrained or None,
        cache_dir=str(models / "hub"),
        require_pretrained=True,
        weights_only=True,
        **arguments.model,
    )
    return model.eval(), _load_open_clip_tokenizer(backbone, models, arguments)


def _describe(model: Any, tokenizer: Tokenizer) -> Towers:
    import torch

    with torch.inference_mode():
        probe = model.encode_text(torch.as_tensor(tokenizer(["probe"])))
    if not bool(torch.isfinite(probe).all()):
        raise BackboneError("This model gives no numbers, so its weights are damaged. Copy it again or choose another.")
    return Towers(
        model=model,
        tokenizer=tokenizer,
        preparation=_read_preparation(model),
        dimension=int(probe.shape[-1]),
        trims=_can_trim(model, tokenizer),
        logit_scale=float(model.logit_scale.detach().exp()),
    )


def _read_preparation(model: Any) -> Preparation:
    wishes = model.visual.preprocess_cfg
    size = wishes["size"]
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1 or wishes["interpolation"] not in ("bicubic", "bilinear"):
        raise BackboneError(
            "This model wants pictures that are not square, which Wishlight cannot prepare. Choose another."
        )
    scales = [*wishes["mean"], *wishes["std"]]
    if len(scales) != 6 or not all(math.isfinite(one) for one in scales) or min(wishes["std"]) <= 0:
        raise BackboneError(
            "This model does not say how the colours of pictures are scaled: mean and std of its preprocess_cfg are "
            "not three numbers each. Save it again, or choose another."
        )
    return Preparation(
        side=int(sides.pop()),
        mean=tuple(wishes["mean"]),
        std=tuple(wishes["std"]),
        resize_mode=wishes["resize_mode"],
        interpolation=wishes["interpolation"],
        fill=int(wishes["fill_color"]),
    )


def _can_trim(model: Any, tokenizer: Tokenizer) -> bool:
    """Towers without a mask over the padding, and those that add all positions, need their full rows."""
    import torch

    full = _pad_fully(tokenizer)
    short = trim_padding(full, tokenizer.pad_id, step=1)
    try:
        with torch.inference_mode():
            wide, narrow = (model.encode_text(torch.as_tensor(rows), normalize=True) for rows in (full, short))
    except RuntimeError:
        return False
    return bool((wide * narrow).sum(-1).min() > 0.9999)


def _pad_fully(tokenizer: Tokenizer) -> Tokens:
    """Rows padded to the whole context, whatever the tokenizer pads to."""
    tokens = tokenizer(_TRIM_TEXTS)
    full = np.full((len(tokens), tokenizer.context_length), tokenizer.pad_id, dtype=np.int64)
    full[:, : tokens.shape[1]] = tokens
    return full


def _folder_fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix in (".json", ".safetensors", ".bin", ".pth", ".txt", ".model"):
                if not path.is_file():  # a pipe or a device would be read for ever
                    raise BackboneError(f"{path} is no file. Take it out of the model's folder.")
                digest.update(path.name.encode())
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    except OSError as exc:
        raise BackboneError(f"The model in {folder} cannot be read ({exc.strerror}). Check the folder.") from exc
    return digest.hexdigest()[:12]


def _damaged(backbone: Backbone, exc: Exception) -> BackboneError:
    return BackboneError(
        f"The model {backbone.name} cannot be loaded: {tell_failure(exc)}. "
        f"Try again, or choose the built-in model {EMBEDDED!r}."
    )
