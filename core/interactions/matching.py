"""Finding the items of a log in the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

NO_ITEM = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedItems:
    """Where the ids of a log stand in the catalogue.

    Attributes:
        positions: In the catalogue, `NO_ITEM` where it has no such item, (N,).
        loose: Ids that only match once ".0" at the end and zeros in front are set aside, as written in the log.
    """

    positions: NDArray[np.int64]
    loose: tuple[str, ...] = ()


def match_items(ids: pl.Series, item_ids: Sequence[str]) -> MatchedItems:
    """Find each id of a log.

    Ids match as text. Only an id that the catalogue does not have as it stands is compared again without what
    spreadsheets change, ".0" added at the end and zeros dropped in front, and only where that leaves no doubt.

    Args:
        ids: Of a log, without surrounding spaces, (N,).
        item_ids: Of the catalogue, in its order.
    """
    exact = {item_id: position for position, item_id in enumerate(item_ids)}
    trimmed = {item_id.strip(): position for item_id, position in exact.items()}
    plain = _unambiguous(item_ids)
    found: dict[str, int] = {}
    loose: list[str] = []
    for text in ids.unique(maintain_order=True).to_list():
        position = exact.get(text, trimmed.get(text, NO_ITEM))
        if position == NO_ITEM and (position := plain.get(_plain(text), NO_ITEM)) != NO_ITEM:
            loose.append(text)
        if position != NO_ITEM:
            found[text] = position
    positions = ids.replace_strict(
        pl.Series(list(found), dtype=pl.String),
        pl.Series(list(found.values()), dtype=pl.Int64),
        default=NO_ITEM,
        return_dtype=pl.Int64,
    )
    return MatchedItems(positions=positions.to_numpy(), loose=tuple(loose))


def _unambiguous(item_ids: Sequence[str]) -> dict[str, int]:
    """Plain form to position, of the ids whose plain form no other id shares."""
    found: dict[str, int] = {}
    shared: set[str] = set()
    for position, item_id in enumerate(item_ids):
        text = _plain(item_id)
        if text in found:
            shared.add(text)
        found[text] = position
    return {text: position for text, position in found.items() if text not in shared}


def _plain(text: str) -> str:
    """A number of digits without a decimal part of zeros and without zeros in front; other text only trimmed."""
    text = text.strip()
    head, _, tail = text.partition(".")
    if not (head.isascii() and head.isdigit()) or tail.strip("0"):
        return text
    return head.lstrip("0") or "0"
