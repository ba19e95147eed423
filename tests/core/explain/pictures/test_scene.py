"""Pictures with parts deleted, in their pixels and in the last feature map."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from core.explain.pictures.picture import PictureExplainer
from core.explain.pictures.scene import has_feature_map, open_scene, show_features
from core.explain.pictures.scores import plain_score
from core.tokens.token_parts import PictureTokens
from tests.core.explain.pictures.conftest import wrap

SIDE = 28
CPU = torch.device("cpu")


class MapTrunk(nn.Module):
    """timm's tower in small: 4 x 4 places hold the mean colour of theirs, and the embedding is the mean of all."""

    def forward_features(self, pixels):
        return nn.functional.adaptive_avg_pool2d(pixels, 4)

    def forward_head(self, features):
        return features.mean((2, 3))


class MapTower(nn.Module):
    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(3, 3, bias=False)
        self.head.weight.data = torch.eye(3)


def build_tokens(trunk: nn.Module | None = None) -> PictureTokens:
    model = SimpleNamespace(visual=MapTower(trunk or MapTrunk()))
    return PictureTokens(model, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), grid=2)


def draw() -> np.ndarray:
    pixels = np.full((SIDE, SIDE, 3), 60, np.uint8)
    pixels[7:14, 21:28] = (250, 60, 60)  # the place in row 1, column 3
    return pixels


def test_what_is_shown_whole_and_empty_is_what_the_tower_reads() -> None:
    tokens, scene = build_tokens(), open_scene(draw(), "mean", CPU)
    joint, cells = show_features(tokens, scene)(torch.tensor([1.0, 0.0]).view(2, 1, 1).repeat(1, 7, 7))
    for at, pixels in enumerate((scene.whole, scene.empty)):
        expected = tokens(pixels[None])
        torch.testing.assert_close(joint[at], expected[0][0])
        torch.testing.assert_close(cells[at], expected[1][0])


def test_cells_show_the_part_of_a_place_that_they_cover() -> None:
    tokens, scene = build_tokens(), open_scene(draw(), "mean", CPU)
    masks = torch.zeros(1, 7, 7)
    masks[0, 2, 6] = 1  # 4 x 4 pixels of a place of 7 x 7
    _, cells = show_features(tokens, scene)(masks)
    whole, empty = scene.whole[7:14, 21:28].mean((0, 1)) / 255, scene.empty.mean((0, 1)) / 255
    share = 16 / 49 / 4  # a quarter of the picture is the mean of four places
    torch.testing.assert_close(cells[0, 1], empty + share * (whole - empty), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(cells[0, 0], empty, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", ["fast", "faithful"])
@pytest.mark.parametrize("fill", ["mean", "blur"])
def test_maps_over_the_feature_map_find_the_square_that_drives_the_score(method, fill) -> None:
    explainer = PictureExplainer(wrap(MapTower(MapTrunk())), 2, fill=fill)
    found = explainer.explain(draw(), plain_score(torch.tensor([1.0, 0.0, 0.0])), method=method)
    row, column = np.unravel_index(found.grid.argmax(), (7, 7))
    assert row in (1, 2, 3) and column in (5, 6) and found.faithful
    assert found.method == ("feature gradients" if method == "fast" else "sampled Shapley values")


def test_parts_sum_to_the_change_of_the_score() -> None:
    def score(joint, _cells):
        return (joint[:, 0] > 0.6).float() + joint[:, 0]  # jumps, which gradients do not see

    explainer, pixels = PictureExplainer(wrap(MapTower(MapTrunk())), 2), draw()
    pixels[7:14, 21:28, 1:] = 0
    whole, empty = explainer.score_of_masks(pixels, score)(np.array([[[1.0]], [[0.0]]], np.float32))
    grid, error = explainer.faithful(pixels, score)
    assert grid.sum() == pytest.approx(float(whole - empty), abs=1e-5) and np.isfinite(error)


def test_towers_without_one_square_map_are_masked_in_their_pixels(conv) -> None:
    class Tokens(MapTrunk):
        def forward_features(self, pixels):
            return super().forward_features(pixels).flatten(2).transpose(1, 2)

    class ChannelsLast(MapTrunk):
        def forward_features(self, pixels):
            return super().forward_features(pixels).movedim(1, 3)

    assert has_feature_map(build_tokens(), SIDE, CPU)
    assert not has_feature_map(build_tokens(Tokens()), SIDE, CPU)
    assert not has_feature_map(build_tokens(ChannelsLast()), SIDE, CPU)
    assert PictureExplainer(conv).fast_method == "mask gradient"


def test_a_picture_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(S, S, 3\)"):
        open_scene(np.zeros((28, 20, 3), np.uint8), "blur", CPU)
