"""Which column fills which field of an item: suggested, overridden by a person, checked."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.catalog.codes import CODE
from core.catalog.records import ATTRIBUTE
from core.catalog.schema import ITEM_FIELDS
from core.catalog.shops.conventions import Convention
from core.errors import MappingError

Confidence = Literal["exact", "suggested", "none"]

#: What a column can be mapped to, beside "attribute:Name", "code:Name" and "" (ignored).
TARGETS: tuple[str, ...] = (*ITEM_FIELDS, "sale_price")
#: Targets that several columns can fill together, in the order of the mapping.
MANY: frozenset[str] = frozenset({"category", "pictures", "tags", "description"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """What every column is for.

    Attributes:
        convention: How rows make items; one of `CONVENTIONS`.
        targets: Column name to a field, "attribute:Name", "code:Name", or "" to ignore it. Several columns of
            one of the fields in `MANY` are taken in this order, e.g. the levels of a category.
    """

    convention: Convention = "plain"
    targets: Mapping[str, str]

    def find_columns(self, target: str) -> tuple[str, ...]:
        """The columns mapped to a target, in order."""
        return tuple(column for column, other in self.targets.items() if other == target)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedColumn:
    """One column as the mapping page shows it.

    Attributes:
        column: Its name.
        target: The field suggested for it.
        confidence: "exact" is filled in, "suggested" waits for a person, "none" has nothing to go by.
        fallback: The target until a person accepts: "", a free attribute or a code.
        samples: Some of its filled cells.
        note: What the convention does with the column otherwise, "" when nothing.
    """

    column: str
    target: str
    confidence: Confidence
    fallback: str
    samples: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedMapping:
    """A mapping for a person to confirm.

    Attributes:
        convention: The recognised layout.
        columns: One entry a column, in the order of the file.
    """

    convention: Convention
    columns: tuple[SuggestedColumn, ...]

    def build(self, *, accept_suggestions: bool = False) -> ColumnMapping:
        """The mapping with the exact matches, and with the suggestions where they are accepted."""
        targets = {
            c.column: c.target if c.confidence == "exact" or accept_suggestions else c.fallback for c in self.columns
        }
        return ColumnMapping(convention=self.convention, targets=targets)


def validate_mapping(mapping: ColumnMapping, columns: Sequence[str], *, updates: bool = False) -> None:
    """Check that items can be built.

    A missing id is allowed: ids are then made from the content.

    Args:
        mapping: What the columns are for.
        columns: The table's columns.
        updates: Whether there are items to update; with their ids and something to say of them, no title is needed.

    Raises:
        MappingError: The title has no column, a single-valued field has two, or a name is unknown.
    """
    for column, target in mapping.targets.items():
        if column not in columns:
            raise MappingError(f'The file has no column "{column}".{_did_you_mean(column, columns)}')
        check_target(target)
    used = {target for target in mapping.targets.values() if target}
    if "title" not in used and not (updates and "id" in used and len(used) > 1):
        raise no_title(columns)
    for field in TARGETS:
        found = mapping.find_columns(field)
        if len(found) > 1 and field not in MANY:
            names = " and ".join(f'"{name}"' for name in found)
            choose = "Choose one of the columns (on the page, or with --map)."
            raise MappingError(f"The {field} is filled by {names}; it holds one value. {choose}")


def no_title(columns: Sequence[str]) -> MappingError:
    """The refusal of a file of new items without titles."""
    return MappingError(
        "No column holds the title. Choose the column with the name of each item (on the page, or with --map "
        f"title=COLUMN), one of: {', '.join(columns)}."
    )


def check_target(target: str) -> None:
    """Check the name of a target.

    Raises:
        MappingError: It is neither a field nor an attribute or a code with a name.
    """
    if target.startswith((ATTRIBUTE, CODE)):
        if not target.partition(":")[2].strip():
            raise MappingError('An attribute or a code needs a name, as in "attribute:Colour" or "code:EAN".')
    elif target and target not in TARGETS:
        raise MappingError(
            f'"{target}" is no field.{_did_you_mean(target, TARGETS)} '
            f'The fields are {", ".join(TARGETS)}, "attribute:Name" or "code:Name".'
        )


def apply_overrides(
    mapping: ColumnMapping, overrides: Mapping[str, str] | Iterable[tuple[str, str]], columns: Sequence[str] = ()
) -> ColumnMapping:
    """Change a mapping as a person asks, field by field.

    Args:
        mapping: The mapping to change.
        overrides: Target to column, as pairs where a target is given several columns in order. An empty column leaves
            the target without one; the target "ignore" drops the column.
        columns: The table's columns; those of the mapping when empty.

    Raises:
        MappingError: A target or a column is unknown; the message names those that are near.
    """
    names = tuple(columns) or tuple(mapping.targets)
    pairs = list(overrides.items() if isinstance(overrides, Mapping) else overrides)
    targets = dict(mapping.targets)
    for target in dict.fromkeys(target for target, _ in pairs):
        if target != "ignore":
            check_target(target)
            targets = {column: "" if other == target else other for column, other in targets.items()}
    for target, wanted in pairs:
        if wanted:
            column = find_named_column(wanted, names)
            targets.pop(column, None)  # to the end: the order of the overrides is the order of the levels
            targets[column] = "" if target == "ignore" else target
    return replace(mapping, targets=targets)


def find_named_column(wanted: str, columns: Sequence[str]) -> str:
    """The column that a person means, whatever the case it is written in.

    Raises:
        MappingError: There is none of that name; the message names those that are near.
    """
    if wanted in columns:
        return wanted
    same = [column for column in columns if column.lower().strip() == wanted.lower().strip()]
    if len(same) == 1:
        return same[0]
    raise MappingError(
        f'The file has no column "{wanted}".{_did_you_mean(wanted, columns)} It has: {", ".join(columns)}.'
    )


def _did_you_mean(wanted: str, names: Sequence[str]) -> str:
    lowered = {name.lower(): name for name in names}
    near = difflib.get_close_matches(wanted.lower(), lowered, n=3, cutoff=0.5)
    quoted = " or ".join(f'"{lowered[name]}"' for name in near)
    return f" Did you mean {quoted}?" if near else ""
