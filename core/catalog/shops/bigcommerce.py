"""BigCommerce product exports, the older and the newer template: rows below a product are its variants and pictures."""

import re
from collections.abc import Mapping, Sequence

from core.catalog.records import CellReader, Record
from core.catalog.shops.families import fold_code, fold_variant, settle_paths, warn_unpublished
from core.catalog.table import Row

HEADERS: dict[str, tuple[str, ...]] = {
    "item": ("Item Type", "Item"),
    "id": ("Product ID", "ID"),
    "name": ("Product Name", "Name"),
    "type": ("Product Type", "Type"),
    "sku": ("Product Code/SKU", "SKU"),
    "brand": ("Brand Name", "Brand"),
    "description": ("Product Description", "Description"),
    "options": ("Options",),
    "price": ("Price",),
    "sale_price": ("Sale Price",),
    "category": ("Category", "Categories"),
    "image": ("Product Image File - {n}", "Product Image URL - {n}", "Image URL (Import)"),
    "variant_image": ("Variant Image URL",),
    "stored_image": ("Internal Image URL (Export)",),
    "tracking": ("Track Inventory", "Inventory Tracking"),
    "stock": ("Current Stock Level", "Stock Level", "Current Stock"),
    "keywords": ("Search Keywords",),
    "visible": ("Product Visible?", "Is Visible"),
    "condition": ("Product Condition", "Condition"),
    "url": ("Product URL",),
    "upc": ("Product UPC/EAN", "UPC/EAN"),
    "gtin": ("Global Trade Item Number", "GTIN"),
    "mpn": ("Manufacturer Part Number", "MPN"),
}
TARGETS = {
    "id": "id", "name": "title", "sku": "code:SKU", "brand": "brand", "description": "description", "price": "price",
    "sale_price": "sale_price", "category": "category", "image": "pictures", "variant_image": "pictures",
    "keywords": "tags", "condition": "attribute:Condition", "upc": "code:UPC", "gtin": "code:GTIN", "mpn": "code:MPN",
}  # fmt: skip
NEEDED = (frozenset({"item", "name", "sku", "type", "price"}),)
#: "[S]Size=Small,[RT]Colour=Red" in the older template, "Type=Rectangle|Name=Size|Value=Small" in the newer.
_OLD_OPTION = re.compile(r"\[\w+\]([^=,]+)=([^,]+?)(?=,\[|$)")
_NEW_OPTION = re.compile(r"Name=([^|]+)\|Value=([^|]+)")


def fold_bigcommerce(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
    """One record for each product, in the order of the file.

    Args:
        rows: Rows of full width.
        reader: Reads their cells.
        roles: Role to the file's column, for the roles it has.
    """
    records: list[Record] = []
    for row in rows:
        kind = reader.read_cell(row, roles["item"]).lower()
        if kind in ("", "product") or not records:
            records.append(_build_record(row, reader, roles))
        elif kind in ("sku", "variant", "image"):
            _fold_row(records[-1], row, reader, roles)
        else:  # rules, videos
            records[-1].rows += (row.number,)
    return records


def _build_record(row: Row, reader: CellReader, roles: Mapping[str, str]) -> Record:
    record = Record(row.number, (row.number,), reader.read_values(row))
    record.values["availability"] = _read_stock(row, reader, roles)
    # The newer template has numbers for the categories, which say nothing.
    paths = [path for path in ";".join(record.values.get("category", [])).split(";") if not path.strip().isdecimal()]
    settle_paths(record, [[level.strip() for level in path.split("/") if level.strip()] for path in paths])
    if (visible := reader.read_cell(row, roles.get("visible", ""))).lower() in ("n", "no", "false", "0"):
        warn_unpublished(record, visible)
    return record


def _fold_row(parent: Record, row: Row, reader: CellReader, roles: Mapping[str, str]) -> None:
    values = reader.read_values(row) | {"availability": _read_stock(row, reader, roles)}
    fold_variant(parent, row, values)
    fold_code(parent, "Variant id", next(iter(values.get("id", [])), ""))
    options = reader.read_cell(row, roles["name"]), reader.read_cell(row, roles.get("options", ""))
    for name, value in _OLD_OPTION.findall(options[0]) + _NEW_OPTION.findall(options[1]):
        parent.add_attribute(name.strip(), [value.strip()])


def _read_stock(row: Row, reader: CellReader, roles: Mapping[str, str]) -> list[str]:
    stock = reader.read_cell(row, roles.get("stock", ""))
    tracked = reader.read_cell(row, roles.get("tracking", "")).lower() not in ("none", "n", "no", "false")
    return [stock] if stock and tracked else []
