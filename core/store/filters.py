"""Conditions on items, and their translation to SQL with every value bound."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from core.errors import NeedError

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
OPERATORS: tuple[Operator, ...] = get_args(Operator)
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
        if self.is_numeric:
            try:
                float(self.value)
            except ValueError as exc:
                raise NeedError(
                    f"The filter “{self.field} {self.operator} {self.value}” needs a number after {self.operator}."
                ) from exc

    @property
    def is_numeric(self) -> bool:
        """Whether numbers, not texts, are compared."""
        return self.operator not in ("=", "!=") or self.field.lower() == "price"


def parse_filter(text: str) -> Filter:
    """Read "brand=Puma" or "price<50".

    Raises:
        NeedError: The text is not FIELD, an operator and a value.
    """
    match = _PATTERN.match(text)
    if match is None:
        raise NeedError(f"The filter “{text}” cannot be read. Write FIELD=VALUE or FIELD<NUMBER, e.g. brand=Puma.")
    operator = next(known for known in OPERATORS if known == match["operator"])
    return Filter(field=match["field"], operator=operator, value=match["value"])


def select_items_sql(catalog_id: int, filters: tuple[Filter, ...]) -> tuple[str, list[object]]:
    """A query for the database ids of the items that pass.

    Several "=" on one field are alternatives; everything else must hold together.
    """
    parts: list[str] = []
    values: list[object] = []
    equals: dict[str, list[str]] = {}
    for condition in filters:
        if condition.operator == "=" and not condition.is_numeric:
            equals.setdefault(condition.field.lower(), []).append(condition.value)
            continue
        sql, bound = _condition_sql(catalog_id, condition)
        parts.append(sql)
        values.extend(bound)
    for field, alternatives in equals.items():
        marks = ", ".join("?" for _ in alternatives)
        parts.append(f"SELECT item FROM facets WHERE catalog_id = ? AND field = ? AND value IN ({marks})")
        values.extend([catalog_id, field, *alternatives])
    if not parts:
        return "SELECT id FROM items WHERE catalog_id = ? ORDER BY id", [catalog_id]
    return " INTERSECT ".join(parts), values


def _condition_sql(catalog_id: int, condition: Filter) -> tuple[str, list[object]]:
    if condition.field.lower() == "price":
        sql = f"SELECT id FROM items WHERE catalog_id = ? AND price {condition.operator} ?"
        return sql, [catalog_id, float(condition.value)]
    if condition.operator == "!=":
        sql = (
            "SELECT id FROM items WHERE catalog_id = ? EXCEPT "
            "SELECT item FROM facets WHERE catalog_id = ? AND field = ? AND value = ?"
        )
        return f"SELECT * FROM ({sql})", [catalog_id, catalog_id, condition.field, condition.value]
    sql = (
        "SELECT item FROM facets WHERE catalog_id = ? AND field = ? AND value GLOB '[0-9.-]*' "
        f"AND CAST(value AS REAL) {condition.operator} ?"
    )
    return sql, [catalog_id, condition.field, float(condition.value)]
