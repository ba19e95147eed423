"""Variants fold into their products: what the shops share whose exports have a row for each variant."""

from collections.abc import Iterable, Mapping, Sequence

from core.catalog.codes import CODE
from core.catalog.records import Record
from core.catalog.table import Row, build_problem

#: What a variant adds to its product; name, description and category are the product's own.
_FOLDED = ("price", "sale_price", "pictures", "availability")


def fold_variant(parent: Record, row: Row, values: Mapping[str, Sequence[str]]) -> None:
    """Add a variant's prices, stock, pictures and codes to its product."""
    parent.rows += (row.number,)
    for target, cells in values.items():
        if target in _FOLDED or target.startswith(CODE):
            parent.add_values(target, cells)


def fold_code(parent: Record, name: str, code: str) -> None:
    """Keep a code of a variant, e.g. the id that it has in the shop."""
    parent.add_values(CODE + name, [code] if code else [])


def settle_paths(record: Record, paths: Iterable[Sequence[str]]) -> None:
    """Of several category paths the deepest is the category, the last names of the others are tags."""
    known = [tuple(path) for path in paths if path]
    record.values.pop("category", None)
    if not known:
        return
    deepest = max(known, key=len)
    record.values["category"] = [" > ".join(deepest)]
    extra = [path[-1] for path in known if path is not deepest and path[-1] not in deepest]
    if extra:
        record.values.setdefault("tags", []).extend(dict.fromkeys(extra))


def warn_unpublished(record: Record, value: str) -> None:
    """Say that the product is hidden in its shop."""
    message = "The product is not published in the shop; delete the row if it must not be suggested."
    record.problems.append(build_problem(record.row, "", "unpublished", value, message, severity="warning"))


def warn_missing_parent(record: Record, value: str) -> None:
    """Say that a variant has become an item of its own."""
    message = "The variation's parent is not in the file; it is kept as an item of its own. Export the parent with it."
    record.problems.append(build_problem(record.row, "", "missing_parent", value, message, severity="warning"))
