"""What a need finds."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.serving.calibration import Strength
from core.store.items import StoredItem

#: What a score is made of beside the parts of items.
OTHER_PARTS = ("words", "avoid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One suggested item.

    Attributes:
        rank: 1 for the best.
        catalog: Name of its catalogue.
        stored: The item.
        score: Calibrated; 0 is an average item of the catalogue.
        strength: The score as a word.
        parts: Name of each part of the item, and of `OTHER_PARTS`, to its share; they sum to the score.
    """

    rank: int
    catalog: str
    stored: StoredItem
    score: float
    strength: Strength
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """One page of suggestions.

    Attributes:
        page: The suggestions of this page.
        ranked: How many were ranked and can be paged through.
        candidates: How many items passed the filters.
        milliseconds: From the need to the fetched items.
        models: Backbones that answered.
        notes: What the person should know, each a sentence.
    """

    page: tuple[Suggestion, ...]
    ranked: int
    candidates: int
    milliseconds: float
    models: tuple[str, ...]
    notes: tuple[str, ...]
