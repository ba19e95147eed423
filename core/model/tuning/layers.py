"""Low-rank updates, bottleneck adapters and prefixes. Imports torch, so import this module inside functions only."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from core.model.tuning.blocks import BlockPlace


class LowRank(nn.Module):
    """A weight plus scale * B A; B starts at 0, so that nothing changes before training.

    Source: Hu et al. 2022, "LoRA", section 4.1.
    """

    def __init__(self, weight: Tensor, rank: int, *, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.lora_A = nn.Parameter(torch.empty(rank, weight.shape[1]))
        self.lora_B = nn.Parameter(torch.zeros(weight.shape[0], rank))
        nn.init.kaiming_uniform_(self.lora_A, a=5**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        """(O, I) to (O, I)."""
        return weight + self.scale * (self.lora_B @ self.lora_A).to(weight.dtype)


class BottleneckAdapter(nn.Module):
    """x + up(gelu(down(norm(x)))) after a block; `up` starts at 0, so that nothing changes before training.

    Source: Houlsby et al. 2019, "Parameter-efficient transfer learning for NLP", section 2.1; on feature maps the same
    a cell.
    """

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, rank)
        self.up = nn.Linear(rank, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., W) to (..., W)."""
        added: Tensor = self.up(nn.functional.gelu(self.down(self.norm(x))))
        return x + added

    def attach(self, place: BlockPlace) -> None:
        """Run after this block."""

        def after(_block: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            if not place.is_map:
                return self(output)  # type: ignore[no-any-return]
            adapted: Tensor = self(output.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            return adapted

        place.module.register_forward_hook(after)


class Prefix(nn.Module):
    """A few learned tokens before a block's own, which these attend to; taken away again after the block.

    Source: Li and Liang 2021, "Prefix-Tuning", section 4, with the prefix before the projections as in Jia et al. 2022,
    "Visual Prompt Tuning" (deep).
    """

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.tokens = nn.Parameter(torch.randn(length, width) * 0.02)
        self.on = True

    def attach(self, place: BlockPlace) -> None:
        """Run around this block."""

        def before(_block: nn.Module, inputs: tuple[Any, ...], names: dict[str, Any]) -> Any:
            if not self.on:
                return None
            x, *others = inputs
            prefix = self.tokens.to(x.dtype).expand(len(x), -1, -1)
            if place.mask_name in names:
                names = names | {place.mask_name: _widen(names[place.mask_name], len(self.tokens))}
            elif len(others) >= place.mask_position:
                others[place.mask_position - 1] = _widen(others[place.mask_position - 1], len(self.tokens))
            return (torch.cat([prefix, x], 1), *others), names

        def after(_block: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            return output[:, len(self.tokens) :] if self.on else output

        place.module.register_forward_pre_hook(before, with_kwargs=True)
        place.module.register_forward_hook(after)


def _widen(mask: Tensor | None, length: int) -> Tensor | None:
    """A mask (..., Q, K) under which everything may look at `length` more keys before the others."""
    if mask is None:
        return None
    allowed = True if mask.dtype == torch.bool else 0.0
    rows = length if mask.shape[-2] > 1 else 0
    return pad(mask, (length, 0, rows, 0), value=allowed)
