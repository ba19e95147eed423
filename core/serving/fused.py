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
        self._runtime = TokenRuntime(towers, choose_device(), grid=PICTURE_GRID, convert=False)
        self._find_picture = find_picture

    def read(self, stored: StoredItem, variants: Sequence[Variant]) -> NDArray[np.float32]:
        """Their parts, (V, P, D)."""
        items = list({one.item.content_hash(): one.item for one in variants}.values())
        place = {item.content_hash(): row for row, item in enumerate(items)}
        texts = np.array([place[one.item.content_hash()] for one in variants])
        worded = [replace(stored, item=item) for item in items]
        parts = {}
        for name in [one.name for one in self._network.config.modalities]:
            if name == TEXT:
                parts[name] = ItemTokens(modalities={name: self._extract(name, worded)}).take(texts).modalities[name]
            else:
                shown = np.array([name not in one.hidden for one in variants])
                parts[name] = _repeat(self._extract(name, [stored]), shown)
        return read_items(self._network, ItemTokens(modalities=parts)).vectors

    def _extract(self, name: str, items: Sequence[StoredItem]) -> ModalityTokens:
        return PARTS[name].extract(self._runtime, items, self._find_picture, lambda *_: None)


def _repeat(one: ModalityTokens, shown: NDArray[np.bool_]) -> ModalityTokens:
    """A part of one item for each variant, hidden where it is not shown."""
    return ModalityTokens(
        tokens=one.tokens * shown[:, None, None], mask=one.mask & shown[:, None], joint=one.joint * shown[:, None]
    )
