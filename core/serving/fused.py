"""Variants of an item as a trained version reads them. Imports torch, so import this module inside functions only."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.device import choose_device
from core.encode.item_tokens import MODALITIES, PICTURE_GRID, ItemTokens, ModalityTokens
from core.encode.token_runtime import TokenRuntime
from core.encode.towers import Towers
from core.model.network import FusionModel
from core.serving.variants import Variant
from core.store.items import StoredItem
from core.train.inference import read_items


class FusedReader:
    """Reads variants through the towers and the fusion; a missing part is the null token that was learned for it.

    Args:
        towers: As the version tuned them.
        network: Of the version.
        picture_path: Content hash to the stored picture.
    """

    missing = "what the version learned for a missing part"

    def __init__(self, towers: Towers, network: FusionModel, picture_path: Callable[[str], Path]) -> None:
        self._network = network
        self._widths = {one.name: one.width for one in self._network.config.modalities}
        self._runtime = TokenRuntime(towers, choose_device(), grid=PICTURE_GRID, convert=False)
        self._picture_path = picture_path

    def read(self, stored: StoredItem, variants: Sequence[Variant]) -> NDArray[np.float32]:
        """Picture and text halves, (V, 2, D)."""
        items = list({one.item.content_hash(): one.item for one in variants}.values())
        place = {item.content_hash(): row for row, item in enumerate(items)}
        texts = np.array([place[one.item.content_hash()] for one in variants])
        shown = np.array([one.picture for one in variants])
        path = self._picture_path(stored.main_picture) if stored.main_picture else None
        parts = {}
        for name in MODALITIES:
            if name == "picture":
                parts[name] = _repeat(self._extract(name, [stored.item], [path]), shown, self._widths[name])
            else:
                found = ItemTokens(modalities={name: self._extract(name, items, [None] * len(items))})
                parts[name] = found.take(texts).modalities[name]
        return read_items(self._network, ItemTokens(modalities=parts)).vectors

    def _extract(self, name: str, items: Sequence[Item], pictures: Sequence[Path | None]) -> ModalityTokens:
        return MODALITIES[name].extract(self._runtime, items, pictures, lambda *_: None)


def _repeat(one: ModalityTokens, shown: NDArray[np.bool_], width: int) -> ModalityTokens:
    """The picture of one item for each variant, hidden where it is not shown; tokens are of this width."""
    there = shown & one.present[0]
    tokens = np.zeros((len(shown), one.tokens.shape[1], width), np.float16)
    mask = np.zeros(tokens.shape[:2], bool)
    joint = np.zeros((len(shown), one.joint.shape[1]), np.float32)
    if there.any():
        tokens[there], mask[there], joint[there] = one.tokens[0], one.mask[0], one.joint[0]
    return ModalityTokens(tokens=tokens, mask=mask, joint=joint)
