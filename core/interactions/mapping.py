"""Which column of a log fills what: suggested from the names, overridden by a person, checked."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.catalog.mapping import SuggestedColumn
from core.catalog.table import Row
from core.errors import MappingError
from core.interactions.aliases import LOG_TARGETS, find_exact_target, find_near_target, rank_target_alias

SHOWN_SAMPLES = 5
SAMPLE_LENGTH = 120
_WHAT = {
    "user": "the user (the person, customer or session that acted)",
    "item": "the item (the id that the catalogue gives it)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMapping:
    """The columns of a log; "" where the file has none.

    Attributes:
        user: Who acted.
        item: On which item of the catalogue.
        event: What was done, e.g. "view" or "purchase".
        rating: How the person rated the item.
        count: How often, e.g. plays or pieces bought.
        time: When.
    """

    user: str
    item: str
    event: str = ""
    rating: str = ""
    count: str = ""
    time: str = ""

    @property
    def columns(self) -> Mapping[str, str]:
        """Target to column, of those that the file has."""
        return {target: column for target in LOG_TARGETS if (column := getattr(self, target))}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedLog:
    """A mapping for a person to confirm.

    Attributes:
        columns: One entry a column, in the order of the file.
    """

    columns: tuple[SuggestedColumn, ...]

    def build(
        self, overrides: Mapping[str, str] | Iterable[tuple[str, str]] = (), *, accept_suggestions: bool = False
    ) -> LogMapping:
        """The mapping with the exact matches, and with the suggestions where they are accepted.

        Args:
            overrides: Target to column, as a person asks; an empty column leaves the target without one.
            accept_suggestions: Whether near names count too.

        Raises:
            MappingError: Nobody said which column holds the user or the item, or a name is unknown.
        """
        names = [column.column for column in self.columns]
        wanted = dict(overrides)
        chosen = {target: _find_column(target, column, names) for target, column in wanted.items()}
        taken = set(chosen.values())
        for column in self.columns:
            sure = column.confidence == "exact" or (accept_suggestions and column.confidence == "suggested")
            if sure and column.target not in chosen and column.column not in taken:
                chosen[column.target] = column.column
        self._check(chosen, names)
        return LogMapping(**chosen)

    def _check(self, chosen: Mapping[str, str], names: Sequence[str]) -> None:
        used = [column for column in chosen.values() if column]
        for column in used:
            if used.count(column) > 1:
                targets = " and ".join(target for target, other in chosen.items() if other == column)
                raise MappingError(f'The column "{column}" is chosen for {targets}. Choose another for one of them.')
        for target in ("user", "item"):
            if not chosen.get(target):
                near = [c.column for c in self.columns if c.target == target and c.column not in used]
                maybe = f' Is it "{near[0]}"?' if near else ""
                raise MappingError(
                    f"No column holds {_WHAT[target]}.{maybe} Choose one, as in {target}={(near or names)[0]}; "
                    f"the file has the columns {', '.join(names)}."
                )


def suggest_log_mapping(columns: Sequence[str], sample_rows: Sequence[Row] = ()) -> SuggestedLog:
    """Suggest what every column is for.

    Of several columns with exact aliases the most usual name wins; the others are left out, as a log has one of each.

    Args:
        columns: The table's columns.
        sample_rows: A few rows, only shown to the person.
    """
    exact: dict[str, str] = {}
    for column in sorted(columns, key=lambda c: rank_target_alias(t, c) if (t := find_exact_target(c)) else 0):
        if target := find_exact_target(column):
            exact.setdefault(target, column)
    found = {column: target for target, column in exact.items()}
    near: dict[str, str] = {}
    for column in columns:
        if not find_exact_target(column) and (target := find_near_target(column)) not in exact:
            near.setdefault(target, column)
    suggested = {column: target for target, column in near.items() if target}
    return SuggestedLog(
        columns=tuple(
            SuggestedColumn(
                column=column,
                target=found.get(column) or suggested.get(column, ""),
                confidence="exact" if column in found else "suggested" if column in suggested else "none",
                fallback=found.get(column, ""),
                samples=_samples(sample_rows, position),
            )
            for position, column in enumerate(columns)
        )
    )


def _samples(rows: Sequence[Row], position: int) -> tuple[str, ...]:
    cells = (row.cells[position].strip() for row in rows if position < len(row.cells))
    return tuple(cell[:SAMPLE_LENGTH] for cell in list(dict.fromkeys(filter(None, cells)))[:SHOWN_SAMPLES])


def _find_column(target: str, wanted: str, columns: Sequence[str]) -> str:
    if target not in LOG_TARGETS:
        raise MappingError(f'"{target}" is no part of a log. Its parts are {", ".join(LOG_TARGETS)}.')
    if not wanted or wanted in columns:
        return wanted
    same = [column for column in columns if column.lower().strip() == wanted.lower().strip()]
    if len(same) == 1:
        return same[0]
    lowered = {column.lower(): column for column in columns}
    near = difflib.get_close_matches(wanted.lower(), lowered, n=3, cutoff=0.5)
    quoted = " or ".join(f'"{lowered[name]}"' for name in near)
    hint = f" Did you mean {quoted}?" if near else ""
    raise MappingError(f'The file has no column "{wanted}".{hint} It has: {", ".join(columns)}.')
