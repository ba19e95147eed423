"""What an explanation of a suggestion to a person says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.explain.explanation import Flip, player_names

#: The players of games about people as people read them, those about needs among them.
_PERSON_PLAYERS = {"history": "History", "prior": "Popularity"}


def all_player_names() -> dict[str, str]:
    """The players of both games as people read them."""
    return player_names() | _PERSON_PLAYERS


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEffect:
    """Where the item would stand for this person without one item of the history.

    Attributes:
        removed: Id of the history's item; all events with it are left out.
        title: Its title, "" where it is no longer in the catalogue.
        score: The explained item's score then.
        rank: Its rank then; the item that was left out may be suggested again and so may stand above it.
    """

    removed: str
    title: str
    score: float
    rank: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonExplanation:
    """Why an item was suggested to a person.

    Attributes:
        catalog: Name of the catalogue.
        version: Id of the version that suggests.
        item_id: The item.
        title: Its title.
        history: Different items in the person's history; `counterfactuals` holds the newest of them.
        score: As `recommend` gives it.
        rank: As `recommend` gives it; None for an item that the person has had, which is not suggested again.
        base_value: The score of an item of which nothing is known for somebody of whom nothing is known: 0.
        modalities: Player (a field of the item, "history" or "prior") to its Shapley value; with the base value they
            sum to the score.
        interactions: Pairs of players with how much more they add together than each alone, strongest first.
        counterfactuals: What happens without an item of the history, newest first; each was really ranked.
        nearest_flip: The fewest of these items, by id, without which the item crosses the tenth rank; None where no
            such were found.
        completeness: |base + modalities - score|.
        drift: How much the score would change if the item were read anew as it is now; far from 0 where it was edited
            after the training, and then the fields' values say little.
        method: How it was made, in a few words.
        seconds: What it cost.
    """

    catalog: str
    version: str
    item_id: str
    title: str
    history: int
    score: float
    rank: int | None
    base_value: float
    modalities: Mapping[str, float]
    interactions: tuple[tuple[str, str, float], ...]
    counterfactuals: tuple[HistoryEffect, ...]
    nearest_flip: Flip | None
    completeness: float
    drift: float
    method: str
    seconds: float

    @property
    def strongest(self) -> HistoryEffect | None:
        """The item of the history that raises the score most; None where none does."""
        found = min(self.counterfactuals, key=lambda one: one.score, default=None)
        return found if found is not None and found.score < self.score else None

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"modalities": dict(self.modalities)}
