"""What the items of a catalogue can be filtered by."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import NeedError
from core.store.database import Database
from core.store.filters import Filter

MAX_VALUES = 300
#: From so many different numbers on, a field is offered as a range.
RANGE_FROM = 13
#: So few values are a choice even where nearly every item has its own.
FEW = 20
_FIRST = ("category", "brand", "availability", "tags")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """One field with its values.

    Attributes:
        field: Name, as `Filter.field`.
        values: (value, number of items), the commonest first, at most `MAX_VALUES`.
        numbers: Least and greatest value of a numeric field, else None.
    """

    field: str
    values: tuple[tuple[str, int], ...]
    numbers: tuple[float, float] | None = None


def list_facets(database: Database, catalog_id: int) -> tuple[Facet, ...]:
    """Fields by which a choice can be made: at least two values, and not a different one in every item.

    Price comes first, then the item fields, then attributes by how many items have them.
    """
    rows = database.connection.execute(
        "SELECT field, value, count(*) FROM facets WHERE catalog_id = ? GROUP BY field, value", (catalog_id,)
    ).fetchall()
    fields: dict[str, list[tuple[str, int]]] = {}
    names: dict[str, str] = {}
    for field, value, count in rows:
        fields.setdefault(field.lower(), []).append((value, count))
        names.setdefault(field.lower(), field)
    facets = [_build_facet(names[key], values) for key, values in fields.items() if _is_useful(values)]
    coverage = {key: sum(count for _, count in values) for key, values in fields.items()}
    facets.sort(key=lambda facet: (_rank(facet.field), -coverage[facet.field.lower()]))
    price = _price(database, catalog_id)
    return (price, *facets) if price else tuple(facets)


def check_fields(database: Database, catalog_ids: Sequence[int], filters: Sequence[Filter]) -> None:
    """See to it that each filter names a field that some item of these catalogues has.

    Raises:
        NeedError: It does not; the message names fields that are near.
    """
    marks = ", ".join("?" for _ in catalog_ids)
    for name in {condition.field for condition in filters if condition.field.lower() != "price"}:
        sql = f"SELECT 1 FROM facets WHERE catalog_id IN ({marks}) AND field = ? LIMIT 1"
        if catalog_ids and database.connection.execute(sql, (*catalog_ids, name)).fetchone() is None:
            rows = database.connection.execute(
                f"SELECT DISTINCT field FROM facets WHERE catalog_id IN ({marks})", tuple(catalog_ids)
            )
            known = ["price", *sorted(row[0] for row in rows)]
            near = difflib.get_close_matches(name, known, n=3) or known[:12]
            raise NeedError(f"No item has a field “{name}” to filter by. There are: {', '.join(near)}.")


def _price(database: Database, catalog_id: int) -> Facet | None:
    low, high = database.connection.execute(
        "SELECT min(price), max(price) FROM items WHERE catalog_id = ? AND price IS NOT NULL", (catalog_id,)
    ).fetchone()
    return None if low is None or low == high else Facet(field="price", values=(), numbers=(low, high))


def _is_useful(values: list[tuple[str, int]]) -> bool:
    return len(values) > 1 and (len(values) <= FEW or sum(count for _, count in values) > 1.5 * len(values))


def _build_facet(field: str, values: list[tuple[str, int]]) -> Facet:
    ordered = tuple(sorted(values, key=lambda pair: (-pair[1], pair[0].lower())))
    numbers = [_number(value) for value, _ in ordered]
    known = [number for number in numbers if number is not None]
    span = (min(known), max(known)) if len(known) == len(ordered) >= RANGE_FROM else None
    return Facet(field=field, values=ordered[:MAX_VALUES], numbers=span)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None


def _rank(field: str) -> int:
    lowered = field.lower()
    return _FIRST.index(lowered) if lowered in _FIRST else len(_FIRST)
