"""The ways to tune both towers, by name. Imports torch, so import this module inside functions only.

LoRA and AdaLoRA are peft's; adapters and prefixes are our own, since peft's work on transformers' models alone.
A new way is one function and one line in `METHODS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.utils.parametrize import register_parametrization

from core.encode.towers import Towers
from core.model.tuning.blocks import BlockPlace, find_blocks
from core.model.tuning.layers import BottleneckAdapter, LowRank, Prefix

#: What comes after a tower's blocks and goes with its last layers.
_ENDS = (
    "visual.proj",
    "visual.ln_post",
    "visual.attn_pool",
    "visual.head",
    "visual.trunk.norm",
    "visual.trunk.conv_head",
    "visual.trunk.bn2",
    "ln_final",
    "text_projection",
    "text.ln_final",
    "text.text_projection",
    "text.proj",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSpec:
    """How the towers are tuned.

    Attributes:
        method: One of `METHODS`.
        rank: Of low-rank updates; width of a bottleneck; tokens of a prefix.
        layers: Blocks from the end of each tower that "last" learns.
        steps: Of the whole run; AdaLoRA plans its budget by it.
        seed: Of fresh weights.
    """

    method: str
    rank: int = 8
    layers: int = 2
    steps: int = 1000
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a method did to a model.

    Attributes:
        zeros: Names of parameters that start at 0 and hold the whole change, so that scaling them leads back to
            zero-shot; None where all that is learned was there before.
        allocator: AdaLoRA's, which moves its budget between layers.
    """

    zeros: tuple[str, ...] | None
    allocator: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way.

    Attributes:
        find: What it could change in a model; nothing means that it is refused.
        apply: Changes the model in place; only what is to be learned needs gradients afterwards.
        rate: Highest learning rate that does well.
    """

    find: Callable[[Towers], Sequence[Any]]
    apply: Callable[[Towers, TuningSpec, Sequence[Any]], Applied]
    rate: float


def _find_linear(towers: Towers) -> list[str]:
    """Names of the linear layers inside the blocks but outside torch's attentions, whose parts never run alone."""
    return [name for name, module in _find_layers(towers) if isinstance(module, nn.Linear)]


def _find_layers(towers: Towers) -> list[tuple[str, nn.Module]]:
    """Layers inside the blocks to which a low-rank update can be added."""
    found: list[tuple[str, nn.Module]] = []
    for place in find_blocks(towers):
        attentions: list[str] = []
        for name, module in place.module.named_modules(prefix=place.name):
            if any(name.startswith(f"{outer}.") for outer in attentions):
                continue
            if isinstance(module, nn.MultiheadAttention):
                attentions.append(name)
            pointwise = isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1
            if pointwise or isinstance(module, nn.Linear | nn.MultiheadAttention):
                found.append((name, module))
    return found


def _apply_lora(towers: Towers, spec: TuningSpec, places: Sequence[tuple[str, nn.Module]]) -> Applied:
    """peft for linear layers and convolutions, `LowRank` for torch's attention.

    peft's wrapper of `nn.MultiheadAttention` adds the update to the frozen weights before each call and subtracts it
    afterwards, so that they drift by rounding and two threads disturb each other.
    """
    from peft import LoraConfig, inject_adapter_in_model

    attentions = [(name, one) for name, one in places if isinstance(one, nn.MultiheadAttention)]
    others = [name for name, one in places if not isinstance(one, nn.MultiheadAttention)]
    if others:
        config = LoraConfig(r=spec.rank, lora_alpha=2 * spec.rank, target_modules=others)
        inject_adapter_in_model(config, towers.model)
    for _, attention in attentions:
        for layer, weight in ((attention, "in_proj_weight"), (attention.out_proj, "weight")):
            update = LowRank(getattr(layer, weight), spec.rank, scale=2.0)
            register_parametrization(layer, weight, update)
    return Applied(zeros=_named(towers, "lora_B"))


def _apply_adalora(towers: Towers, spec: TuningSpec, places: Sequence[Any]) -> Applied:
    from peft import AdaLoraConfig, AdaLoraModel

    config = AdaLoraConfig(
        init_r=spec.rank + spec.rank // 2,
        target_r=spec.rank,
        lora_alpha=2 * spec.rank,
        tinit=spec.steps // 10,
        tfinal=spec.steps // 3,
        deltaT=max(spec.steps // 50, 1),
        total_step=max(spec.steps, 3),
        target_modules=list(places),
    )
    allocator = AdaLoraModel(towers.model, config, "default")  # type: ignore[no-untyped-call]
    return Applied(allocator=allocator, zeros=_named(towers, "lora_E"))


def _apply_adapter(towers: Towers, spec: TuningSpec, places: Sequence[BlockPlace]) -> Applied:
    for place in places:
        adapter = BottleneckAdapter(place.width, spec.rank)
        adapter.attach(place)
        _keep(towers, place, adapter)
    return Applied(zeros=tuple(name for name, _ in _own(towers) if ".up." in name))


def _apply_prefix(towers: Towers, spec: TuningSpec, places: Sequence[BlockPlace]) -> Applied:
    for place in places:
        prefix = Prefix(place.width, spec.rank)
        prefix.attach(place)
        _keep(towers, place, prefix)
    return Applied(zeros=())


def _apply_full(towers: Towers, _spec: TuningSpec, _places: Sequence[Any]) -> Applied:
    for tower in (towers.model.visual, getattr(towers.model, "text", towers.model)):
        tower.requires_grad_(True)
    for name in ("logit_scale", "logit_bias"):
        if isinstance(one := getattr(towers.model, name, None), nn.Parameter):
            one.requires_grad_(False)
    return Applied(zeros=None)


def _apply_last(towers: Towers, spec: TuningSpec, places: Sequence[BlockPlace]) -> Applied:
    for tower in ("picture", "text"):
        for place in [one for one in places if one.tower == tower][-spec.layers :]:
            place.module.requires_grad_(True)
    for name, one in towers.model.named_parameters():
        if name.startswith(_ENDS):
            one.requires_grad_(True)
    return Applied(zeros=None)


def _keep(towers: Towers, place: BlockPlace, layer: nn.Module) -> None:
    """Make a layer part of its tower, under the block's name."""
    root = towers.model.visual if place.tower == "picture" else getattr(towers.model, "text", towers.model)
    if not hasattr(root, "tuning"):
        root.add_module("tuning", nn.ModuleDict())
    root.tuning[place.name.replace(".", "_")] = layer


def _own(towers: Towers) -> list[tuple[str, nn.Parameter]]:
    return [(name, one) for name, one in towers.model.named_parameters() if "tuning." in name]


def _named(towers: Towers, part: str) -> tuple[str, ...]:
    return tuple(name for name, one in towers.model.named_parameters() if part in name and one.requires_grad)


#: Every way to tune the towers but "frozen", which needs none.
METHODS: Mapping[str, Method] = {
    "lora": Method(find=_find_layers, apply=_apply_lora, rate=1e-4),
    "adalora": Method(find=_find_linear, apply=_apply_adalora, rate=1e-3),
    "adapter": Method(find=find_blocks, apply=_apply_adapter, rate=1e-4),
    "prefix": Method(
        find=lambda towers: [one for one in find_blocks(towers) if not one.is_map], apply=_apply_prefix, rate=1e-3
    ),
    "last": Method(find=find_blocks, apply=_apply_last, rate=1e-5),
    "full": Method(find=lambda towers: [towers.model], apply=_apply_full, rate=1e-5),
}
