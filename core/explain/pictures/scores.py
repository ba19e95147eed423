"""What a map explains: scores of one picture that can be differentiated.

Imports torch, so import this module inside functions only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from core.model.fusion import ItemBatch
from core.model.network import FusionModel

#: Embeddings (B, D), unit-norm, and tokens (B, grid * grid, W) of pictures to scores (B,).
Score = Callable[[Tensor, Tensor], Tensor]


def plain_score(target: Tensor) -> Score:
    """The untrained model: <embedding, target>.

    Args:
        target: A need's vector, or the difference of two, (D,).
    """

    def score(joint: Tensor, _cells: Tensor) -> Tensor:
        return joint @ target.to(joint)

    return score


def beside(others: Tensor, score: Score) -> Score:
    """The score of an item of several pictures, by one of them.

    Args:
        others: Sum of the embeddings of the other pictures, (D,); zero where there are none.
        score: By the unit mean of all.
    """

    def joined(joint: Tensor, cells: Tensor) -> Tensor:
        return score(normalize(joint + others.to(joint), dim=-1), cells)

    return joined if others.any() else score


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedScore:
    """A trained model: the sum over modalities of <part of the item's vector, part of the target>.

    The item's other modalities stay as they are, so a map tells what the picture does beside them.

    Attributes:
        network: In evaluation mode; pictures come to its device.
        item: The one item, with all of its modalities; its own picture is not read.
        target: One part a modality, (M, D).
        picture: Name of the modality that is varied.
    """

    network: FusionModel
    item: ItemBatch
    target: Tensor
    picture: str = "picture"

    def __post_init__(self) -> None:
        if self.picture not in self._names or len(self.item.joint) != 1:
            raise ValueError(f"needs one item and a modality {self.picture!r}")
        self.network.eval()

    @property
    def _names(self) -> list[str]:
        return [shape.name for shape in self.network.fusion.config.modalities]

    def __call__(self, joint: Tensor, cells: Tensor) -> Tensor:
        """Scores (B,) of the item with other pictures; see `Score`."""
        place = (self.picture, self._names.index(self.picture))
        joint, cells = joint.to(self.item.joint.device), cells.to(self.item.joint.device)
        vectors = self.network.fusion(_put_picture(self.item, joint, cells, place)).vectors  # (B, M, D)
        found: Tensor = (vectors * self.target.to(vectors)).sum((1, 2))
        return found


def _put_picture(item: ItemBatch, joint: Tensor, cells: Tensor, picture: tuple[str, int]) -> ItemBatch:
    """One item B times, each time with another picture; `picture` is the modality's name and number."""
    (name, place), count = picture, len(joint)
    tokens = {key: one.expand(count, -1, -1) for key, one in item.tokens.items()} | {name: cells}
    shown = torch.ones(cells.shape[:2], dtype=torch.bool, device=cells.device)
    masks = {key: one.expand(count, -1) for key, one in item.masks.items()} | {name: shown}
    parts = list(item.joint.expand(count, -1, -1).unbind(1))
    parts[place] = pad(joint, (0, item.joint.shape[2] - joint.shape[1]))
    present = item.present.clone()
    present[:, place] = True
    return ItemBatch(tokens=tokens, masks=masks, joint=torch.stack(parts, 1), present=present.expand(count, -1))
