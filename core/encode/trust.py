"""What a model's folder or hub entry may ask for: data of its own, never code, and nothing from another place.

Weights are read as safetensors or by `torch.load` with `weights_only`; a tokenizer's or text tower's own code is not
imported, whatever the model's configuration says. The configuration is refused where it asks for that, and the
libraries are told to refuse it besides.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.encode.registry import CONFIG_NAME, HUB_PREFIX, LOCAL_PREFIX, Backbone
from core.errors import BackboneError

#: What a configuration may tell a tokenizer. Others name files, places or code.
_TOKENIZER_OPTIONS = frozenset(
    [
        "add_bos_token",
        "add_eos_token",
        "add_prefix_space",
        "additional_special_tokens",
        "clean",
        "do_lower_case",
        "language",
        "legacy",
        "model_max_length",
        "padding_side",
        "reduction_mask",
        "strip_sep_token",
        "truncation_side",
        "use_fast",
    ]
)
#: transformers fetches and imports a kernel where one of these names a repository.
_KERNEL_KEYS = ("attn_implementation", "experts_implementation", "kernel_config")
_RUNS_CODE = (
    "it comes with code of its own that it wants to run, and Wishlight never runs code of a model. "
    "Choose a model that needs none"
)
_PICKLED = (
    "its weights are a pickle that holds more than numbers, which could run code, so it was not opened. "
    "Ask for the weights as *.safetensors"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What open_clip is told besides the model's name, so that the model's own files cannot say otherwise.

    Attributes:
        model: For `open_clip.create_model_and_transforms`.
        tokenizer: For `open_clip.get_tokenizer`.
    """

    model: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: Mapping[str, Any] = field(default_factory=dict)


def check_model(backbone: Backbone, cache: Path) -> Arguments:
    """Read a model's configuration before anything of it is loaded.

    Args:
        backbone: Any but the embedded one.
        cache: Folder of downloads; a hub entry's configuration is fetched into it.

    Raises:
        BackboneError: It asks for code, or for what is not part of it.
        Exception: Whatever the hub's client raises where the configuration cannot be fetched.
    """
    _never_ask_to_run_code()
    if backbone.model.startswith(LOCAL_PREFIX):
        folder = Path(backbone.model.removeprefix(LOCAL_PREFIX))
        return _check(backbone, _read_config(folder / CONFIG_NAME), folder)
    if backbone.model.startswith(HUB_PREFIX):
        from open_clip.pretrained import download_pretrained_from_hf

        name = backbone.model.removeprefix(HUB_PREFIX)
        path = download_pretrained_from_hf(name, filename=CONFIG_NAME, cache_dir=str(cache))
        return _check(backbone, _read_config(Path(path)), None)
    import open_clip

    return _arguments(open_clip.get_model_config(backbone.model) or {}, None)


def tell_failure(exc: Exception) -> str:
    """Why a model could not be loaded, without a library's advice to run its code after all.

    Args:
        exc: What open_clip, torch, transformers or the hub's client raised.
    """
    text = str(exc).strip()
    if "trust_remote_code" in text or "custom code" in text:
        return _RUNS_CODE
    if "weights_only" in text or "UnpicklingError" in type(exc).__name__:
        return _PICKLED
    return text.split("\n")[0][:200].rstrip(".") or type(exc).__name__


def _never_ask_to_run_code() -> None:
    """transformers asks on the terminal whether to run a model's code unless its time for that is none."""
    import transformers.dynamic_module_utils as dynamic

    dynamic.TIME_OUT_REMOTE_CODE = 0


def _read_config(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_text("utf-8"))["model_cfg"]
        if isinstance(config["text_cfg"], dict) and isinstance(config["vision_cfg"], dict):
            return dict(config)
    except OSError as exc:
        raise BackboneError(f"The model's {path.name} cannot be read ({exc.strerror}). Check the folder.") from exc
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise BackboneError(
        f"The model's {path.name} is not one that open_clip wrote: it has no model_cfg with text_cfg and vision_cfg. "
        "Save the model again, or choose another."
    )


def _check(backbone: Backbone, config: Mapping[str, Any], folder: Path | None) -> Arguments:
    text, vision = config["text_cfg"], config["vision_cfg"]
    options = text.get("tokenizer_kwargs") or {}
    if any(key == "trust_remote_code" and value for key, value in _walk(config)):
        raise _refused(backbone, _RUNS_CODE)
    strange = sorted(set(map(str, options)) - _TOKENIZER_OPTIONS - {"trust_remote_code"})
    if strange:
        raise _refused(backbone, f"its tokenizer asks for {strange[0]!r}, which may reach beyond the model's own files")
    if any(sign in str(vision.get("timm_model_name") or "") for sign in ":/\\"):
        raise _refused(backbone, f"its picture tower is to come from elsewhere, {vision['timm_model_name']!r}")
    tower = str(text.get("hf_model_name") or "")
    if tower and folder is not None and not (folder / "config.json").is_file():
        raise _refused(
            backbone, f"its text tower {tower!r} is not in the folder. Put that model's config.json and tokenizer there"
        )
    if tower:
        _check_text_tower(backbone, str(folder or tower))
    return _arguments(config, folder)


def _check_text_tower(backbone: Backbone, name: str) -> None:
    """Refuse a text tower whose configuration names a kernel, which is code from the hub."""
    from transformers import PretrainedConfig

    config, _ = PretrainedConfig.get_config_dict(name)
    for key, value in _walk(config):
        if key.lstrip("_").startswith(_KERNEL_KEYS) and any("/" in str(one) for _, one in _walk({"": value})):
            raise _refused(backbone, _RUNS_CODE)


def _arguments(config: Mapping[str, Any], folder: Path | None) -> Arguments:
    """The second line: nothing is taken from elsewhere for a folder, and no tokenizer brings code."""
    text = config.get("text_cfg", {})
    model: dict[str, Any] = {"pretrained_text": False, "pretrained_image": False}
    tokenizer: dict[str, Any] = {}
    if text.get("hf_tokenizer_name"):  # open_clip's own tokenizer takes none of these
        tokenizer["trust_remote_code"] = False
        if folder is not None:
            tokenizer["local_files_only"] = True
    if text.get("hf_model_name") and folder is not None:
        model["text_cfg"] = {**text, "hf_model_name": str(folder), "hf_model_pretrained": False}
    return Arguments(model=model, tokenizer=tokenizer)


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key of a JSON value with what stands there, at whatever depth."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            yield from ((str(key), inner) for key, inner in one.items())
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _refused(backbone: Backbone, reason: str) -> BackboneError:
    return BackboneError(f"The model {backbone.name} is refused: {reason}.")
