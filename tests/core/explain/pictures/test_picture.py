"""Maps of pictures whose reason is planted, and integrated gradients against their axioms and another library."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.errors import ExplainError
from core.explain.pictures.faithfulness import order_cells, quick_deletion_test
from core.explain.pictures.picture import PictureExplainer
from core.explain.pictures.scores import plain_score
from core.tokens.item_tokens import read_pixels

ROOT = Path(__file__).resolve().parents[4]
RED, GREEN = plain_score(torch.tensor([1.0, 0.0, 0.0])), plain_score(torch.tensor([0.0, 1.0, 0.0]))


def draw(*squares: tuple[int, int, int], side: int = 28, cells: int = 7) -> np.ndarray:
    """A grey picture with squares of one cell: (row, column, channel)."""
    pixels = np.full((side, side, 3), 40, np.uint8)
    width = side // cells
    for row, column, channel in squares:
        pixels[row * width : (row + 1) * width, column * width : (column + 1) * width, channel] = 250
    return pixels


RAMP = np.linspace(0, 1, 49) / 49


def read_red(_joint, cells):
    """A score of 7 x 7 cells that is linear in the pixels: red counts for more towards the end."""
    return cells[..., 0] @ torch.tensor(RAMP, dtype=torch.float32)


def read_contrast(_joint, cells):
    """A score that is not linear: red squared."""
    return cells[..., 0].square().sum(1)


def cell_means(red: np.ndarray) -> np.ndarray:
    return red.reshape(7, 4, 7, 4).mean((1, 3))


@pytest.mark.parametrize("method", ["fast", "faithful", "audit"])
@pytest.mark.parametrize("fill", ["mean", "blur"])
def test_a_convolutional_map_finds_the_square_that_drives_the_score(conv, method, fill) -> None:
    explainer = PictureExplainer(conv, fill=fill)
    found = explainer.explain(draw((2, 5, 0)), RED, method=method)
    assert order_cells(found.grid)[0] == 2 * 7 + 5
    assert found.grid.shape == (7, 7) and found.grid.ravel()[2 * 7 + 5] > 0
    assert found.faithful and found.gain > 0 and found.seconds > 0
    names = {"fast": "mask gradient", "faithful": "mask integrated gradients", "audit": "regression on random masks"}
    assert found.method == names[method]


@pytest.mark.parametrize("method", ["fast", "faithful", "game"])
def test_a_transformer_map_finds_the_square_that_drives_the_score(transformer, method) -> None:
    found = PictureExplainer(transformer).explain(draw((2, 3, 0), cells=4), RED, method=method)
    assert order_cells(found.grid)[0] == 2 * 4 + 3
    assert found.faithful


def test_attention_times_gradient_by_hand(transformer) -> None:
    pixels = draw((2, 3, 0), (0, 1, 1), cells=4)
    found = PictureExplainer(transformer).fast(pixels, lambda joint, _cells: joint[:, 0])
    # Attention is even, 1/17, and the embedding is unit(mean colour): d unit(x)[0] / dx = (e0 - u0 u) / |x|.
    cells = pixels.reshape(4, 7, 4, 7, 3).mean((1, 3)) / 255
    mean = cells.sum((0, 1)) / 17
    unit = mean / np.linalg.norm(mean)
    slope = (np.array([1, 0, 0]) - unit[0] * unit) / np.linalg.norm(mean)
    np.testing.assert_allclose(found, cells @ slope / 17, atol=1e-5)


@pytest.mark.parametrize("towers", ["conv", "transformer"])
@pytest.mark.parametrize("method", ["fast", "faithful"])
def test_two_needs_give_two_maps_of_one_picture(towers, method, request) -> None:
    explainer = PictureExplainer(request.getfixturevalue(towers))
    pixels = draw((0, 1, 0), (3, 2, 1), cells=4)
    red, green = (explainer.explain(pixels, score, method=method).grid for score in (RED, GREEN))
    assert np.corrcoef(red.ravel(), green.ravel())[0, 1] < 0.5


def test_maps_of_a_difference_are_differences_of_maps(conv) -> None:
    explainer, pixels = PictureExplainer(conv), draw((1, 1, 0), (4, 5, 1))
    both = explainer.fast(pixels, plain_score(torch.tensor([1.0, -1.0, 0.0])))
    np.testing.assert_allclose(both, explainer.fast(pixels, RED) - explainer.fast(pixels, GREEN), atol=1e-6)


def test_integrated_gradients_of_a_linear_score_are_exact(conv) -> None:
    pixels = draw((2, 5, 0), (6, 0, 0))
    explainer = PictureExplainer(conv, grid=7, fill="mean")
    grid, error = explainer.faithful(pixels, read_red, steps=1)
    assert error < 1e-5
    red = pixels[..., 0].astype(float) / 255
    expected = cell_means(red - red.mean()) * RAMP.reshape(7, 7)
    np.testing.assert_allclose(grid, expected, atol=1e-7)
    np.testing.assert_allclose(grid, explainer.fast(pixels, read_red), atol=1e-7)


def test_steps_are_doubled_once_where_the_parts_do_not_sum_to_the_score(conv) -> None:
    explainer, asked = PictureExplainer(conv, grid=7, fill="mean"), []

    def step(_joint, cells):
        asked.append(len(cells))
        return torch.sigmoid(400 * (read_contrast(None, cells) - 1.5))

    _, error = explainer.faithful(draw((2, 5, 0), (3, 3, 1)), step, steps=2)
    assert asked == [2, 2, 4]
    assert error > 0.1


def test_integrated_gradients_equal_captum(conv) -> None:
    attr = pytest.importorskip("captum.attr")
    pixels, explainer = draw((2, 5, 0), (1, 1, 1)), PictureExplainer(conv, grid=7)
    explainer._power = 1  # even steps, as captum's
    scene = explainer._open(pixels)

    def of_masks(masks):
        return read_contrast(*explainer._tokens(scene.cover(masks)))

    whole, empty = torch.ones(1, 7, 7), torch.zeros(1, 7, 7)
    expected = attr.IntegratedGradients(of_masks).attribute(whole, empty, n_steps=8, method="riemann_middle")
    np.testing.assert_allclose(explainer.faithful(pixels, read_contrast, 8)[0], expected[0].numpy(), atol=1e-6)


def test_parts_sum_to_the_change_of_the_score(conv) -> None:
    pixels, explainer = draw((2, 5, 0), (1, 1, 1)), PictureExplainer(conv, grid=7)
    grid, error = explainer.faithful(pixels, read_contrast, 8)
    ends = explainer.score_of_masks(pixels, read_contrast)(
        np.stack([np.ones((7, 7)), np.zeros((7, 7))]).astype(np.float32)
    )
    assert error < 0.01
    assert grid.sum() == pytest.approx(float(ends[0] - ends[1]), rel=0.01)


def test_masks_cover_what_they_say(conv) -> None:
    explainer, pixels = PictureExplainer(conv, grid=7, fill="mean"), draw((2, 5, 0))
    run = explainer.score_of_masks(pixels, read_red)
    masks = np.ones((40, 7, 7), np.float32)
    masks[1:, 2, 5] = 0
    red = pixels[..., 0].astype(float) / 255
    covered = red.copy()
    covered[8:12, 20:24] = red.mean()
    expected = [(cell_means(one) * RAMP.reshape(7, 7)).sum() for one in (red, *[covered] * 39)]
    np.testing.assert_allclose(run(masks), expected, atol=1e-6)


def test_a_faster_runtime_gives_the_same_scores(conv) -> None:
    calls, pixels = [], draw((2, 5, 0))
    plain = PictureExplainer(conv, grid=7)

    def read(pictures):
        calls.append(pictures.dtype)
        with torch.no_grad():
            return tuple(one.numpy() for one in plain._tokens(torch.from_numpy(pictures)))

    masks = np.random.default_rng(0).random((9, 7, 7)).round().astype(np.float32)
    found = PictureExplainer(conv, grid=7, read=read).score_of_masks(pixels, read_red)(masks)
    np.testing.assert_allclose(found, plain.score_of_masks(pixels, read_red)(masks), atol=2e-3)
    assert set(calls) == {np.dtype(np.uint8)}


def test_the_weights_are_left_alone_and_frozen_towers_are_explained(conv) -> None:
    conv.model.visual.requires_grad_(False)
    with torch.no_grad():
        grid = PictureExplainer(conv).fast(draw((2, 5, 0)), RED)
    assert np.abs(grid).max() > 0
    assert all(one.grad is None for one in conv.model.visual.parameters())


def test_what_cannot_be_explained_is_refused(conv) -> None:
    explainer = PictureExplainer(conv)
    with pytest.raises(ValueError, match=r"\(S, S, 3\)"):
        explainer.fast(np.zeros((28, 20, 3), np.uint8), RED)
    with pytest.raises(ExplainError, match="no attention"):
        explainer.rollout(draw((2, 5, 0)), RED)


def test_maps_of_the_wrong_reason_and_random_maps_are_not_faithful(conv) -> None:
    explainer, pixels = PictureExplainer(conv), draw((2, 5, 0), (4, 1, 1))
    run = explainer.score_of_masks(pixels, RED)
    assert quick_deletion_test(run, explainer.fast(pixels, RED))[1]
    assert not quick_deletion_test(run, explainer.fast(pixels, GREEN))[1]
    rng = np.random.default_rng(1)
    passed = [quick_deletion_test(run, rng.standard_normal((7, 7)), seed=seed)[1] for seed in range(20)]
    assert not passed[0] and sum(passed) <= 5


@pytest.mark.slow
def test_the_embedded_model_explains_a_picture(models_folder) -> None:
    towers = load_towers(find_backbone("embedded"), models_folder)
    explainer = PictureExplainer(towers)
    with (ROOT / "assets/sample/products.csv").open(encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    pixels = read_pixels(towers, ROOT / "assets/sample" / row["image"])
    with torch.no_grad():
        ids = torch.as_tensor(towers.tokenizer([row["title"]]))
        target = towers.model.encode_text(ids, normalize=True)[0]
    found = explainer.explain(pixels, plain_score(target))
    grid, completeness = explainer.faithful(pixels, plain_score(target))
    assert found.grid.shape == grid.shape == (7, 7)
    assert np.isfinite(found.grid).all() and np.isfinite(found.gain) and found.completeness is None
    assert found.method == "feature gradients" and completeness < 1e-4
    ends = explainer.score_of_masks(pixels, plain_score(target))(np.array([[[1.0]], [[0.0]]], np.float32))
    assert grid.sum() == pytest.approx(float(ends[0] - ends[1]), abs=1e-5)
