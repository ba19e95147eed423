"""From cells to typed columns: users, events, values, times; every cell that cannot be read becomes a problem."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.interactions.columns import LogCells
from core.interactions.event_names import LogKind, event_code, name_counted_event, parse_event
from core.interactions.log import NO_TIME, EventType
from core.interactions.mapping import LogMapping
from core.interactions.matching import NO_ITEM, match_items
from core.interactions.moments import names_days_first
from core.interactions.row_problems import RowProblems
from core.interactions.times import join_clock, parse_times

#: What programs write for "nothing here".
MISSING = ("", "null", "none", "nan", "na", "n/a", "\\n", "<na>", "undefined")
SHOWN_NAMES = 8
#: Values are kept with so many bits; a larger one would become infinite there.
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedColumns:
    """A log's columns in the order of the file.

    Attributes:
        kind: What the log holds.
        users: As the file wrote them, (N,).
        items: Positions in the catalogue, `NO_ITEM` where it has no such item, (N,).
        names: Names of the events in lower case, (N,).
        events: Positions in `EVENT_TYPES`, (N,).
        values: NaN where there is none, (N,).
        times: Seconds, `NO_TIME` where not known, (N,).
        good: Rows that can be used as far as they are read, whether or not their item is known, (N,).
    """

    kind: LogKind
    users: pl.Series
    items: NDArray[np.int64]
    names: pl.Series
    events: NDArray[np.int8]
    values: NDArray[np.float64]
    times: NDArray[np.int64]
    good: NDArray[np.bool_]


def parse_columns(
    cells: LogCells, mapping: LogMapping, item_ids: Sequence[str], problems: RowProblems
) -> ParsedColumns:
    """Type every column; `problems` takes what was wrong.

    Args:
        cells: Of N records.
        mapping: Which columns the file has.
        item_ids: Of the catalogue, in its order.
        problems: Filled.
    """
    frame = cells.cells
    kind, names = _find_kind(frame, mapping, problems)
    items = _parse_items(frame["item"], item_ids, problems)
    no_user = frame["user"].str.to_lowercase().is_in(MISSING).to_numpy()
    problems.add_rows(no_user, frame["user"], "user", "missing_user", "The row names no user; fill the cell.")
    no_item = frame["item"].str.to_lowercase().is_in(MISSING).to_numpy() & (items == NO_ITEM)
    problems.add_rows(no_item, frame["item"], "item", "missing_item", "The row names no item; fill the cell.")
    values, bad_values = _parse_values(frame, kind, problems)
    return ParsedColumns(
        kind=kind,
        users=frame["user"],
        items=items,
        names=names,
        events=_find_events(names, problems),
        values=values,
        times=_parse_times(frame, problems, day_first=names_days_first(mapping.columns.values())),
        good=~(no_user | no_item | bad_values),
    )


def _find_kind(frame: pl.DataFrame, mapping: LogMapping, problems: RowProblems) -> tuple[LogKind, pl.Series]:
    """What the log holds, and the name of each event."""
    has_value = bool(mapping.rating or mapping.count)
    if mapping.event:
        names = frame["event"].str.to_lowercase()
        if not has_value or any(map(parse_event, names.unique().to_list())):
            return "events", names
        message = f'No cell of "{mapping.event}" names a known event, so the column is not used; map another, or none.'
        problems.add_file("event", "ignored_events", mapping.event, message)
    kind: LogKind = "ratings" if mapping.rating else "counts" if mapping.count else "events"
    name: EventType = "rating" if kind == "ratings" else name_counted_event(mapping.count) if mapping.count else "other"
    return kind, pl.Series([name], dtype=pl.String).new_from_index(0, len(frame))


def _find_events(names: pl.Series, problems: RowProblems) -> NDArray[np.int8]:
    counts = names.value_counts(sort=True)
    known = {name: parse_event(name) for name in counts.to_series(0).to_list()}
    codes = {name: event_code(found or "other") for name, found in known.items()}
    unknown = [(name, n) for name, n in counts.iter_rows() if known[name] is None]
    if unknown:
        listed = ", ".join(f"“{name}” ({n:,})" for name, n in unknown[:SHOWN_NAMES])
        message = f"Events of unknown names are taken as “other”: {listed}. Rename them in the file if they matter."
        problems.add_file("event", "unknown_event", unknown[0][0], message)
    old = pl.Series(list(codes), dtype=pl.String)
    return names.replace_strict(old, pl.Series(list(codes.values()), dtype=pl.Int8)).to_numpy()


def _parse_items(ids: pl.Series, item_ids: Sequence[str], problems: RowProblems) -> NDArray[np.int64]:
    matched = match_items(ids, item_ids)
    if matched.loose:
        listed = ", ".join(f"“{text}”" for text in matched.loose[:SHOWN_NAMES])
        message = (
            f"{len(matched.loose):,} item ids only match the catalogue without zeros in front or “.0” at the end, e.g. "
            f"{listed}; check that they mean the same items."
        )
        problems.add_file("item", "loose_ids", matched.loose[0], message)
    return matched.positions


def _parse_values(
    frame: pl.DataFrame, kind: LogKind, problems: RowProblems
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Ratings or counts, and the rows where they cannot be read."""
    field = next((name for name in ("rating", "count") if name in frame.columns), "")
    if not field:
        return np.full(len(frame), np.nan), np.zeros(len(frame), bool)
    cells = frame[field]
    missing = cells.str.to_lowercase().is_in(MISSING).to_numpy()
    values = _to_numbers(cells, field)
    unreadable = ~missing & ~(np.abs(values) <= _LARGEST)
    problems.add_rows(unreadable, cells, field, f"bad_{field}", f"The {field} is no number; write it in digits only.")
    negative = (values < 0) if field == "count" else np.zeros(len(frame), bool)
    problems.add_rows(negative, cells, field, "negative_count", "A count is 0 or more; correct it or delete the row.")
    absent = missing & (kind != "events")
    problems.add_rows(absent, cells, field, f"missing_{field}", f"The row has no {field}; fill the cell.")
    return np.where(unreadable, np.nan, values), unreadable | negative | absent


