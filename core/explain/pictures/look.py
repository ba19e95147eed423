"""Where in an item's picture a need finds what it looks for. Imports torch, so import this module inside functions."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.device import choose_device
from core.encode.pictures import Pixels
from core.encode.towers import Towers
from core.errors import ExplainError
from core.explain.pictures.faithfulness import build_deletion_masks, order_cells
from core.explain.pictures.maps import METHODS, REMOVED, Looked, Method, PictureMap
from core.explain.pictures.picture import PictureExplainer
from core.explain.pictures.scores import FusedScore, Score, beside, plain_score
from core.model.inputs import to_batch
from core.model.network import FusionModel
from core.parts import PARTS
from core.store.items import StoredItem
from core.tokens.item_tokens import PICTURE_GRID, ItemTokens, read_pixels
from core.tokens.token_runtime import TokenRuntime

#: Tried in this order until a map passes the deletion test. Attention can be read in transformers alone.
_WAYS: tuple[Method, ...] = ("fast", "audit")


class Looker:
    """Maps of the pictures of one catalogue's items; thread-safe, one map at a time.

    Args:
        towers: As they serve the catalogue.
        picture_path: Content hash to the stored picture.
        network: Of the trained version that serves; None where none does.
    """

    def __init__(
        self, towers: Towers, picture_path: Callable[[str], Path], *, network: FusionModel | None = None
    ) -> None:
        self._explainer = PictureExplainer(towers)
        self._towers, self._picture_path, self._network = towers, picture_path, network
        # Attention is read through hooks on the model, which would catch another thread's calls as well.
        self._lock = threading.Lock()

    def look(self, stored: StoredItem, target: NDArray[np.float32], *, method: str = "") -> Looked:
        """A map that passes the deletion test, or the last that did not.

        Args:
            stored: The item.
            target: What the need looks for in each part, (P, D).
            method: A `core.explain.pictures.maps.Method`; "" tries the fast one, then the one without gradients.

        Raises:
            ExplainError: There is no picture to look at, or the method cannot read this model.
        """
        path = self._picture_path(stored.main_picture) if stored.main_picture else None
        pixels = read_pixels(self._towers, path)
        if pixels is None or path is None:
            raise ExplainError("This item has no picture to look at.")
        with self._lock:
            score = self._score(stored, target)
            if method:
                found = self._explainer.explain(pixels, score, method=_check(method))
            else:
                found = self._find_faithful(pixels, score)
            return Looked(map=found, pixels=pixels, lost=self._remove_strongest(pixels, score, found))

    def _remove_strongest(self, pixels: Pixels, score: Score, found: PictureMap) -> float:
        """How much lower the score is without the strongest cells."""
        order = order_cells(found.grid)
        masks = build_deletion_masks(order, np.array([0, max(round(REMOVED * len(order)), 1)]))
        whole, without = self._explainer.score_of_masks(pixels, score)(masks).tolist()
        return float(whole - without)

    def _find_faithful(self, pixels: Pixels, score: Score) -> PictureMap:
        found: PictureMap | None = None
        for way in _WAYS:
            found = self._try(pixels, score, way) or found
            if found is not None and found.faithful:
                break
        if found is None:
            raise ExplainError("No map can be made of this picture with this model.")
        return found

    def _try(self, pixels: Pixels, score: Score, way: Method) -> PictureMap | None:
        try:
            return self._explainer.explain(pixels, score, method=way)
        except ExplainError:  # an attention that is not known; the other way needs none
            return None

    def _score(self, stored: StoredItem, target: NDArray[np.float32]) -> Score:
        """The item's score by its first picture, its other pictures and parts as they are."""
        aim = torch.from_numpy(np.ascontiguousarray(target))
        others = self._read_others(stored)
        if self._network is None:
            shown = aim[list(PARTS).index("picture")]
            if not shown.any():
                raise ExplainError("Pictures do not count for this need: it is compared with texts alone.")
            return beside(others, plain_score(shown[: self._towers.dimension]))
        runtime = TokenRuntime(self._towers, choose_device(), grid=PICTURE_GRID, convert=False)
        tokens = {name: part.extract(runtime, [stored], self._picture_path, _silent) for name, part in PARTS.items()}
        batch = to_batch(ItemTokens(modalities=tokens), np.arange(1), next(self._network.parameters()).device)
        return beside(others, FusedScore(network=self._network, item=batch, target=aim))

    def _read_others(self, stored: StoredItem) -> torch.Tensor:
        """Sum of the embeddings of all pictures but the first, (D,)."""
        paths = [self._picture_path(one) for one in stored.usable_pictures[1:]]
        pixels = [one for path in paths if (one := read_pixels(self._towers, path)) is not None]
        if not pixels:
            return torch.zeros(self._towers.dimension)
        runtime = TokenRuntime(self._towers, choose_device(), grid=PICTURE_GRID, convert=False)
        return torch.from_numpy(runtime.read_pictures(np.stack(pixels))[0].sum(axis=0))


def _check(method: str) -> Any:
    if method not in METHODS:
        raise ExplainError(f"There is no method {method!r}. Choose {', '.join(METHODS)}.")
    return method


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody waits for one item."""
