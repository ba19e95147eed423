"""Where a setting comes from: what is typed, then a file, then a preset, then the default."""

from collections.abc import Mapping
from typing import Any

from core.errors import TrainError
from core.train.config import TrainConfig, preset_config

#: Items at a time where their pictures go through a tower with gradients, unless somebody names another number.
_TUNED_ITEMS = 32


def resolve_settings(
    preset: str, file: Mapping[str, Any], typed: Mapping[str, Any], *, tunes: bool = True
) -> TrainConfig:
    """The settings of a run.

    Args:
        preset: One of `PRESETS`.
        file: What a file names, as `read_config` gives it; empty without one.
        typed: What is typed or chosen on the page, None for what is left open; it goes before the file.
        tunes: Whether the work can tune the towers at all.

    Raises:
        TrainError: A name is unknown, a value is out of range, or two of them contradict each other.
    """
    named = {**file, **{name: value for name, value in typed.items() if value is not None}}
    settings = {**preset_config(preset).to_json(), **named}
    if named.get("tuning", "frozen") != "frozen":
        if not tunes:
            raise TrainError(
                f"“tuning” is “{named['tuning']}”, and only training tunes the image-text model. Leave it out here."
            )
        if "items" not in named and isinstance(alone := settings["alone"], int):
            settings["items"] = max(_TUNED_ITEMS, alone)
    return TrainConfig.from_json(settings)
