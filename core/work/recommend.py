"""Suggestions to a person from a trained version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import TrainError
from core.interactions.log import EVENT_TYPES, NO_TIME, History
from core.metrics import rank_top
from core.store.catalogs import Catalog
from core.store.versions import Version
from core.wording import count_noun
from core.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody to suggest to.

    Attributes:
        catalog: What is suggested from.
        version: What suggests.
        history: What the person did, items numbered as in the version.
    """

    catalog: Catalog
    version: Version
    history: History


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSuggestion:
    """One suggestion to a person.

    Attributes:
        rank: From 1 on.
        item_id: The item, which may have left the catalogue after the training.
        score: Sum of the parts.
        parts: Name of a head to its weighted part.
    """

    rank: int
    item_id: str
    score: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TitledSuggestion(PersonSuggestion):
    """A suggestion to a person, with the item's title.

    Attributes:
        title: Of the item as it is now; a word on it where it has left the catalogue.
    """

    title: str

    def to_json(self) -> dict[str, Any]:
        """The suggestion as JSON values."""
        return {
            "rank": self.rank,
            "item_id": self.item_id,
            "title": self.title,
            "score": round(self.score, 5),
            "parts": {name: round(part, 5) + 0.0 for name, part in self.parts.items()},  # 0, never -0
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What is suggested to a person.

    Attributes:
        suggestions: The best first.
        version: Id of what suggests.
        history: Events that it was read from.
    """

    suggestions: tuple[TitledSuggestion, ...]
    version: str
    history: int

    @property
    def message(self) -> str:
        """What suggests, in a sentence."""
        return f"Version {self.version}, from a history of {count_noun(self.history, 'event')}."

    def to_json(self) -> dict[str, Any]:
        """The recommendation as JSON values."""
        return {
            "suggestions": [one.to_json() for one in self.suggestions],
            "version": self.version,
            "history": self.history,
            "message": self.message,
        }


def recommend_user(workspace: Workspace, user: str, catalog: str, version: str, k: int) -> Recommendation:
    """Suggest to a person of the catalogue's log.

    Raises:
        TrainError: No version fits, or the person is not in the log.
    """
    return _recommend(workspace, find_person(workspace, user, catalog, version), k)


def recommend_history(workspace: Workspace, liked: Sequence[str], catalog: str, version: str, k: int) -> Recommendation:
    """Suggest to somebody who liked these items, oldest first.

    Raises:
        TrainError: No version fits, or an item is unknown.
    """
    return _recommend(workspace, invent_person(workspace, liked, catalog, version), k)


def find_person(workspace: Workspace, user: str, catalog: str, version: str = "") -> Person:
    """A person of a catalogue's log.

    Args:
        workspace: The data folder.
        user: As the log names the person.
        catalog: Name of the catalogue, "" for the first that has a version that knows people.
        version: Id of a version; "" takes the one that serves, else the newest one that knows people.

    Raises:
        TrainError: No version fits, or the person is not in the log.
    """
    if not user:
        raise TrainError("Name a person of the log, or give --history with item ids.")
    chosen = find_version(workspace, catalog, version)
    item_ids = workspace.open_version(chosen).item_ids
    log = workspace.interactions.load(chosen.catalog_id, item_ids, user=user)
    if not len(log):
        raise TrainError(
            f"“{user}” is not in the catalogue's log. Check the id, or give what this person liked (on the page, or "
            "with --history)."
        )
    return Person(catalog=_catalog_of(workspace, chosen), version=chosen, history=log.histories([0])[0])


def invent_person(workspace: Workspace, liked: Sequence[str], catalog: str, version: str = "") -> Person:
    """Somebody who liked these items, oldest first.

    Args:
        workspace: The data folder.
        liked: Ids of items.
        catalog: As for `find_person`.
        version: As for `find_person`.

    Raises:
        TrainError: No version fits, or an item is unknown.
    """
    chosen = find_version(workspace, catalog, version)
    place = {item: row for row, item in enumerate(workspace.open_version(chosen).item_ids)}
    unknown = [item for item in liked if item not in place]
    if unknown:
        raise TrainError(f"The version does not know the items {', '.join(unknown[:5])}. Check the ids.")
    count = len(liked)
    history = History(
        items=np.array([place[item] for item in liked], np.int64),
        events=np.full(count, EVENT_TYPES.index("like"), np.int8),
        values=np.full(count, np.nan, np.float32),
        liked=np.ones(count, bool),
        times=np.full(count, NO_TIME, np.int64),
    )
    return Person(catalog=_catalog_of(workspace, chosen), version=chosen, history=history)


def split_ids(text: str) -> tuple[str, ...]:
    """Ids that are parted by commas."""
    return tuple(one.strip() for one in text.split(",") if one.strip())


def find_version(workspace: Workspace, catalog: str, version: str = "") -> Version:
    """The version of that id; without one the version that serves, else the newest one that knows people.

    Raises:
        TrainError: There is none, or none of the catalogue that is named.
    """
    if version:
        return workspace.versions.find(version, workspace.catalogs.find(catalog).id if catalog else None)
    catalogs = [workspace.catalogs.find(catalog)] if catalog else list(workspace.catalogs.list())
    for one in catalogs:
        versions = [version for version in workspace.versions.list(one.id) if version.has_log]
        active = [version for version in versions if version.id == one.version]
        if active or versions:
            return (active or versions)[0]
    raise TrainError(
        "No version that knows people has been trained yet. Train one: python -m core train --interactions FILE"
    )


def suggest_to(workspace: Workspace, person: Person, k: int) -> tuple[PersonSuggestion, ...]:
    """The best k items that the person has not had yet, best first.

    Raises:
        TrainError: The version was trained without a log.
    """
    bundle = workspace.open_version(person.version)
    scores = bundle.score_people([person.history])
    top = rank_top(scores.total.copy(), k, masked=[person.history.items])[0]
    return tuple(
        PersonSuggestion(
            rank=rank,
            item_id=bundle.item_ids[row],
            score=float(scores.total[0, row]),
            parts={name: float(part[0, row]) for name, part in scores.parts.items()},
        )
        for rank, row in enumerate(top[top >= 0].tolist(), start=1)
    )


def _catalog_of(workspace: Workspace, version: Version) -> Catalog:
    (catalog,) = (one for one in workspace.catalogs.list() if one.id == version.catalog_id)
    return catalog


def _recommend(workspace: Workspace, person: Person, k: int) -> Recommendation:
    found = []
    for one in suggest_to(workspace, person, k):
        stored = workspace.items.find(person.catalog.id, one.item_id)
        title = stored.item.title if stored else "(no longer in the catalogue)"
        found.append(
            TitledSuggestion(rank=one.rank, item_id=one.item_id, title=title, score=one.score, parts=one.parts)
        )
    return Recommendation(suggestions=tuple(found), version=person.version.id, history=len(person.history))
