"""Magento 2 (Adobe Commerce) product exports.

Rows of a store view repeat a product in another language and fold into it; the simple products of a configurable one
are its variants. Categories are paths from the root, attributes stand together in one column.
"""

import re
from collections.abc import Mapping, Sequence

from core.catalog.aliases import build_attribute_name, find_code, find_exact
from core.catalog.records import CellReader, Record
from core.catalog.shops.families import fold_code, fold_variant, settle_paths, warn_unpublished
from core.catalog.table import Row

HEADERS: dict[str, tuple[str, ...]] = {
    "sku": ("sku",),
    "store": ("store_view_code",),
    "attribute_set": ("attribute_set_code",),
    "type": ("product_type",),
    "categories": ("categories",),
    "name": ("name",),
    "description": ("description",),
    "short_description": ("short_description",),
    "price": ("price",),
    "special_price": ("special_price",),
    "base_image": ("base_image",),
    "additional_images": ("additional_images",),
    "additional_attributes": ("additional_attributes",),
    "in_stock": ("is_in_stock",),
    "quantity": ("qty",),
    "keywords": ("meta_keywords", "meta_keyword"),
    "brand": ("manufacturer", "brand"),
    "variations": ("configurable_variations",),
    "online": ("product_online",),
    "color": ("color",),
    "size": ("size",),
    "material": ("material",),
}
TARGETS = {
    "sku": "id", "name": "title", "short_description": "description", "description": "description", "price": "price",
    "special_price": "sale_price", "base_image": "pictures", "additional_images": "pictures",
    "in_stock": "availability", "quantity": "availability", "keywords": "tags", "brand": "brand",
    "categories": "category", "color": "attribute:Color", "size": "attribute:Size", "material": "attribute:Material",
}  # fmt: skip
NEEDED = (frozenset({"sku", "name", "attribute_set"}), frozenset({"sku", "name", "store", "type"}))
_ROOTS = frozenset({"default category", "root catalog"})
#: A comma before the next "name=" parts attributes; values have commas too.
_NEXT_PAIR = re.compile(r",(?=\s*[\w.\-]+=)")


def fold_magento(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
    """One record for each product, in the order of the file.

    Args:
        rows: Rows of full width.
        reader: Reads their cells.
        roles: Role to the file's column, for the roles it has.
    """
    records = [_build_record(group, reader, roles) for group in _group_views(rows, reader, roles)]
    return _fold_variations(records, {row.number: row for row in rows}, reader, roles)


def _group_views(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[list[Row]]:
    """The rows of each product, the one of all store views first; a row of the same view is another product."""
    groups: dict[str, list[list[Row]]] = {}
    for row in rows:
        sku = reader.read_cell(row, roles["sku"]) or f"\0{row.number}"
        view = reader.read_cell(row, roles.get("store", ""))
        for group in groups.setdefault(sku, []):
            if all(reader.read_cell(other, roles.get("store", "")) != view for other in group):
                group.insert(len(group) if view else 0, row)
                break
        else:
            groups[sku].append([row])
    return [group for found in groups.values() for group in found]


def _build_record(group: list[Row], reader: CellReader, roles: Mapping[str, str]) -> Record:
    record = Record(group[0].number, tuple(row.number for row in group), reader.read_values(group[0]))
    for row in group[1:]:
        for target, cells in reader.read_values(row).items():
            record.values.setdefault(target, cells)
    if stock := next((c for row in group if (c := reader.read_cell(row, roles.get("in_stock", "")))), ""):
        record.values["availability"] = [stock]
    attributes = next((c for row in group if (c := reader.read_cell(row, roles.get("additional_attributes", "")))), "")
    for name, value in _split_pairs(attributes):
        _add_attribute(record, name, value)
    settle_paths(record, [_split_path(path) for cell in record.values.get("category", []) for path in cell.split(",")])
    if (online := reader.read_cell(group[0], roles.get("online", ""))) in ("0", "2"):
        warn_unpublished(record, online)
    return record


def _split_path(path: str) -> list[str]:
    levels = [level.replace("\\/", "/").strip() for level in re.split(r"(?<!\\)/", path)]
    return [level for at, level in enumerate(levels) if level and (at or level.lower() not in _ROOTS)]


def _split_pairs(cell: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in _NEXT_PAIR.split(cell))
    return [(name.strip(), value.strip().strip('"')) for name, _, value in pairs if name.strip() and value.strip()]


def _add_attribute(record: Record, name: str, value: str) -> None:
    if code := find_code(name):
        fold_code(record, code, value)
    elif find_exact(name) == "brand":
        record.values.setdefault("brand", [value])
    else:
        record.add_attribute(build_attribute_name(name), [part.strip() for part in value.split("|")])


def _fold_variations(
    records: list[Record], rows: Mapping[int, Row], reader: CellReader, roles: Mapping[str, str]
) -> list[Record]:
    """Fold the simple products that a configurable one names into it."""
    by_sku = {record.values["id"][0]: record for record in records if record.values.get("id")}
    folded: set[int] = set()
    for parent in records:
        for variation in reader.read_cell(rows[parent.row], roles.get("variations", "")).split("|"):
            pairs = dict(_split_pairs(variation))
            sku = pairs.pop("sku", "")
            fold_code(parent, "SKU", sku)
            for name, value in pairs.items():
                parent.add_attribute(build_attribute_name(name), [value])
            child = by_sku.get(sku)
            if child is not None and child is not parent and child.row not in folded:
                folded.add(child.row)
                _fold_child(parent, child, rows)
    return [record for record in records if record.row not in folded]


def _fold_child(parent: Record, child: Record, rows: Mapping[int, Row]) -> None:
    # A configurable product has no price of its own; the export writes 0.
    parent.values["price"] = [cell for cell in parent.values.get("price", []) if re.search("[1-9]", cell)]
    fold_variant(parent, rows[child.row], child.values)
    parent.rows += child.rows[1:]
    for name, values in child.attributes.items():
        parent.add_attribute(name, values)
