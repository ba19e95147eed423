"""What an explanation says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.explain.dropped_words import drop_words, is_stop_word
from core.parts import PARTS
from core.serving.variants import TEXT

#: Below this share of the strongest word a word is not marked.
FAINT = 0.1
#: The picture's own part of a score below which a map of the picture would explain next to nothing.
PICTURE_COUNTS = 0.05
#: The players of the game that are no parts of items, as people read them.
_OTHER_PLAYERS = {
    "title": "Title",
    "description": "Description",
    "attributes": "Attributes",
    "exact words": "Exact words",
}


def player_names() -> dict[str, str]:
    """The players of the game as people read them."""
    return {name: part.label for name, part in PARTS.items() if name != TEXT} | _OTHER_PLAYERS


@dataclass(frozen=True, slots=True, kw_only=True)
class WordEffect:
    """What one word does to the score.

    Attributes:
        word: As it is written.
        field: "need", or the item's field that holds it.
        value: Score with it minus score without it.
    """

    word: str
    field: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """Where the item would stand if something were not there.

    Attributes:
        removed: A word of the need, "not ..." for a thing it avoids; where `need` is "", a player of the game or one of
            the item's labels, as "colour: red".
        need: The need that was really asked, "" where the item was changed instead.
        score: The item's score then.
        rank: Its rank then, None where it is not among those that are ranked at all.
    """

    removed: str
    need: str
    score: float
    rank: int | None

    @property
    def label(self) -> str:
        """What was taken away, in words for people."""
        if self.need:
            return f"“{self.removed}”"
        names = player_names()
        return f"its {names[self.removed].lower()}" if self.removed in names else self.removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """The smallest change found that brings an item across a rank; every step of it was really ranked.

    Attributes:
        changed: Words that are taken out of the need or added to the item, or ids of items taken out of a history.
        need: The need that was asked, "" where there is a history instead.
        rank: The item's rank then; None where it is not among those that are ranked at all.
        across: The rank that it crosses, e.g. 10 for "out of the first ten".
    """

    changed: tuple[str, ...]
    need: str
    rank: int | None
    across: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Why one item stands above another.

    Attributes:
        item_id: Of the other.
        title: Of the other.
        score: Of the other.
        rank: Of the other.
        differences: Player to how much more it gives the item than the other; they sum to the difference of scores,
            but for the difference of base values.
    """

    item_id: str
    title: str
    score: float
    rank: int | None
    differences: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an item was suggested for a need.

    Attributes:
        catalog: Name of the catalogue.
        item_id: The item.
        title: Its title.
        need: The need in words, without what is to be avoided.
        avoid: What is to be avoided.
        score: As on its card.
        rank: As `suggest` ranks it in this catalogue; None where it is not ranked.
        base_value: The score of an item of which nothing is known.
        modalities: Player (a field of the item, or its exact words) to its Shapley value; with the base value they sum
            to the score.
        interactions: Pairs of players with how much more they add together than each alone, strongest first.
        words: What each word of the need, and of the item, does to the score.
        counterfactuals: What happens without a word of the need, or without a field or a label of the item.
        alone: Player to the item's rank if it had nothing else; None where it would not be ranked.
        nearest_flip: The fewest words of the need whose removal brings the item across the tenth rank; None where no
            such was found.
        lift: Words of the need that the item lacks and that would bring it among the first three; None where none do,
            or where it is there already.
        against: Why it stands above (or below) another item; None without one.
        completeness: |base + modalities - score|.
        method: How it was made, in a few words.
        seconds: What it cost.
    """

    catalog: str
    item_id: str
    title: str
    need: str
    avoid: tuple[str, ...]
    score: float
    rank: int | None
    base_value: float
    modalities: Mapping[str, float]
    interactions: tuple[tuple[str, str, float], ...]
    words: tuple[WordEffect, ...]
    counterfactuals: tuple[Counterfactual, ...]
    alone: Mapping[str, int | None]
    nearest_flip: Flip | None
    lift: Flip | None
    against: Pair | None
    completeness: float
    method: str
    seconds: float

    @property
    def picture_share(self) -> float:
        """How much of what moved the score the picture did, for or against, [0, 1]."""
        total = sum(abs(value) for value in self.modalities.values())
        return abs(self.modalities.get("picture", 0.0)) / total if total else 0.0

    @property
    def listed(self) -> tuple[Counterfactual, ...]:
        """The counterfactuals worth reading: those without a word that only holds others together are left out."""
        return tuple(one for one in self.counterfactuals if not (one.need and is_stop_word(one.removed)))

    def find_avoided(self, phrase: str) -> Counterfactual | None:
        """What would be if this were not to be avoided; None where that was not tried."""
        return next((one for one in self.counterfactuals if one.need and one.removed == f"not {phrase}"), None)

    def list_effects(self, field: str) -> list[WordEffect]:
        """The effects of a field's words in their order; a word that is to be avoided has that of its whole phrase."""
        if field != "avoid":
            return [one for one in self.words if one.field == field]
        faint = FAINT * max((abs(one.value) for one in self.words), default=0.0)
        effects = []
        for phrase in self.avoid:
            without = self.find_avoided(phrase)
            value = self.score - without.score if without else 0.0
            value = value if abs(value) > faint else 0.0
            effects += [WordEffect(word=word, field=field, value=value) for word, _ in drop_words(phrase)]
        return effects

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"modalities": dict(self.modalities), "alone": dict(self.alone)}
