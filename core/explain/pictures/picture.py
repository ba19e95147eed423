"""Which parts of a picture a score relied on.

Transformers: signed attention x gradient over all layers, or integrated gradients at a mask over patches. Other
towers: gradients or sampled Shapley values at a mask over the last feature map. A trained version's fusion is a
transformer over cells of the picture too; its attention tells what it did with them, and not what the tower did.

Source: Chefer et al. 2021, "Generic Attention-model Explainability", section 3, for weighing attention by its gradient;
Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", section 3, for integrated gradients.

Gradients at the pixels of a convolutional tower are rough: it saturates at a faint contrast, and the embedded head
jumps where the ten likeliest classes change. Where a map fails the deletion test, `audit`, by pixels alone, may pass.

A map tells what the model relied on, which need not be what a person would look at.

Imports torch, so import this module inside functions only.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.encode.pictures import Pixels
from core.encode.towers import Towers
from core.errors import ExplainError
from core.explain.pictures.attention import AttentionRead, read_attention, refuse, watch_attention
from core.explain.pictures.faithfulness import ScoreOfMasks, quick_deletion_test
from core.explain.pictures.maps import Method, PictureMap, miss_change
from core.explain.pictures.patches import (
    PatchTower,
    describe_fusion,
    describe_patches,
    find_unread,
    game_attention,
    roll_attention,
    sum_attention,
)
from core.explain.pictures.regression import fit_cells
from core.explain.pictures.sampling import sample_shapley
from core.explain.pictures.scene import Fill, Scene, Show, differentiate, has_feature_map, open_scene, show_features
from core.explain.pictures.scores import FusedScore, Score
from core.tokens.item_tokens import PICTURE_GRID
from core.tokens.token_parts import PictureTokens

#: Cells on a side of a map of a convolutional tower.
CNN_GRID = 7
#: A completeness error above this makes integrated gradients take twice as many steps.
COMPLETENESS = 0.1
#: Pixels (N, S, S, 3) to embeddings (N, D), unit-norm, and tokens (N, grid * grid, W), e.g. of `TokenRuntime`.
ReadPictures = Callable[[Pixels], tuple[NDArray[np.float32], NDArray[np.float32]]]
#: Convolutional towers answer to faint contrast: their steps end at the cubes of even ones, short where it is low.
_CNN_POWER = 3
#: Where `fast` takes its gradients: once at a faint contrast, for the same reason, or evenly over a feature map.
_PIXEL_LEVELS, _FEATURE_LEVELS = (0.05,), (0.125, 0.375, 0.625, 0.875)
#: Pictures at once: on a processor, larger batches take up to twice as long a picture.
_BATCH, _BATCH_ON_CARD = 4, 32
_NAMES = {"faithful": "mask integrated gradients", "audit": "regression on random masks"}
_ENDS = np.array([[[1.0]], [[0.0]]], np.float32)
_ATTENTION = ("rollout", "game")


class PictureExplainer:
    """Maps of pictures for any score of their embedding and tokens.

    A deleted part is blurred beyond recognition by default: a plain ground then counts for nothing, and convolutional
    towers see no edges that are not there. Colours stay in their places, so a map tells more of shapes than of colours;
    the picture's mean colour is the other choice.

    Args:
        towers: Put into evaluation mode; its weights stay as they are.
        grid: Cells on a side of the pooled tokens that scores read.
        fill: What stands for a deleted part.
        read: The same tower and grid in a faster runtime, for what needs no gradients; None takes the towers.

    Raises:
        BackboneError: The picture tower gives no feature map.
    """

    def __init__(
        self, towers: Towers, grid: int = PICTURE_GRID, *, fill: Fill = "blur", read: ReadPictures | None = None
    ) -> None:
        preparation = towers.preparation
        self._tokens = PictureTokens(towers.model, preparation.mean, preparation.std, grid=grid).eval()
        self._visual: Any = self._tokens.visual
        self._tokens.to(self._device)
        self._fill = fill
        self._read_pictures = read
        self._tower = describe_patches(self._visual)
        self._power = 1 if self._tower else _CNN_POWER
        self._at_features = self._tower is None and has_feature_map(self._tokens, preparation.side, self._device)
        self.cells = self._tower.side if self._tower else CNN_GRID

    @property
    def _device(self) -> torch.device:
        """Where the tower is now: it is shared, and whoever reads items with it may have moved it to a card."""
        return torch.device(next(self._visual.parameters()).device)

    @property
    def _batch(self) -> int:
        return _BATCH if self._device.type == "cpu" else _BATCH_ON_CARD

    @property
    def is_transformer(self) -> bool:
        """Whether the tower is a sequence of attention blocks over patches."""
        return self._tower is not None

    @property
    def fast_method(self) -> str:
        """Name of what `fast` does on this tower."""
        if self.is_transformer:
            return "attention x gradient"
        return "feature gradients" if self._at_features else "mask gradient"

    def explain(self, pixels: Pixels, score: Score, *, method: Method = "fast") -> PictureMap:
        """A map with the quick deletion test.

        Args:
            pixels: As the tower wants it, (S, S, 3).
            score: What to explain.
            method: "fast", "faithful", "audit", or for transformers and trained versions "game" or "rollout"; the
                latter is the same for every score and must not be shown as the reason for one.

        Raises:
            ExplainError: The method cannot read this tower's attention; "faithful" can always be had.
        """
        start = time.perf_counter()
        completeness = None
        if method == "faithful":
            grid, completeness = self.faithful(pixels, score)
        else:
            grid = getattr(self, method)(pixels, score)
        gain, faithful = quick_deletion_test(self.score_of_masks(pixels, score), grid)
        return PictureMap(
            grid=grid,
            method=self._name(method),
            completeness=completeness,
            gain=gain,
            faithful=faithful,
            seconds=time.perf_counter() - start,
        )

    def fast(self, pixels: Pixels, score: Score) -> NDArray[np.float32]:
        """A map by one forward and one backward pass, or by two forward passes and the head's gradients.

        Args:
            pixels: As the tower wants it, (S, S, 3).
            score: What to explain.

        Returns:
            Signed, (G, G): G is the patches on a side of a transformer, `CNN_GRID` otherwise.

        Raises:
            ExplainError: This tower's attention cannot be read; use `faithful`.
        """
        if self._tower is None:
            levels = torch.tensor(_FEATURE_LEVELS if self._at_features else _PIXEL_LEVELS)
            return _to_grid(self._differentiate(self._open(pixels), score, levels).mean(0))
        return self.attention(pixels, score)

    def faithful(self, pixels: Pixels, score: Score, steps: int = 8) -> tuple[NDArray[np.float32], float]:
        """A map whose parts sum to the score: sampled Shapley values where there is a feature map, as `sample_shapley`.

        Otherwise integrated gradients over one mask value for all cells, midpoint rule.

        Args:
            pixels: As the tower wants it, (S, S, 3).
            score: What to explain.
            steps: Orders of cells; or forward and backward passes, twice as many where the completeness error is above
                `COMPLETENESS`.

        Returns:
            The map, signed, in units of the score, (G, G); and its completeness error: |sum - (f(1) - f(0))| /
            |f(1) - f(0)|, where f(1) is the whole picture's score and f(0) the empty one's.
        """
        scene = self._open(pixels)
        whole, empty = self._run(lambda masks: self._tokens(scene.cover(masks)), score)(_ENDS).tolist()
        if self._at_features:
            grid = sample_shapley(self._run(self._show(scene), score), self.cells, orders=steps)
        else:
            grid = self._integrate(scene, score, steps)
            if miss_change(grid, whole - empty) > COMPLETENESS:
                grid = self._integrate(scene, score, 2 * steps)
        return grid, miss_change(grid, whole - empty)

    def audit(self, pixels: Pixels, score: Score, masks: int = 128) -> NDArray[np.float32]:
        """A linear model of the score under random masks, by so many forward passes, (G, G); see `fit_cells`."""
        return fit_cells(self.score_of_masks(pixels, score), self.cells, masks=masks)

    def attention(self, pixels: Pixels, score: Score) -> NDArray[np.float32]:
        """Signed attention x gradient over all layers, (G, G): of the tower, or of the fusion where it has none.

        Of the fusion it is no better than chance (see the README), so that nobody is offered it there.

        Raises:
            ExplainError: Neither is a transformer whose attention can be read, or it plays no part in the score.
        """
        return _to_grid(sum_attention(*self._read(pixels, score)))

    def rollout(self, pixels: Pixels, score: Score) -> NDArray[np.float32]:
        """Attention rolled out over all layers, (G, G), positive: the same for every score, so no reason for one.

        Raises:
            ExplainError: As of `attention`.
        """
        return _to_grid(roll_attention(*self._read(pixels, score)))

    def game(self, pixels: Pixels, score: Score) -> NDArray[np.float32]:
        """Positive attention x gradient rolled out over all layers, (G, G), positive.

        Raises:
            ExplainError: As of `attention`.
        """
        return _to_grid(game_attention(*self._read(pixels, score)))

    def score_of_masks(self, pixels: Pixels, score: Score) -> ScoreOfMasks:
        """Scores of a picture under masks (B, G, G) in [0, 1] of any G, (B,); 1 shows a cell, 0 deletes it.

        Args:
            pixels: As the tower wants it, (S, S, 3).
            score: What to compute.
        """
        scene = self._open(pixels)
        return self._run(lambda masks: self._encode(scene.cover(masks)), score)

    def _open(self, pixels: Pixels) -> Scene:
        return open_scene(pixels, self._fill, self._device)

    def _show(self, scene: Scene) -> Show:
        """How masks are shown where many are needed, or their gradients."""
        if self._at_features:
            return show_features(self._tokens, scene)
        return lambda masks: self._tokens(scene.cover(masks))

    def _run(self, show: Show, score: Score) -> ScoreOfMasks:
        """Scores of what is shown, without gradients."""

        def run(masks: NDArray[np.float32]) -> NDArray[np.float32]:
            shown = torch.from_numpy(np.ascontiguousarray(masks, np.float32)).to(self._device)
            with torch.no_grad():
                scores = [score(*show(part)) for part in torch.split(shown, self._batch)]
            return np.asarray(torch.cat(scores).float().cpu().numpy())

        return run

    def _encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings and tokens of pictures (B, S, S, 3), without gradients."""
        if self._read_pictures is None:
            joint, cells = self._tokens(pictures)
            return joint, cells
        joint, cells = self._read_pictures(pictures.round().byte().cpu().numpy())
        return torch.from_numpy(joint).to(self._device), torch.from_numpy(cells).to(self._device)

    def _integrate(self, scene: Scene, score: Score, steps: int) -> NDArray[np.float32]:
        edges = torch.linspace(0, 1, steps + 1) ** self._power  # (K + 1,)
        widths = edges.diff().to(self._device).view(-1, 1, 1)
        return _to_grid((widths * self._differentiate(scene, score, (edges[1:] + edges[:-1]) / 2)).sum(0))

    def _differentiate(self, scene: Scene, score: Score, levels: Tensor) -> Tensor:
        """Gradients of the score at masks that are `levels` (K,) everywhere, (K, G, G)."""
        masks = levels.to(self._device).view(-1, 1, 1).repeat(1, self.cells, self.cells)
        return differentiate(self._show(scene), score, masks, self._batch)

    def _read(self, pixels: Pixels, score: Score) -> tuple[PatchTower, list[AttentionRead]]:
        """Attention of every block of the picture as it is, and of the pooling where that is known."""
        tower, model = self._find_transformer(score)
        picture = self._open(pixels).whole
        with torch.enable_grad(), watch_attention(model) as calls:
            # The pixels ask for a gradient so that frozen towers build a graph too.
            scores = score(*self._tokens(picture[None].requires_grad_()))
        reads = read_attention(calls, scores.sum())
        if (unread := find_unread(tower, reads)) is not None:
            raise refuse(unread)
        if not any(one.gradients.any() for one in reads):
            raise ExplainError("The attention of this model plays no part in this score, so there is no map of it.")
        return tower, reads

    def _find_transformer(self, score: Score) -> tuple[PatchTower, Any]:
        if self._tower is not None:
            return self._tower, self._visual
        if isinstance(score, FusedScore):
            return describe_fusion(score.network.fusion, score.picture), score.network.fusion
        raise ExplainError(
            "This model's picture tower has no attention that Wishlight can read. "
            "The map is made by covering parts of the picture instead."
        )

    def _name(self, method: Method) -> str:
        if method == "faithful" and self._at_features:
            return "sampled Shapley values"
        name = ({"fast": self.fast_method} | _NAMES).get(method, method)
        return f"{name} of the fusion" if method in _ATTENTION and self._tower is None else name


def _to_grid(grid: Tensor) -> NDArray[np.float32]:
    return np.asarray(grid.detach().float().cpu().numpy())