def _to_numbers(cells: pl.Series, field: str) -> NDArray[np.float64]:
    """Numbers, NaN where a cell holds none. A comma is the decimal mark of a rating, and groups digits of a count."""
    if field == "rating":
        cells = cells.str.replace(r"^([+-]?\d+),(\d+)$", "${1}.${2}")
    else:
        grouped = cells.str.contains(r"^\d{1,3}(,\d{3})+(\.\d+)?$")
        cells = pl.select(pl.when(grouped).then(cells.str.replace_all(",", "")).otherwise(cells)).to_series()
    return cells.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()


def _parse_times(frame: pl.DataFrame, problems: RowProblems, *, day_first: bool) -> NDArray[np.int64]:
    if "time" not in frame.columns:
        return np.full(len(frame), NO_TIME, np.int64)
    cells = frame["time"]
    if "clock" in frame.columns:
        cells = join_clock(cells, frame["clock"])
    missing = cells.str.to_lowercase().is_in(MISSING)
    parsed = parse_times(pl.select(pl.when(missing).then(pl.lit("")).otherwise(cells)).to_series(), day_first=day_first)
    message = "This is no time from 1970 on; write it like 2024-01-31T18:30:00Z or as seconds since 1970."
    problems.add_rows(parsed.unreadable, cells, "time", "bad_time", message, severity="warning")
    if parsed.ambiguous:
        order = "day/month/year, as the names of the columns are not English" if day_first else "month/day/year"
        message = f"Dates like 01/02/2024 are read as {order}; write them as 2024-01-02 if that is wrong."
        problems.add_file("time", "ambiguous_dates", "", message)
    return parsed.seconds


def count_unknown(ids: pl.Series, limit: int) -> dict[str, int]:
    """The most frequent ids with how often each occurs, the most frequent first, equal ones in text order."""
    counts = Counter(dict(ids.value_counts().iter_rows()))
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:limit])
