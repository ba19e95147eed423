"""Records: what one item's rows say, gathered by target before anything is understood."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.catalog.flatten import mend_halves
from core.catalog.schema import Problem
from core.catalog.table import Row

ATTRIBUTE = "attribute:"
_VOLATILE = frozenset({"price", "sale_price", "currency", "availability"})
# How other programs write "no value". A title or an id is taken as it is: "NaN" may well be a name.
_NULLS = frozenset({"NaN", "nan", "NULL", "null", "N/A", "n/a", "#N/A", "\\N"})


@dataclass(slots=True)
class Record:
    """The cells of one item.

    Attributes:
        row: The row that carries the item.
        rows: Every row that belongs to it, that one first.
        values: Target to its filled cells, in column order and then row order.
        attributes: Attribute values that a convention has split already.
        problems: What a convention noticed while gathering.
    """

    row: int
    rows: tuple[int, ...]
    values: dict[str, list[str]]
    attributes: dict[str, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add_values(self, target: str, cells: Iterable[str]) -> None:
        """Add cells that the target does not have yet."""
        known = self.values.get(target, [])
        if fresh := [cell for cell in cells if cell not in known]:
            self.values[target] = known + fresh

    def add_attribute(self, name: str, values: Iterable[str]) -> None:
        """Add values that the attribute does not have yet."""
        known = self.attributes.setdefault(name, [])
        known.extend(value for value in values if value and value not in known)


class CellReader:
    """Cells of a row by target and by column name.

    Args:
        columns: The table's columns.
        targets: Column to target, in the order in which values are gathered; columns without one are left out.
    """

    def __init__(self, columns: Sequence[str], targets: Mapping[str, str]) -> None:
        self._positions = {column: position for position, column in enumerate(columns)}
        self._targeted = [(self._positions[c], targets[c]) for c in targets if targets[c]]

    def read_values(self, row: Row) -> dict[str, list[str]]:
        """Target to the filled cells of one row."""
        values: dict[str, list[str]] = {}
        cells = row.cells
        for position, target in self._targeted:
            cell = _clean_cell(cells[position])
            if cell and (cell not in _NULLS or target in ("id", "title")):
                if target in values:
                    values[target].append(cell)
                else:
                    values[target] = [cell]
        return values

    def read_cell(self, row: Row, column: str) -> str:
        """One cell by its column's name, "" where there is no such column."""
        position = self._positions.get(column)
        return "" if position is None else _clean_cell(row.cells[position])


def _clean_cell(cell: str) -> str:
    """Without blanks around it, and without half characters."""
    return mend_halves(cell.strip())


def build_plain_records(rows: Iterable[Row], reader: CellReader) -> list[Record]:
    """One record a row."""
    return [Record(row.number, (row.number,), reader.read_values(row)) for row in rows]


def make_id(values: Mapping[str, list[str]], attributes: Mapping[str, list[str]]) -> str:
    """An id from the content, for files that have none.

    The same content has the same id at every import. Price, currency and availability are left out, so that they may
    change without making a new item; any other change makes one.
    """
    content = {target: cells for target, cells in values.items() if target not in _VOLATILE}
    text = json.dumps([content, dict(attributes)], ensure_ascii=False, sort_keys=True)
    return f"w-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
