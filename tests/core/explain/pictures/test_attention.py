"""Attention that is computed again, against an explicit softmax that holds its weights."""

import copy

import numpy as np
import pytest
import timm
import torch
from open_clip.transformer import VisionTransformer
from torch import nn
from torch.nn.functional import linear

from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.errors import ExplainError
from core.explain.pictures.attention import read_attention, watch_attention
from core.explain.pictures.picture import PictureExplainer
from core.explain.pictures.scores import plain_score
from core.model.tuning.tuned import TunedTowers
from core.train.config import TrainConfig
from core.train.source import tuning_spec
from tests.core.explain.pictures.conftest import ColourTransformer, wrap

PIXELS = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)


class ExplicitAttention(nn.Module):
    """torch's attention by its definition; keeps its weights in the graph."""

    def __init__(self, other: nn.MultiheadAttention) -> None:
        super().__init__()
        self.other = [other]  # no child, so that nothing watches it

    def forward(self, query, key, value, **_options):
        other = self.other[0]
        if other.in_proj_weight is None:
            weights = (other.q_proj_weight, other.k_proj_weight, other.v_proj_weight)
        else:
            weights = other.in_proj_weight.chunk(3)
        parts = []
        for x, weight, bias in zip((query, key, value), weights, other.in_proj_bias.chunk(3), strict=True):
            parts.append(linear(x, weight, bias).unflatten(-1, (other.num_heads, -1)).transpose(1, 2))
        self.weights = (parts[0] @ parts[1].transpose(2, 3) / parts[0].shape[-1] ** 0.5).softmax(-1)
        self.weights.retain_grad()
        return other.out_proj((self.weights @ parts[2]).transpose(1, 2).flatten(2)), None


def make_explicit(model: nn.Module) -> tuple[nn.Module, list[ExplicitAttention]]:
    model = copy.deepcopy(model)
    found = []
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.MultiheadAttention):
                setattr(module, name, ExplicitAttention(child))
                found.append(getattr(module, name))
    return model, found


def watch(visual: nn.Module, pixels: torch.Tensor):
    with watch_attention(visual) as calls:
        out = visual(pixels)
        out = out[0] if isinstance(out, tuple) else out
    return read_attention(calls, (out * torch.linspace(-1, 1, out.shape[-1])).sum())


def score_explicitly(visual: nn.Module, pixels: torch.Tensor) -> None:
    out = visual(pixels)
    out = out[0] if isinstance(out, tuple) else out
    (out * torch.linspace(-1, 1, out.shape[-1])).sum().backward()


@pytest.mark.parametrize("pool", ["tok", "avg", "attention"])
def test_open_clip_attention_equals_an_explicit_one(pool) -> None:
    torch.manual_seed(0)
    options = (
        {"attentional_pool": True, "attn_pooler_queries": 3, "attn_pooler_heads": 2} if pool == "attention" else {}
    )
    visual = VisionTransformer(
        32, 8, 32, 2, 2, 4.0, output_dim=24, pool_type="tok" if options else pool, **options
    ).eval()
    pixels = torch.randn(1, 3, 32, 32, requires_grad=True)
    explicit, modules = make_explicit(visual)
    reads = watch(visual, pixels)
    score_explicitly(explicit, pixels)
    assert len(reads) == len(modules) == (3 if options else 2)
    by_shape = sorted(modules, key=lambda one: one.weights.shape[-2] != one.weights.shape[-1])
    for read, module in zip(reads, by_shape, strict=True):
        torch.testing.assert_close(read.weights, module.weights, rtol=0, atol=1e-5)
        torch.testing.assert_close(read.gradients, module.weights.grad, rtol=1e-4, atol=1e-5)
        assert torch.allclose(read.weights.sum(-1), torch.ones(()))


@pytest.mark.parametrize(("pool", "qk_norm"), [("token", False), ("avg", True), ("map", False)])
def test_timm_attention_equals_the_unfused_one(pool, qk_norm) -> None:
    visual = build_timm(pool, qk_norm=qk_norm)
    pixels = torch.randn(1, 3, 32, 32, requires_grad=True)
    explicit, kept = copy.deepcopy(visual), []
    for block in explicit.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda _m, _i, out: (out.retain_grad(), kept.append(out))[1])
    reads = watch(visual, pixels)
    score_explicitly(explicit, pixels)
    assert len(reads) == (3 if pool == "map" else 2)
    for read, weights in zip(reads, kept, strict=False):
        torch.testing.assert_close(read.weights, weights, rtol=0, atol=1e-5)
        torch.testing.assert_close(read.gradients, weights.grad, rtol=1e-4, atol=1e-5)


def test_parameters_and_hooks_stay_as_they_were() -> None:
    visual = build_timm("token").requires_grad_(False)
    with watch_attention(visual) as calls:
        score = visual(torch.randn(1, 3, 32, 32, requires_grad=True)).sum()
    read_attention(calls, score)
    assert all(one.grad is None and not one.requires_grad for one in visual.parameters())
    assert not any(module._forward_hooks for module in visual.modules())


