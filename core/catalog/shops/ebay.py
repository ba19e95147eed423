"""eBay File Exchange and Seller Hub reports; rows of variations follow the listing they belong to.

The seller's own label is the id. Categories are numbers, which say nothing without eBay's list of them.
"""

import re
from collections.abc import Mapping, Sequence

from core.catalog.aliases import build_attribute_name, find_code, find_exact, fold_header
from core.catalog.codes import CODE
from core.catalog.records import ATTRIBUTE, CellReader, Record
from core.catalog.shops.families import fold_code, fold_variant
from core.catalog.table import Row

HEADERS: dict[str, tuple[str, ...]] = {
    "label": ("CustomLabel", "Custom label", "Custom label (SKU)"),
    "item": ("ItemID", "Item number", "eBay item number"),
    "title": ("Title",),
    "category_name": ("Category name", "eBay category 1 name", "StoreCategoryName"),
    "category": ("Category", "Category ID", "eBay category 1 number"),
    "price": ("StartPrice", "Start price", "Price", "Current price"),
    "buy_price": ("BuyItNowPrice", "Buy It Now price"),
    "pictures": ("PicURL", "Item photo URL"),
    "description": ("Description",),
    "quantity": ("Quantity", "Available quantity"),
    "condition": ("Condition",),
    "condition_id": ("ConditionID", "Condition ID"),
    "format": ("Format",),
    "duration": ("Duration",),
    "relationship": ("Relationship",),
    "details": ("RelationshipDetails", "Relationship details", "Variation details"),
}
TARGETS = {
    "label": "id", "title": "title", "category_name": "category", "category": "category", "price": "price",
    "buy_price": "sale_price", "pictures": "pictures", "description": "description", "quantity": "availability",
    "condition": "attribute:Condition", "item": "code:Item number",
}  # fmt: skip
NEEDED = (frozenset({"action", "title"}), frozenset({"label", "title", "price", "format"}))
_ACTION = re.compile(r"(?i)\W*action\s*\(.*SiteID=")
_SPECIFIC = re.compile(r"(?i)\W*(?:C|P|Product):(.+)")


def find_role(column: str) -> str:
    """ "action" for the column that carries the site and the currency in its name."""
    return "action" if _ACTION.match(column) else ""


def find_target(column: str) -> str:
    """Where an item specific goes ("C:Colour", "Product:EAN"); "" for any other column."""
    match = _SPECIFIC.fullmatch(column.strip())
    if not match:
        return ""
    name = match[1].strip()
    if code := find_code(name) or ("EPID" if fold_header(name) == "epid" else ""):
        return CODE + code
    return "brand" if find_exact(name) == "brand" else ATTRIBUTE + build_attribute_name(name)


def fold_ebay(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
    """One record for each listing, its variations folded in, in the order of the file.

    Args:
        rows: Rows of full width.
        reader: Reads their cells.
        roles: Role to the file's column, for the roles it has.
    """
    currency = re.search(r"(?i)Currency=([A-Z]{3})", roles.get("action", ""))
    records: list[Record] = []
    for row in rows:
        values = reader.read_values(row)
        details = reader.read_cell(row, roles.get("details", ""))
        if reader.read_cell(row, roles.get("relationship", "")).lower() == "variation" and records:
            fold_variant(records[-1], row, values)
            fold_code(records[-1], "SKU", next(iter(values.get("id", [])), ""))
            _add_details(records[-1], details)
            continue
        record = Record(row.number, (row.number,), values)
        if currency:
            record.values.setdefault("currency", [currency[1].upper()])
        _add_details(record, details)
        records.append(record)
    return records


def _add_details(record: Record, details: str) -> None:
    """ "Colour=Red;Blue|Size=M" names every value at the listing and one at each variation."""
    for part in details.split("|"):
        name, _, values = part.partition("=")
        if name.strip() and values.strip():
            record.add_attribute(name.strip(), [value.strip() for value in values.split(";")])
