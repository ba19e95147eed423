"""Reading an interaction log of any supported format: who did what with which item of a catalogue, and when.

Which events count as liked is decided in `core.interactions.event_names.find_liked`. The file is read by
`core.interactions.columns`, which says why not every log goes through `core.catalog.read.read.read_table`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.catalog.read.read import detect, preview_table
from core.catalog.schema import Problem
from core.catalog.table import ReadOptions
from core.interactions.columns import read_cells
from core.interactions.event_names import LogKind, find_liked
from core.interactions.log import NO_TIME, InteractionLog
from core.interactions.mapping import LogMapping
from core.interactions.matching import NO_ITEM
from core.interactions.parse import SHOWN_NAMES, ParsedColumns, count_unknown, parse_columns
from core.interactions.row_problems import RowProblems
from core.interactions.suggest_mapping import suggest_log_mapping
from core.wording import count_noun

#: Item ids that are not in the catalogue, kept for a person to look at.
MAX_UNKNOWN = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLog:
    """What reading a log gives.

    Attributes:
        log: The events that can be used.
        kind: Whether the file holds ratings, counts or plain events.
        mapping: The columns that were used.
        rows: Records in the file.
        problems: Row 0 for the file, else the number of a row; errors left their row out.
        unknown_items: Ids that are not in the catalogue with their number of events, the most frequent first, at most
            `MAX_UNKNOWN`.
        unknown_events: Events with items that are not in the catalogue; they are not in `log`.
    """

    log: InteractionLog
    kind: LogKind
    mapping: LogMapping
    rows: int
    problems: tuple[Problem, ...]
    unknown_items: Mapping[str, int]
    unknown_events: int


def read_log(
    path: Path,
    item_ids: Sequence[str],
    *,
    overrides: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    options: ReadOptions | None = None,
    accept_suggestions: bool = False,
) -> ReadLog:
    """Read a log.

    Args:
        path: Delimited text (also .gz), XLSX, Parquet or JSON.
        item_ids: Ids of the catalogue's items, in its order.
        overrides: Target ("user", "item", "event", "rating", "count", "time") to column, as a person asks; an empty
            column leaves the target without one.
        options: How to read the file; found out when None.
        accept_suggestions: Whether columns with names that are only near a known one are used.

    Raises:
        CatalogFileError: The file cannot be read as a table, or is too large.
        MappingError: No column is known to hold the user or the item, or an override names an unknown one.
    """
    found: tuple[Problem, ...] = ()
    if options is None:
        detected = detect(path)
        options, found = detected.options, detected.problems
    preview = preview_table(path, options)
    suggested = suggest_log_mapping(preview.columns, preview.rows, item_ids)
    mapping = suggested.build(overrides, accept_suggestions=accept_suggestions)
    cells = read_cells(path, options, mapping.columns)
    problems = RowProblems(numbers=cells.numbers, found=[*found, *cells.problems])
    columns = parse_columns(cells, mapping, item_ids, problems)
    unknown = columns.good & (columns.items == NO_ITEM)
    unknown_items = count_unknown(cells.cells["item"].filter(pl.Series(unknown)), MAX_UNKNOWN)
    log = _build_log(columns, item_ids, problems)
    _say_unknown(unknown_items, int(unknown.sum()), len(log), problems)
    return ReadLog(
        log=log,
        kind=columns.kind,
        mapping=mapping,
        rows=cells.rows,
        problems=tuple(sorted(problems.found, key=lambda problem: problem.row)),
        unknown_items=unknown_items,
        unknown_events=int(unknown.sum()),
    )


def _build_log(columns: ParsedColumns, item_ids: Sequence[str], problems: RowProblems) -> InteractionLog:
    """The usable events without exact repetitions, in the order that `InteractionLog` wants."""
    rows = _drop_repeated(columns, np.flatnonzero(columns.good & (columns.items != NO_ITEM)), problems)
    _say_times(columns.times[rows], problems)
    names = columns.users.gather(rows)
    user_ids = names.unique(maintain_order=True)
    users = names.replace_strict(user_ids, pl.int_range(len(user_ids), eager=True), return_dtype=pl.Int64).to_numpy()
    liked = find_liked(columns.kind, columns.events[rows], columns.values[rows])
    order = np.lexsort((columns.times[rows], users))  # stable: the file's order where both are equal
    rows = rows[order]
    return InteractionLog(
        users=users[order],
        items=columns.items[rows],
        events=columns.events[rows],
        values=columns.values[rows].astype(np.float32),
        liked=liked[order],
        times=columns.times[rows],
        user_ids=tuple(user_ids.to_list()),
        item_ids=tuple(item_ids),
    )


def _drop_repeated(columns: ParsedColumns, rows: NDArray[np.int64], problems: RowProblems) -> NDArray[np.int64]:
    frame = pl.DataFrame(
        {
            "user": columns.users.gather(rows),
            "item": columns.items[rows],
            "name": columns.names.gather(rows),
            "value": columns.values[rows],
            "time": columns.times[rows],
            "row": rows,
        }
    )
    kept = frame.unique(["user", "item", "name", "value", "time"], keep="first", maintain_order=True)["row"].to_numpy()
    repeated = len(rows) - len(kept)
    if repeated:
        rows_repeat = count_noun(repeated, "row repeats an earlier one", "rows repeat earlier ones")
        message = f"{rows_repeat} exactly and stayed out; check that the export ran once."
        problems.add_file("", "repeated_rows", str(repeated), message)
    return kept


def _say_times(times: NDArray[np.int64], problems: RowProblems) -> None:
    without = int((times == NO_TIME).sum())
    if not without:
        return
    if without == len(times):
        message = "The events have no times, so what came first is not known; add a column of times if there is one."
        problems.add_file("time", "no_times", "", message)
    else:
        message = (
            f"{without:,} of {count_noun(len(times), 'event')} lack a time that the others have, so the log cannot be "
            "split by time; fill those times or delete the rows."
        )
        problems.add_file("time", "mixed_times", str(without), message)


def _say_unknown(unknown: Mapping[str, int], events: int, known: int, problems: RowProblems) -> None:
    if not events:
        return
    listed = ", ".join(f"“{item_id}” ({count:,})" for item_id, count in list(unknown.items())[:SHOWN_NAMES])
    if known:
        left_out = count_noun(events, "event is", "events are")
        message = f"{left_out} left out since the catalogue has no such item: {listed}. Import them first."
        problems.add_file("item", "unknown_items", str(events), message)
    else:
        message = (
            f"No event names an item of the catalogue; the log has {listed}. Choose the column that holds the "
            "catalogue's ids, or the right catalogue."
        )
        problems.add_file("item", "unknown_items", str(events), message, severity="error")
