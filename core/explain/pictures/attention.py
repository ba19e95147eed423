"""Attention weights and their gradients of a model that runs fused attention, unchanged.

Fused attention never holds its weights. So hooks keep what each attention module read and gave, one backward pass
gives the gradient at what it gave, and the weights are computed again from what it read. What comes out of them must
equal what the module gave, or the model is refused: the numbers would be another model's.

Imports torch, so import this module inside functions only.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from timm.layers import AttentionPoolLatent  # type: ignore[attr-defined]
from timm.models.vision_transformer import Attention  # type: ignore[attr-defined]
from torch import Tensor, nn
from torch.nn.functional import linear

from core.errors import ExplainError
from core.model.attention import SelfAttention

#: A recomputed output may differ by this share of its largest value, or by this, from the module's own.
_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCall:
    """One run of one attention module.

    Attributes:
        module: Any of the kinds that `ADAPTERS` lists.
        arguments: What it was given, by position.
        options: What it was given, by name.
        output: What it gave, in the graph.
    """

    module: nn.Module
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    output: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionRead:
    """What one attention module did.

    Attributes:
        module: Which one.
        weights: Rows sum to 1, (B, H, Q, K): how much each of Q asking tokens took from each of K tokens.
        gradients: Of the score with respect to the weights, (B, H, Q, K).
    """

    module: nn.Module
    weights: Tensor
    gradients: Tensor

    @property
    def relevance(self) -> Tensor:
        """Signed weight times gradient, summed over heads and asking tokens, (B, K)."""
        return (self.weights * self.gradients).sum((1, 2))


@contextmanager
def watch_attention(model: nn.Module) -> Iterator[list[AttentionCall]]:
    """Keep every attention call of a known kind while the block runs; the model is as before afterwards."""
    calls: list[AttentionCall] = []

    def keep(module: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any], output: Any) -> None:
        given = output[0] if isinstance(output, tuple) else output
        calls.append(AttentionCall(module=module, arguments=arguments, options=options, output=given))

    hooks = [module.register_forward_hook(keep, with_kwargs=True) for module in model.modules() if find_adapter(module)]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def read_attention(calls: list[AttentionCall], score: Tensor) -> list[AttentionRead]:
    """Weights and gradients of calls, in their order, by one backward pass.

    Args:
        calls: From `watch_attention`, of the forward pass that gave the score.
        score: One number, in the graph.

    Returns:
        One for each call that the score depends on.

    Raises:
        ExplainError: A module computes its attention otherwise than its kind does.
    """
    if not calls:
        return []
    gradients = torch.autograd.grad(score, [call.output for call in calls], allow_unused=True)
    return [_read_call(call, found) for call, found in zip(calls, gradients, strict=True) if found is not None]


def _read_call(call: AttentionCall, gradient: Tensor) -> AttentionRead:
    adapter = find_adapter(call.module)
    if adapter is None:
        raise ValueError("the call is of an unknown kind of attention")
    with torch.no_grad():
        logits, tail = adapter(call.module, call.arguments, call.options)
        weights = logits.softmax(-1)
    with torch.enable_grad():
        weights.requires_grad_()
        output = tail(weights)
        (found,) = torch.autograd.grad(output, weights, gradient)
    given = call.output.detach()
    error = (output.detach() - given).abs().max()
    if not error <= _TOLERANCE * given.abs().max().clamp(min=1):
        raise refuse(call.module)
    return AttentionRead(module=call.module, weights=weights.detach(), gradients=found)


def refuse(module: nn.Module) -> ExplainError:
    """What to say where a module's attention cannot be read."""
    return ExplainError(
        f"The attention of this model ({type(module).__name__}) is computed in a way that Wishlight cannot read. "
        "The map is made by covering parts of the picture instead."
    )


#: Logits (B, H, Q, K) of the attention, and what makes the module's output of the weights.
Parts = tuple[Tensor, Callable[[Tensor], Tensor]]
Adapter = Callable[[Any, tuple[Any, ...], Mapping[str, Any]], Parts]


