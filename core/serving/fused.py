"""Variants of an item as a trained version reads them. Imports torch, so import this module inside functions only."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.device import choose_device
from core.encode.towers import Towers
from core.model.inference import read_items
from core.model.network import FusionModel
from core.parts import PARTS, FindPicture
from core.serving.variants import TEXT, Variant
from core.store.items import StoredItem
from core.tokens.item_tokens import PICTURE_GRID, ItemTokens, ModalityTokens
from core.tokens.token_runtime import TokenRuntime


class FusedReader:
    """Reads variants through the towers and the fusion; a missing part is the null token that was learned for it.

    Args:
        towers: As the version tuned them.
        network: Of the version.
        find_picture: Content hash to the stored picture.
    """

    missing = "what the version learned for a missing part"

    def __init__(self, towers: Towers, network: FusionModel, find_picture: FindPicture) -> None:
        self._network = network
        self._widths = {one.name: one.width for one in self._network.config.modalities}
        self._runtime = TokenRuntime(towers, choose_device(), grid=PICTURE_GRID, convert=False)
        self._find_picture = find_picture

    def read(self, stored: StoredItem, variants: Sequence[Variant]) -> NDArray[np.float32]:
        """Their parts, (V, P, D)."""
        items = list({one.item.content_hash(): one.item for one in variants}.values())
        place = {item.content_hash(): row for row, item in enumerate(items)}
        texts = np.array([place[one.item.content_hash()] for one in variants])
        worded = [replace(stored, item=item) for item in items]
        parts = {}
        for name in self._widths:
            if name == TEXT:
                parts[name] = ItemTokens(modalities={name: self._extract(name, worded)}).take(texts).modalities[name]
            else:
                shown = np.array([name not in one.hidden for one in variants])
                parts[name] = _repeat(self._extract(name, [stored]), shown, self._widths[name])
        return read_items(self._network, ItemTokens(modalities=parts)).vectors

    def _extract(self, name: str, items: Sequence[StoredItem]) -> ModalityTokens:
        return PARTS[name].extract(self._runtime, items, self._find_picture, lambda *_: None)


def _repeat(one: ModalityTokens, shown: NDArray[np.bool_], width: int) -> ModalityTokens:
    """A part of one item for each variant, hidden where it is not shown; tokens are of this width."""
    there = shown & one.present[0]
    tokens = np.zeros((len(shown), one.tokens.shape[1], width), np.float16)
    mask = np.zeros(tokens.shape[:2], bool)
    joint = np.zeros((len(shown), one.joint.shape[1]), np.float32)
    if there.any():
        tokens[there], mask[there], joint[there] = one.tokens[0], one.mask[0], one.joint[0]
    return ModalityTokens(tokens=tokens, mask=mask, joint=joint)
