"""Shopify product exports: several rows for one product, told together by the handle.

The first row of a handle carries the product; further rows carry variants and pictures. The item's price is the lowest
of its variants; option values become attributes; pictures follow "Image Position", then come the variants' own.
"""

from collections.abc import Mapping, Sequence

from core.catalog.codes import CODE
from core.catalog.records import CellReader, Record
from core.catalog.shops.families import warn_unpublished
from core.catalog.table import Row

#: Role to its column names, the classic export first, then the newer template.
HEADERS: dict[str, tuple[str, ...]] = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title",),
    "body": ("Body (HTML)", "Body HTML", "Description"),
    "vendor": ("Vendor",),
    "product_category": ("Product Category", "Standard Product Type", "Standardized Product Type"),
    "type": ("Type", "Custom Product Type"),
    "google_category": ("Google Shopping / Google Product Category", "Google product category"),
    "tags": ("Tags",),
    "published": ("Published", "Published on online store"),
    "status": ("Status",),
    "price": ("Variant Price", "Price"),
    "sku": ("Variant SKU", "SKU"),
    "barcode": ("Variant Barcode", "Barcode"),
    "mpn": ("Google Shopping / MPN", "Google: MPN"),
    "quantity": ("Variant Inventory Qty", "Inventory quantity"),
    "tracker": ("Variant Inventory Tracker", "Inventory tracker"),
    "policy": ("Variant Inventory Policy", "Continue selling when out of stock"),
    "image": ("Image Src", "Product image URL"),
    "image_position": ("Image Position",),
    "variant_image": ("Variant Image", "Variant image URL"),
    "gender": ("Google Shopping / Gender", "Google: Gender"),
    "age_group": ("Google Shopping / Age Group", "Google: Age group"),
    "condition": ("Google Shopping / Condition", "Google: Condition"),
    **{f"option{n}_name": (f"Option{n} Name",) for n in (1, 2, 3)},
    **{f"option{n}_value": (f"Option{n} Value",) for n in (1, 2, 3)},
}
TARGETS = {
    "handle": "id", "title": "title", "body": "description", "vendor": "brand", "tags": "tags", "price": "price",
    "image": "pictures", "variant_image": "pictures", "gender": "attribute:Gender",
    "age_group": "attribute:Age group", "condition": "attribute:Condition", "sku": "code:SKU",
    "barcode": "code:Barcode", "mpn": "code:MPN",
}  # fmt: skip
#: Alternatives for the category, the most precise first.
CATEGORY_ROLES = ("product_category", "google_category", "type")


def fold_shopify(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
    """One record for each handle, in the order of the file.

    Args:
        rows: Rows of full width.
        reader: Reads their cells.
        roles: Role to the file's column, for the roles it has.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        handle = reader.read_cell(row, roles.get("handle", ""))
        # Rows without a handle stay alone, to be rejected on their own.
        groups.setdefault(handle or f"\0{row.number}", []).append(row)
    records: list[Record] = []
    for group in groups.values():
        records += [_fold_group(part, reader, roles) for part in _split_products(group, reader, roles)]
    return records


def _split_products(group: list[Row], reader: CellReader, roles: Mapping[str, str]) -> list[list[Row]]:
    """A further row with another title is another product under the same handle; it is kept apart to be reported."""
    column = roles.get("title", "")
    first = reader.read_cell(group[0], column)
    product: list[Row] = []
    others: list[list[Row]] = []
    for row in group:
        if reader.read_cell(row, column) in ("", first):
            product.append(row)
        else:
            others.append([row])
    return [product, *others]


def _fold_group(group: list[Row], reader: CellReader, roles: Mapping[str, str]) -> Record:
    record = Record(group[0].number, tuple(row.number for row in group), reader.read_values(group[0]))
    for row in group[1:]:
        for target, cells in reader.read_values(row).items():
            if target == "price":
                record.values.setdefault(target, []).extend(cells)
            elif target.startswith(CODE):
                record.add_values(target, cells)
            else:
                record.values.setdefault(target, cells)
    if pictures := _order_pictures(group, reader, roles):
        record.values["pictures"] = pictures
    if states := _read_stock(group, reader, roles):
        record.values["availability"] = states
    _add_options(record, group, reader, roles)
    _check_published(record, group[0], reader, roles)
    return record


def _order_pictures(group: list[Row], reader: CellReader, roles: Mapping[str, str]) -> list[str]:
    placed: list[tuple[int, str]] = []
    for row in group:
        if source := reader.read_cell(row, roles.get("image", "")):
            position = reader.read_cell(row, roles.get("image_position", ""))
            placed.append((int(position) if position.isdecimal() else len(group) + 1, source))
    placed.sort(key=lambda place: place[0])
    own = [reader.read_cell(row, roles.get("variant_image", "")) for row in group]
    return list(dict.fromkeys([source for _, source in placed] + [source for source in own if source]))


def _read_stock(group: list[Row], reader: CellReader, roles: Mapping[str, str]) -> list[str]:
    if "quantity" not in roles:
        return []
    states: list[str] = []
    for row in group:
        quantity = reader.read_cell(row, roles["quantity"])
        if not quantity:  # a row that only carries a picture
            continue
        tracked = bool(reader.read_cell(row, roles.get("tracker", ""))) or "tracker" not in roles
        policy = reader.read_cell(row, roles.get("policy", "")).lower()
        if not tracked or (quantity.lstrip("-").isdecimal() and int(quantity) > 0):
            states.append("in stock")
        else:
            states.append("backorder" if policy in ("continue", "true") else "out of stock")
    return states


def _add_options(record: Record, group: list[Row], reader: CellReader, roles: Mapping[str, str]) -> None:
    for n in (1, 2, 3):
        name_column, value_column = roles.get(f"option{n}_name", ""), roles.get(f"option{n}_value", "")
        name = next((cell for row in group if (cell := reader.read_cell(row, name_column))), "")
        if name and name != "Title":  # "Title: Default Title" stands for no options
            record.add_attribute(name, [reader.read_cell(row, value_column) for row in group])


def _check_published(record: Record, row: Row, reader: CellReader, roles: Mapping[str, str]) -> None:
    published = reader.read_cell(row, roles.get("published", "")).lower()
    status = reader.read_cell(row, roles.get("status", "")).lower()
    if published == "false" or status in ("draft", "archived"):
        warn_unpublished(record, status or published)
