"""Maps from the fusion's own attention, against an explicit softmax and by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import ExplainError
from core.explain.pictures.attention import read_attention, watch_attention
from core.explain.pictures.patches import describe_fusion, game_attention, roll_attention
from core.explain.pictures.picture import PictureExplainer
from core.explain.pictures.scores import FusedScore
from core.model.config import ModalityShape, ModelConfig
from core.model.fusion import ItemBatch
from core.model.network import FusionModel

PIXELS = np.random.default_rng(0).integers(0, 255, (28, 28, 3), dtype=np.uint8)
TARGET = torch.tensor([[1.0, -1.0, 0.5], [0.3, 0.0, -0.2]])
SHAPES = (
    ModalityShape(name="picture", width=3, segments=(0,) * 9),
    ModalityShape(name="text", width=4, segments=(0, 0, 1, 2)),
)


def build_network(layers: int = 2, gate: float = 0.7, shapes: tuple[ModalityShape, ...] = SHAPES) -> FusionModel:
    torch.manual_seed(0)
    config = ModelConfig(
        dimension=3, modalities=shapes, width=8, layers=layers, heads=2, user_width=8, history=4, categories=()
    )
    network = FusionModel(config).eval()
    with torch.no_grad():
        network.fusion.gate.fill_(gate)
    return network


def build_item() -> ItemBatch:
    """An item whose last token of the text is empty."""
    torch.manual_seed(1)
    return ItemBatch(
        tokens={"picture": torch.randn(1, 9, 3), "text": torch.randn(1, 4, 4)},
        masks={"picture": torch.ones(1, 9, dtype=torch.bool), "text": torch.tensor([[True, True, True, False]])},
        joint=nn.functional.normalize(torch.randn(1, 2, 3), dim=-1),
        present=torch.ones(1, 2, dtype=torch.bool),
    )


def build_score(network: FusionModel, target: torch.Tensor = TARGET) -> FusedScore:
    return FusedScore(network=network, item=build_item(), target=target)


class ExplicitAttention(nn.Module):
    """The fusion's attention by its definition; keeps its weights in the graph."""

    def __init__(self, other: nn.Module) -> None:
        super().__init__()
        self.other = [other]  # no child, so that nothing watches it

    def forward(self, x, allowed, *, asking=None):
        other = self.other[0]
        parts = [one(x).unflatten(-1, (other.heads, -1)).transpose(1, 2) for one in (other.query, other.key)]
        value = other.value(x).unflatten(-1, (other.heads, -1)).transpose(1, 2)
        logits = parts[0][:, :, :asking] @ parts[1].transpose(2, 3) / parts[0].shape[-1] ** 0.5
        self.weights = (logits + torch.where(allowed, 0.0, -torch.inf)).softmax(-1)
        self.weights.retain_grad()
        return other.out((self.weights @ value).transpose(1, 2).flatten(2))


def read(network: FusionModel):
    with watch_attention(network.fusion) as calls:
        score = (network.fusion(build_item()).vectors[0] * TARGET).sum()
    return read_attention(calls, score)


def test_the_fusions_attention_equals_an_explicit_one() -> None:
    network, explicit = build_network(), build_network()
    modules = [ExplicitAttention(block.attention) for block in explicit.fusion.blocks]
    for block, module in zip(explicit.fusion.blocks, modules, strict=True):
        block.attention = module
    reads = read(network)
    (explicit.fusion(build_item()).vectors[0] * TARGET).sum().backward()
    assert [tuple(one.weights.shape) for one in reads] == [(1, 2, 14, 14), (1, 2, 1, 14)], "[CLS] alone asks in the end"
    for one, module in zip(reads, modules, strict=True):
        torch.testing.assert_close(one.weights, module.weights, rtol=0, atol=1e-5)
        torch.testing.assert_close(one.gradients, module.weights.grad, rtol=1e-4, atol=1e-5)
        assert one.weights[..., -1].abs().max() == 0, "nothing is taken from an empty token"


def test_a_fusion_that_computes_otherwise_is_refused(conv) -> None:
    network = build_network()
    network.fusion.blocks[0].attention.register_forward_hook(lambda _module, _inputs, out: 1.5 * out)
    explainer = PictureExplainer(conv, grid=3)
    with pytest.raises(ExplainError, match=r"SelfAttention.*cannot read"):
        explainer.attention(PIXELS, build_score(network))


def test_even_attention_rolled_out_by_hand() -> None:
    network = build_network(layers=1)
    with torch.no_grad():
        network.fusion.blocks[0].attention.query.weight.zero_()
        network.fusion.blocks[0].attention.query.bias.zero_()
    reads, tower = read(network), describe_fusion(network.fusion, "picture")
    # 13 tokens hold something; half of what [CLS] holds afterwards is what it held before.
    torch.testing.assert_close(roll_attention(tower, reads), torch.full((3, 3), 1 / 26))
    weights = (reads[0].weights * reads[0].gradients)[0].clamp(min=0).mean(0)
    torch.testing.assert_close(game_attention(tower, reads), weights[0, 1:10].view(3, 3))


def test_two_layers_roll_out_as_matrices_do() -> None:
    network = build_network()
    first, last = (one.weights[0].mean(0) for one in read(network))
    expected = (last[0] + torch.eye(14)[0]) / 2 @ ((first + torch.eye(14)) / 2)
    found = roll_attention(describe_fusion(network.fusion, "picture"), read(network))
    torch.testing.assert_close(found, expected[1:10].view(3, 3))


def test_cells_are_found_wherever_the_picture_stands() -> None:
    towers = [describe_fusion(build_network(shapes=shapes).fusion, "picture") for shapes in (SHAPES, SHAPES[::-1])]
    assert [(one.side, one.prefix, one.suffix, one.length) for one in towers] == [(3, 1, 4, 14), (3, 5, 0, 14)]
    taken = [one.take_patches(torch.arange(14)).flatten().tolist() for one in towers]
    assert taken == [list(range(1, 10)), list(range(5, 14))]


def test_what_is_no_square_of_cells_is_refused() -> None:
    shapes = (ModalityShape(name="picture", width=3, segments=(0,) * 8), SHAPES[1])
    with pytest.raises(ValueError, match="no square"):
        describe_fusion(build_network(shapes=shapes).fusion, "picture")
    with pytest.raises(ValueError, match="'sound'"):
        describe_fusion(build_network().fusion, "sound")


@pytest.mark.parametrize("method", ["rollout", "game"])
def test_a_version_on_a_convolutional_tower_has_maps_of_its_attention(conv, method) -> None:
    explainer = PictureExplainer(conv, grid=3)
    found = explainer.explain(PIXELS, build_score(build_network()), method=method)
    assert found.grid.shape == (3, 3) and np.isfinite(found.grid).all() and np.abs(found.grid).max() > 0
    assert found.method.endswith(" of the fusion") and found.completeness is None


def test_what_depends_on_the_score_and_what_does_not(conv) -> None:
    explainer, network = PictureExplainer(conv, grid=3), build_network()
    one, other = build_score(network), build_score(network, -TARGET)
    np.testing.assert_array_equal(explainer.rollout(PIXELS, one), explainer.rollout(PIXELS, other))
    np.testing.assert_allclose(explainer.attention(PIXELS, one), -explainer.attention(PIXELS, other), atol=1e-7)


def test_a_version_whose_gates_are_closed_has_no_map_of_its_attention(conv) -> None:
    explainer = PictureExplainer(conv, grid=3)
    with pytest.raises(ExplainError, match="plays no part"):
        explainer.attention(PIXELS, build_score(build_network(gate=0.0)))
