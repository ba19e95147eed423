"""Conditions on items, and their translation to SQL with every value bound."""

import math
import re
from dataclasses import dataclass
from typing import Literal, get_args

from core.errors import NeedError
from core.store.database import check_text

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
OPERATORS: tuple[Operator, ...] = get_args(Operator)
#: More than any person sets; the database takes so many values at once.
MAX_FILTERS = 2_000
_JOINED = 100
_PATTERN = re.compile(r"^\s*(?P<field>[^=<>!]+?)\s*(?P<operator><=|>=|!=|=|<|>)\s*(?P<value>.+?)\s*$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One condition, e.g. brand = Puma or price < 50.

    Attributes:
        field: "price", another item field, or the name of an attribute; case is ignored.
        operator: One of `OPERATORS`.
        value: Text for = and !=, compared without case; a number for the others.
    """

    field: str
    operator: Operator
    value: str

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(f"unknown operator {self.operator!r}")
        check_text(self.field, self.value)
        if self.is_numeric:
            try:
                number = float(self.value)
            except ValueError:
                number = math.nan
            if not math.isfinite(number):
                raise NeedError(
                    f"The filter “{self.field} {self.operator} {self.value}” needs a number after {self.operator}."
                )

    @property
    def is_numeric(self) -> bool:
        """Whether numbers, not texts, are compared."""
        return self.operator not in ("=", "!=") or self.field.lower() == "price"


def parse_filter(text: str) -> Filter:
    """Read "brand=Puma" or "price<50".

    Raises:
        NeedError: The text is not FIELD, an operator and a value.

    Examples:
        >>> parse_filter("price<50")
        Filter(field='price', operator='<', value='50')
    """
    match = _PATTERN.match(text)
    if match is None:
        raise NeedError(f"The filter “{text}” cannot be read. Write FIELD=VALUE or FIELD<NUMBER, e.g. brand=Puma.")
    operator = next(known for known in OPERATORS if known == match["operator"])
    return Filter(field=match["field"], operator=operator, value=match["value"])


def select_items_sql(catalog_id: int, filters: tuple[Filter, ...]) -> tuple[str, list[object]]:
    """A query for the database ids of the items that pass.

    Several "=" on one field are alternatives; everything else must hold together.

    Raises:
        NeedError: There are too many.
    """
    if len(filters) > MAX_FILTERS:
        raise NeedError(f"There are {len(filters):,} filters; at most {MAX_FILTERS} can be used at once.")
    if not filters:
        return "SELECT id FROM items WHERE catalog_id = ? ORDER BY id", [catalog_id]
    named: dict[tuple[str, str], list[str]] = {}
    conditions = []
    for condition in filters:
        if condition.is_numeric:
            conditions.append(_number_sql(catalog_id, condition))
        else:
            named.setdefault((condition.operator, condition.field.lower()), []).append(condition.value)
    conditions += [_names_sql(catalog_id, *key, names) for key, names in named.items()]
    parts, values = [sql for sql, _ in conditions], [value for _, bound in conditions for value in bound]
    # One statement may join some hundred parts only; groups of them may be joined again.
    while len(parts) > _JOINED:
        groups = [parts[start : start + _JOINED] for start in range(0, len(parts), _JOINED)]
        parts = [f"SELECT * FROM ({' INTERSECT '.join(group)})" for group in groups]
    return " INTERSECT ".join(parts), values


def _names_sql(catalog_id: int, operator: str, field: str, names: list[str]) -> tuple[str, list[object]]:
    """Items that have one of the names there, or none of them."""
    marks = ", ".join("?" for _ in names)
    sql = f"SELECT item FROM facets WHERE catalog_id = ? AND field = ? AND value IN ({marks})"
    values: list[object] = [catalog_id, field, *names]
    if operator == "=":
        return sql, values
    return f"SELECT * FROM (SELECT id FROM items WHERE catalog_id = ? EXCEPT {sql})", [catalog_id, *values]


def _number_sql(catalog_id: int, condition: Filter) -> tuple[str, list[object]]:
    if condition.field.lower() == "price":
        sql = f"SELECT id FROM items WHERE catalog_id = ? AND price {condition.operator} ?"
        return sql, [catalog_id, float(condition.value)]
    sql = (
        "SELECT item FROM facets WHERE catalog_id = ? AND field = ? AND value GLOB '[0-9.-]*' "
        f"AND CAST(value AS REAL) {condition.operator} ?"
    )
    return sql, [catalog_id, condition.field, float(condition.value)]
