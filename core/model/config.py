"""The shape of a fusion model; saved beside its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: Items that must share a category for it to be learned.
LEAST_OF_CATEGORY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ModalityShape:
    """What the fusion must know of a modality.

    Attributes:
        name: As in `core.parts.PARTS`.
        width: W of its tokens.
        segments: Segment of each token, (T,).
        dimension: Of its joint space; 0 where it is that of the item vector's parts.
    """

    name: str
    width: int
    segments: tuple[int, ...]
    dimension: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Sizes of the model.

    Attributes:
        dimension: D of the longest joint space; parts of others are zero beyond their own.
        modalities: In the order of the item vector's parts.
        width: Of the fusion transformer.
        layers: Of the fusion transformer.
        heads: Attention heads of both transformers.
        dropout: Of both transformers, [0, 1).
        modality_dropout: Chance to hide a modality of a training item, [0, 1).
        user_width: Of the user transformer.
        user_layers: Of the user transformer.
        history: Events that the user transformer reads, the newest.
        categories: Names that the category head knows; none for no head.
    """

    dimension: int
    modalities: tuple[ModalityShape, ...]
    width: int = 128
    layers: int = 2
    heads: int = 4
    dropout: float = 0.1
    modality_dropout: float = 0.2
    user_width: int = 128
    user_layers: int = 1
    history: int = 64
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.modalities:
            raise ValueError("a model needs at least one modality")
        if self.width % self.heads or self.user_width % self.heads:
            raise ValueError("width and user_width must be multiples of heads")
        if not (0 <= self.dropout < 1 and 0 <= self.modality_dropout < 1):
            raise ValueError("dropout and modality_dropout lie in [0, 1)")
        if min(self.dimension, self.layers, self.user_layers, self.history) < 1:
            raise ValueError("dimension, layers, user_layers and history are at least 1")

    @property
    def item_width(self) -> int:
        """Length of a flat item vector: one part of D a modality."""
        return len(self.modalities) * self.dimension

    def place(self, name: str) -> int:
        """Number of a modality in the item vector.

        Raises:
            ValueError: There is no such modality.
        """
        return [one.name for one in self.modalities].index(name)

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ModelConfig":
        """Read what `to_json` wrote.

        Raises:
            TypeError: A key is missing or unknown.
        """
        shapes = tuple(ModalityShape(**{**one, "segments": tuple(one["segments"])}) for one in data["modalities"])
        return cls(**{**data, "modalities": shapes, "categories": tuple(data["categories"])})


def read_categories(names: Sequence[str]) -> tuple[str, ...]:
    """Categories that enough items share to be learned, in alphabetical order; "" is none."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return tuple(sorted(name for name, count in counts.items() if name and count >= LEAST_OF_CATEGORY))
