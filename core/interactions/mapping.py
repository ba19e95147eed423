"""Which column of a log fills what: suggested from the names, overridden by a person, checked."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.catalog.shape.mapping import SuggestedColumn, find_named_column
from core.errors import MappingError
from core.interactions.aliases import LOG_TARGETS, is_order_number

#: Names of columns that a message lists.
SHOWN_NAMES = 40
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
        clock: The time of day, where `time` holds the day alone.
    """

    user: str
    item: str
    event: str = ""
    rating: str = ""
    count: str = ""
    time: str = ""
    clock: str = ""

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
                raise MappingError(f"No column holds {_WHAT[target]}. {self._advise(target, used)}{_listed(names)}")
        if chosen.get("clock") and not chosen.get("time"):
            day = "Choose the column of days too, as in --map time=COLUMN."
            raise MappingError(f'"{chosen["clock"]}" holds times of day. {day}')

    def _advise(self, target: str, used: Sequence[str]) -> str:
        free = [column.column for column in self.columns if column.column not in used]
        orders = [name for name in free if is_order_number(name)]
        if target == "user" and orders:
            return (
                f'"{orders[0]}" numbers orders, not people; if nothing else tells them apart, '
                f"{_ask(target, orders[0])} lets each order count as a person of its own. "
            )
        near = next((c.column for c in self.columns if c.target == target and c.column in free), "")
        question = f'Is it "{near}"? ' if near else ""
        return f"{question}Choose one, as in {_ask(target, near or 'COLUMN')}. "


def _ask(target: str, column: str) -> str:
    return f"--map {shlex.quote(f'{target}={column}')}"


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f'The file has one column, "{names[0]}"; what stands between two cells is chosen with --delimiter.'
    more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
    return f"The file has the columns {', '.join(names[:SHOWN_NAMES])}{more}."


def _find_column(target: str, wanted: str, columns: Sequence[str]) -> str:
    if target not in LOG_TARGETS:
        raise MappingError(f'"{target}" is no part of a log. Its parts are {", ".join(LOG_TARGETS)}.')
    return find_named_column(wanted, columns) if wanted else ""
