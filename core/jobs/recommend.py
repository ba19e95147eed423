"""Suggestions to a person from a trained version."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import TrainError
from core.interactions.log import EVENT_TYPES, NO_TIME, History
from core.metrics import rank_top
from core.store.versions import Version
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.train.bundle import Bundle


def recommend_user(workspace: Workspace, user: str, catalog: str, version: str, k: int) -> dict[str, Any]:
    """Suggest to a person of the catalogue's log.

    Raises:
        TrainError: No version fits, or the person is not in the log.
    """
    if not user:
        raise TrainError("Name a person of the log, or give --history with item ids.")
    chosen, bundle = _open(workspace, catalog, version)
    log = workspace.interactions.load(chosen.catalog_id, bundle.item_ids)
    if user not in log.user_ids:
        raise TrainError(
            f"“{user}” is not in the catalogue's log. Give --history with the items that this person liked."
        )
    (history,) = log.histories([log.user_ids.index(user)])
    return _recommend(workspace, chosen, bundle, history, k)


def recommend_history(workspace: Workspace, liked: Sequence[str], catalog: str, version: str, k: int) -> dict[str, Any]:
    """Suggest to somebody who liked these items, oldest first.

    Raises:
        TrainError: No version fits, or an item is unknown.
    """
    chosen, bundle = _open(workspace, catalog, version)
    place = {item: row for row, item in enumerate(bundle.item_ids)}
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
    return _recommend(workspace, chosen, bundle, history, k)


def _open(workspace: Workspace, catalog: str, version: str) -> tuple[Version, "Bundle"]:
    from core.train.bundle import load_bundle

    chosen = workspace.versions.find(version) if version else _default(workspace, catalog)
    return chosen, load_bundle(workspace.home.versions / chosen.id)


def _default(workspace: Workspace, name: str) -> Version:
    """The version that serves, else the newest one that knows people."""
    catalogs = [workspace.catalogs.find(name)] if name else list(workspace.catalogs.list())
    for catalog in catalogs:
        versions = [one for one in workspace.versions.list(catalog.id) if one.has_log]
        active = [one for one in versions if one.id == catalog.version]
        if active or versions:
            return (active or versions)[0]
    raise TrainError(
        "No version that knows people has been trained yet. Train one: python -m core train --interactions FILE"
    )


def _recommend(workspace: Workspace, version: Version, bundle: "Bundle", history: History, k: int) -> dict[str, Any]:
    scores = bundle.score_people([history])
    top = rank_top(scores.total.copy(), k, masked=[history.items])[0]
    rows = []
    for rank, row in enumerate(top[top >= 0].tolist(), start=1):
        stored = workspace.items.find(version.catalog_id, bundle.item_ids[row])
        rows.append(
            {
                "rank": rank,
                "item_id": bundle.item_ids[row],
                "title": stored.item.title if stored else "(no longer in the catalogue)",
                "score": round(float(scores.total[0, row]), 5),
                "parts": {name: round(float(part[0, row]), 5) for name, part in scores.parts.items()},
            }
        )
    return {
        "suggestions": rows,
        "version": version.id,
        "history": len(history),
        "message": f"Version {version.id}, from a history of {len(history)} events.",
    }
