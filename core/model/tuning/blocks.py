"""Where a model's towers have blocks that can be tuned. Imports torch, so import this module inside functions only."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import nn

from core.encode.towers import Towers

#: Lists of blocks by tower, as open_clip, timm and transformers name them, and where a block takes its attention mask.
_PLACES = (
    ("picture", "visual.transformer.resblocks", 3, "attn_mask"),
    ("picture", "visual.trunk.blocks", 1, "attn_mask"),
    ("picture", "visual.trunk.stages", 1, "attn_mask"),
    ("text", "transformer.resblocks", 3, "attn_mask"),
    ("text", "text.transformer.resblocks", 3, "attn_mask"),
    ("text", "text.transformer.encoder.layer", 1, "attention_mask"),
    ("text", "text.transformer.encoder.layers", 1, "attention_mask"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlace:
    """One block of a tower.

    Attributes:
        tower: "picture" or "text".
        name: Of the module in the model.
        module: The block.
        width: Channels of what it gives.
        is_map: Whether it gives feature maps (N, W, H, W') instead of tokens (N, L, W).
        mask_position: Where its attention mask is among positional arguments.
        mask_name: Its name as a keyword.
    """

    tower: str
    name: str
    module: nn.Module
    width: int
    is_map: bool
    mask_position: int
    mask_name: str


def find_blocks(towers: Towers) -> tuple[BlockPlace, ...]:
    """Blocks of both towers in their order, with the shapes that they give on a probe; unknown towers have none."""
    model = towers.model
    found = [
        (tower, f"{path}.{number}", block, position, keyword)
        for tower, path, position, keyword in _PLACES
        for number, block in _children(model, path)
    ]
    shapes = _probe(towers, {name: block for _, name, block, _, _ in found})
    return tuple(
        BlockPlace(
            tower=tower,
            name=name,
            module=block,
            width=shapes[name][1 if len(shapes[name]) == 4 else 2],
            is_map=len(shapes[name]) == 4,
            mask_position=position,
            mask_name=keyword,
        )
        for tower, name, block, position, keyword in found
        if len(shapes.get(name, ())) in (3, 4)
    )


def _children(model: Any, path: str) -> Iterator[tuple[int, nn.Module]]:
    try:
        blocks = reduce(getattr, path.split("."), model)
    except AttributeError:
        return
    if getattr(getattr(model, path.split(".", maxsplit=1)[0], None), "batch_first", True) is False:
        return  # tokens come second there
    yield from enumerate(blocks)


def _probe(towers: Towers, blocks: dict[str, nn.Module]) -> dict[str, tuple[int, ...]]:
    """Shape of what each block gives for one grey picture and one word."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            shapes[name] = tuple(output.shape) if torch.is_tensor(output) else ()

        return hook

    hooks = [block.register_forward_hook(note(name)) for name, block in blocks.items()]
    side = towers.preparation.side
    device = next(towers.model.parameters()).device
    try:
        with torch.inference_mode():
            towers.model.encode_image(torch.zeros(1, 3, side, side, device=device))
            towers.model.encode_text(torch.from_numpy(np.asarray(towers.tokenizer(["probe"]))).to(device))
    finally:
        for hook in hooks:
            hook.remove()
    return shapes