def _split_torch(module: nn.MultiheadAttention, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Parts:
    """torch's attention, as open_clip uses it; queries may come from elsewhere, as in attention pooling."""
    named = dict(zip(("query", "key", "value"), arguments, strict=False)) | dict(options)
    inputs = [named[name].detach() for name in ("query", "key", "value")]
    if not module.batch_first:
        inputs = [one.transpose(0, 1) for one in inputs]
    if module.in_proj_weight is not None:
        weights: tuple[Tensor, ...] = module.in_proj_weight.chunk(3)
    else:
        weights = (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)
    biases: Any = (None, None, None) if module.in_proj_bias is None else module.in_proj_bias.chunk(3)
    query, key, value = (
        _split_heads(linear(one, weight, bias), module.num_heads)
        for one, weight, bias in zip(inputs, weights, biases, strict=True)
    )
    logits = _mask(query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5, named.get("attn_mask"))

    def tail(attention: Tensor) -> Tensor:
        out: Tensor = module.out_proj(_join_heads(attention @ value))
        return out if module.batch_first else out.transpose(0, 1)

    return logits, tail


def _split_timm(module: Attention, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Parts:
    x = (arguments[0] if arguments else options["x"]).detach()
    query, key, value = (_split_heads(one, module.num_heads) for one in module.qkv(x).chunk(3, -1))
    query, key = module.q_norm(query), module.k_norm(key)
    logits = _mask(query @ key.transpose(-2, -1) * module.scale, options.get("attn_mask"))

    def tail(attention: Tensor) -> Tensor:
        mixed = module.norm(_join_heads(attention @ value))
        gate = getattr(module, "gate", None)
        out: Tensor = module.proj(mixed if gate is None else mixed * gate(x).sigmoid())
        return out

    return logits, tail


def _split_pool(module: AttentionPoolLatent, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Parts:
    """SigLIP's pooling: learned queries look at all patches."""
    x = (arguments[0] if arguments else options["x"]).detach()
    if module.pos_embed is not None:
        x = x + module.pos_embed
    key, value = (_split_heads(one, module.num_heads) for one in module.kv(x).chunk(2, -1))
    query = _split_heads(module.q(module.latent.expand(len(x), -1, -1)), module.num_heads)
    logits = module.q_norm(query) @ module.k_norm(key).transpose(-2, -1) * module.scale

    def tail(attention: Tensor) -> Tensor:
        out: Tensor = module.proj(_join_heads(attention @ value))
        if module.mlp is not None:
            out = out + module.mlp(module.norm(out))
        if module.pool == "token":
            return out[:, 0]
        return out.mean(1) if module.pool == "avg" else out

    return logits, tail


def _split_fusion(module: SelfAttention, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Parts:
    """The fusion's own; in its last block [CLS] alone asks."""
    named = dict(zip(("x", "allowed"), arguments, strict=False)) | dict(options)
    x = named["x"].detach()
    query = _split_heads(module.query(x[:, : named.get("asking")]), module.heads)
    key, value = (_split_heads(project(x), module.heads) for project in (module.key, module.value))
    # `_mask` hides what is True, as torch's attention does.
    logits = _mask(query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5, ~named["allowed"])

    def tail(attention: Tensor) -> Tensor:
        out: Tensor = module.out(_join_heads(attention @ value))
        return out

    return logits, tail


#: Kinds of attention that can be read; a subclass that computes otherwise is found by its output.
ADAPTERS: tuple[tuple[type[nn.Module], Adapter], ...] = (
    (nn.MultiheadAttention, _split_torch),
    (Attention, _split_timm),
    (AttentionPoolLatent, _split_pool),
    (SelfAttention, _split_fusion),
)


def find_adapter(module: nn.Module) -> Adapter | None:
    """How a module's attention is computed again; None where it has none of a known kind."""
    return next((adapter for kind, adapter in ADAPTERS if isinstance(module, kind)), None)


def _split_heads(x: Tensor, heads: int) -> Tensor:
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)  # (B, H, L, W / H)


def _join_heads(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)  # (B, L, W)


def _mask(logits: Tensor, mask: Tensor | None) -> Tensor:
    """Logits (B, H, Q, K) with torch's kind of mask, (Q, K) or (B * H, Q, K): True, or -inf, hides."""
    if mask is None:
        return logits
    if mask.ndim == 3:
        mask = mask.view(logits.shape)
    return logits.masked_fill(mask, -torch.inf) if mask.dtype == torch.bool else logits + mask