@pytest.mark.parametrize("pool", ["token", "avg", "map"])
@pytest.mark.parametrize("frozen", [False, True])
def test_every_map_of_a_timm_transformer(pool, frozen) -> None:
    explainer = PictureExplainer(wrap(TimmVisual(build_timm(pool)).requires_grad_(not frozen), 32), 2)
    score = plain_score(torch.linspace(-1, 1, 12))
    for method in (explainer.fast, explainer.game, explainer.rollout):
        grid = method(PIXELS, score)
        assert grid.shape == (4, 4) and np.isfinite(grid).all() and np.abs(grid).max() > 0


def test_every_map_of_an_open_clip_transformer(tiny_folder, tmp_path) -> None:
    towers = load_towers(find_backbone(str(tiny_folder)), tmp_path)
    explainer = PictureExplainer(towers)
    maps = [explainer.explain(PIXELS, plain_score(torch.linspace(-1, 1, 32)), method=one) for one in METHODS]
    assert [one.method for one in maps] == ["attention x gradient", "mask integrated gradients", "game", "rollout"]
    assert all(one.grid.shape == (2, 2) and np.isfinite(one.grid).all() for one in maps)
    assert maps[1].completeness < 0.1 and maps[0].completeness is None


@pytest.mark.parametrize("tuning", ["lora", "prefix"])
def test_tuned_transformers_are_explained(tiny_folder, tmp_path, tuning) -> None:
    tuned = TunedTowers(
        load_towers(find_backbone(str(tiny_folder)), tmp_path),
        tuning_spec(TrainConfig(tuning=tuning, rank=2), steps=1),
    )
    with torch.no_grad():
        for one in tuned.parameters.values():
            one.add_(0.1 * torch.randn_like(one))
    explainer = PictureExplainer(tuned.towers)
    for method in (explainer.fast, explainer.game, explainer.rollout):
        assert np.isfinite(method(PIXELS, plain_score(torch.linspace(-1, 1, 32)))).all()


def test_rollout_is_the_same_for_every_score_and_fast_is_not(tiny_folder, tmp_path) -> None:
    explainer = PictureExplainer(load_towers(find_backbone(str(tiny_folder)), tmp_path))
    one, other = plain_score(torch.linspace(-1, 1, 32)), plain_score(torch.linspace(1, -1, 32))
    np.testing.assert_array_equal(explainer.rollout(PIXELS, one), explainer.rollout(PIXELS, other))
    np.testing.assert_allclose(explainer.fast(PIXELS, one), -explainer.fast(PIXELS, other), atol=1e-6)


def test_attention_that_computes_otherwise_is_refused_and_covering_still_works() -> None:
    class OddAttention(nn.MultiheadAttention):
        def forward(self, *inputs, **options):
            return super().forward(*inputs, **options)[0] * 1.5, None

    visual = ColourTransformer()
    odd = OddAttention(3, 1, batch_first=True)
    visual.transformer.resblocks[0]["attn"] = odd
    check_refused(visual, "OddAttention")


def test_attention_of_an_unknown_kind_is_refused() -> None:
    class StrangeAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value = nn.Linear(3, 3)

        def forward(self, query, _key, value, **_options):
            return self.value(value).mean(1, keepdim=True).expand_as(query), None

    visual = ColourTransformer()
    visual.transformer.resblocks[0]["attn"] = StrangeAttention()
    check_refused(visual, "StrangeAttention")


def test_a_transformer_of_timm_with_its_own_attention_is_refused() -> None:
    torch.manual_seed(0)
    trunk = timm.models.eva.Eva(img_size=28, patch_size=7, embed_dim=12, depth=2, num_heads=2, num_classes=0)
    check_refused(TimmVisual(trunk).eval(), "EvaAttention")


@pytest.mark.parametrize("name", ["test_efficientnet", "test_resnet"])
def test_convolutional_towers_of_timm_take_the_mask(name) -> None:
    torch.manual_seed(0)
    explainer = PictureExplainer(wrap(TimmVisual(timm.create_model(name, num_classes=0)), 32), 2)
    assert not explainer.is_transformer
    score = plain_score(torch.linspace(-1, 1, explainer._visual.trunk.num_features))
    for grid in (explainer.fast(PIXELS, score), explainer.faithful(PIXELS, score)[0]):
        assert grid.shape == (7, 7) and np.abs(grid).max() > 0


def check_refused(visual: nn.Module, name: str) -> None:
    explainer = PictureExplainer(wrap(visual))
    pixels = np.random.default_rng(0).integers(0, 255, (28, 28, 3), dtype=np.uint8)
    width = getattr(getattr(visual, "trunk", None), "num_features", 3)
    score = plain_score(torch.linspace(1, 0, width))
    with pytest.raises(ExplainError, match=rf"{name}.*cannot read.*covering parts of the picture"):
        explainer.fast(pixels, score)
    grid, _ = explainer.faithful(pixels, score)
    assert np.isfinite(grid).all()


METHODS = ("fast", "faithful", "game", "rollout")


class TimmVisual(nn.Module):
    """A timm trunk as open_clip wraps it."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Identity()


def build_timm(pool: str, *, qk_norm: bool = False) -> nn.Module:
    torch.manual_seed(0)
    return timm.models.vision_transformer.VisionTransformer(
        img_size=32,
        patch_size=8,
        embed_dim=12,
        depth=2,
        num_heads=2,
        num_classes=0,
        global_pool=pool,
        class_token=pool != "map",
        qk_norm=qk_norm,
    ).eval()
