"""What was made of the columns of a file, said so that nothing is taken or left in silence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.catalog.shape.mapping import SuggestedColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedColumn:
    """A column that fills a field.

    Attributes:
        field: What it fills.
        column: Its name.
        note: Why it was guessed, "" when there is nothing to add.
    """

    field: str
    column: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedColumns:
    """What the columns of a file are taken for.

    Attributes:
        used: Those whose names are known, or that a person chose.
        guessed: Those that only look like it.
        unused: Names of the others.
    """

    used: tuple[UsedColumn, ...]
    guessed: tuple[UsedColumn, ...]
    unused: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON values: used, guessed, not_used."""
        return {
            "used": [{"field": one.field, "column": one.column} for one in self.used],
            "guessed": [{"field": one.field, "column": one.column, "note": one.note} for one in self.guessed],
            "not_used": list(self.unused),
        }


def find_used_columns(
    suggested: Sequence[SuggestedColumn], targets: Mapping[str, str], chosen: Collection[str] = ()
) -> UsedColumns:
    """Tell the columns apart.

    Args:
        suggested: What was suggested for every column, in the order of the file.
        targets: Column to what it fills in the end, "" or left out for nothing.
        chosen: The columns that a person chose.
    """
    used: list[UsedColumn] = []
    guessed: list[UsedColumn] = []
    unused: list[str] = []
    for one in suggested:
        field = targets.get(one.column, "")
        is_guess = one.confidence == "suggested" and field == one.target and one.column not in chosen
        if field:
            note = one.note if is_guess else ""
            (guessed if is_guess else used).append(UsedColumn(field=field, column=one.column, note=note))
        elif one.note and one.confidence == "exact":
            used.append(UsedColumn(field="layout", column=one.column, note=one.note))
        else:
            unused.append(one.column)
    return UsedColumns(used=tuple(used), guessed=tuple(guessed), unused=tuple(unused))
