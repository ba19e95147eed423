"""Suggesting what the columns of a log are for, from their names and a few of their cells."""

import re
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from core.catalog.shape.mapping import SuggestedColumn
from core.catalog.table import Row
from core.interactions.aliases import find_exact_target, find_near_target, is_other_id, rank_target_alias
from core.interactions.event_names import SCALE_TOPS, parse_event
from core.interactions.mapping import SuggestedLog
from core.interactions.moments import choose_moment
from core.interactions.parse import MISSING
from core.interactions.times import parse_times

SHOWN_SAMPLES = 5
SAMPLE_LENGTH = 120
#: Share of a column's cells that are ids of the catalogue, from which on the column is taken for the item.
KNOWN_SHARE = 0.5
#: A number of fewer digits is an id of a catalogue by chance.
_TELLING_DIGITS = 5
_UNNAMED = re.compile(r"column_\d+")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_SESSION = re.compile(r"(?i)session|sitzung|visit|会话")
#: Numbers below are no moments in a file without names: 1990 in seconds.
_FIRST_MOMENT = 631_152_000

Samples = Mapping[str, Sequence[str]]


def suggest_log_mapping(
    columns: Sequence[str], sample_rows: Sequence[Row] = (), item_ids: Collection[str] = ()
) -> SuggestedLog:
    """Suggest what every column is for.

    Of several columns with exact aliases one is taken, as a log has one of each: the items that the catalogue knows,
    the finest of the times, else the most usual name; the others are left out. Where no name tells the item, the
    column that holds the catalogue's ids is suggested, else the only id that is nobody's. A file without names is
    suggested by the order and the kind of its cells, as MovieLens and Last.fm write it.

    Args:
        columns: The table's columns.
        sample_rows: A few rows.
        item_ids: Ids of the catalogue, where they are known.
    """
    samples = {column: _gather(sample_rows, position) for position, column in enumerate(columns)}
    known = item_ids if isinstance(item_ids, (set, frozenset, dict)) else frozenset(item_ids)
    if all(_UNNAMED.fullmatch(column) for column in columns):
        exact: dict[str, str] = {}
        guessed = _guess_unnamed(columns, samples, known)
        note = "by its place, as the file has no names"
    else:
        exact = _find_exact(columns, samples, known)
        guessed = _find_near([c for c in columns if not find_exact_target(c)], samples, known, set(exact.values()))
        note = ""
    return SuggestedLog(columns=tuple(_build(column, exact, guessed, samples[column], note) for column in columns))


def _gather(rows: Sequence[Row], position: int) -> tuple[str, ...]:
    """A cell a row, "" where the row has none."""
    cells = (row.cells[position].strip() if position < len(row.cells) else "" for row in rows)
    return tuple("" if cell.lower() in MISSING else cell for cell in cells)


def _filled(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(filter(None, cells))


def _build(
    column: str, exact: Mapping[str, str], guessed: Mapping[str, str], samples: Sequence[str], note: str
) -> SuggestedColumn:
    target = exact.get(column) or guessed.get(column, "")
    if column in guessed and target == "user" and _SESSION.search(column):
        note = "every session counts as another person"
    return SuggestedColumn(
        column=column,
        target=target,
        confidence="exact" if column in exact else "suggested" if column in guessed else "none",
        fallback=exact.get(column, ""),
        samples=tuple(cell[:SAMPLE_LENGTH] for cell in list(dict.fromkeys(_filled(samples)))[:SHOWN_SAMPLES]),
        note=note if column in guessed else "",
    )


def _find_exact(columns: Sequence[str], samples: Samples, known: Collection[str]) -> dict[str, str]:
    """Column to target, one column a target."""
    named: dict[str, list[str]] = {}
    for column in columns:
        if target := find_exact_target(column):
            named.setdefault(target, []).append(column)
    for target, found in named.items():
        found.sort(key=lambda column: rank_target_alias(target, column))
    if "item" in named:
        named["item"].sort(key=lambda column: -_known_share(samples[column], known))
    moments = choose_moment([*named.pop("time", []), *named.pop("clock", [])], samples)
    return {found[0]: target for target, found in named.items()} | moments


def _find_near(columns: Sequence[str], samples: Samples, known: Collection[str], taken: set[str]) -> dict[str, str]:
    """Column to target, of the targets that no exact name has taken."""
    found: dict[str, str] = {}
    for column in columns:
        target = find_near_target(column)
        if target and target not in {*taken, *found.values()} and _fits(target, _filled(samples[column])):
            found[column] = target
    free = [column for column in columns if found.get(column, "item") == "item"]
    best = max(free, key=lambda column: _known_share(samples[column], known), default="")
    ids = [column for column in columns if column not in found and is_other_id(column)]
    if "item" not in {*taken, *found.values()} and len(ids) == 1:
        found[ids[0]] = "item"
    if "item" not in taken and best and _tells_items(samples[best], known):
        found = {column: target for column, target in found.items() if target != "item"} | {best: "item"}
    return found


def _fits(target: str, cells: Sequence[str]) -> bool:
    """Whether cells are what the target holds; a name that is only near has to be borne out by them."""
    if target in ("rating", "count"):
        return bool(cells) and all(map(_NUMBER.fullmatch, cells))
    return target != "time" or not cells or not parse_times(pl.Series(cells, dtype=pl.String)).unreadable.any()


def _known_share(cells: Sequence[str], known: Collection[str]) -> float:
    filled = _filled(cells)
    return sum(cell in known for cell in filled) / len(filled) if filled and known else 0.0


def _tells_items(cells: Sequence[str], known: Collection[str]) -> bool:
    """Whether cells are ids of the catalogue and not by chance, as small numbers are."""
    telling = any(cell in known and not (cell.isdecimal() and len(cell) < _TELLING_DIGITS) for cell in cells)
    return telling and _known_share(cells, known) >= KNOWN_SHARE


def _guess_unnamed(columns: Sequence[str], samples: Samples, known: Collection[str]) -> dict[str, str]:
    """Column to target: the last that looks like a time, what names events, then who, which item and how much."""
    looks = {column: _look(_filled(samples[column])) for column in columns}
    found: dict[str, str] = {}
    for target in ("time", "event"):
        column = next((one for one in reversed(columns) if looks[one] == target), "")
        if column and len(columns) - len(found) > 2:
            found[column] = target
    rest = [column for column in columns if column not in found]
    if not 2 <= len(rest) <= 3:
        return {}
    if _known_share(samples[rest[0]], known) > _known_share(samples[rest[1]], known):
        rest[:2] = rest[1::-1]
    found |= dict(zip(rest, ("user", "item"), strict=False))
    if len(rest) == 3 and "event" not in found.values() and looks[rest[2]] in ("rating", "count"):
        found[rest[2]] = looks[rest[2]]
    return found


def _look(cells: Sequence[str]) -> str:
    """What the cells of a column without a name are: time, rating, count, event, or "" for ids."""
    if not cells:
        return ""
    if all(map(parse_event, cells)):
        return "event"
    numbers = [float(cell.replace(",", ".")) for cell in cells if _NUMBER.fullmatch(cell)]
    if len(numbers) < len(cells):
        return "" if parse_times(pl.Series(cells, dtype=pl.String)).unreadable.any() else "time"
    if min(numbers) >= _FIRST_MOMENT:
        return "time"
    return "rating" if max(numbers) <= SCALE_TOPS[2] else "count"
