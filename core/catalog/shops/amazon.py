"""Amazon flat files: the template's field names, a row for each product and each of its variants.

A child with its parent in the file folds into it. What `external_product_id` holds is told by the column beside it.
"""

from collections.abc import Mapping, Sequence

from core.catalog.records import ATTRIBUTE, CellReader, Record
from core.catalog.shops.families import fold_code, fold_variant, warn_missing_parent
from core.catalog.table import Row

HEADERS: dict[str, tuple[str, ...]] = {
    "sku": ("item_sku",),
    "name": ("item_name",),
    "external": ("external_product_id",),
    "external_type": ("external_product_id_type",),
    "brand": ("brand_name",),
    "manufacturer": ("manufacturer",),
    "description": ("product_description",),
    "bullet": ("bullet_point{n}", "bullet_point"),
    "feed_type": ("feed_product_type",),
    "item_type": ("item_type", "item_type_name", "item_type_keyword"),
    "price": ("standard_price",),
    "list_price": ("list_price", "list_price_with_tax"),
    "sale_price": ("sale_price",),
    "currency": ("currency",),
    "quantity": ("quantity",),
    "main_image": ("main_image_url",),
    "image": ("other_image_url{n}", "other_image_url"),
    "keywords": ("generic_keywords{n}", "generic_keywords"),
    "part_number": ("part_number",),
    "model": ("model", "model_number"),
    "parentage": ("parent_child", "parentage"),
    "parent": ("parent_sku",),
    "condition": ("condition_type",),
    "color": ("color_name",),
    "size": ("size_name",),
    "material": ("material_type", "material_type{n}", "outer_material_type", "outer_material_type{n}", "fabric_type"),
    "department": ("department_name",),
    "style": ("style_name",),
    "pattern": ("pattern_name", "pattern_type"),
}
TARGETS = {
    "sku": "id", "name": "title", "brand": "brand", "description": "description", "bullet": "description",
    "price": "price", "sale_price": "sale_price", "currency": "currency", "quantity": "availability",
    "main_image": "pictures", "image": "pictures", "keywords": "tags", "part_number": "code:MPN",
    "model": "code:Model number", "condition": "attribute:Condition", "color": "attribute:Color",
    "size": "attribute:Size", "material": "attribute:Material", "department": "attribute:Department",
    "style": "attribute:Style", "pattern": "attribute:Pattern",
}  # fmt: skip
NEEDED = (frozenset({"sku", "name"}),)
#: Alternatives for the category, the most telling first.
CATEGORY_ROLES = ("item_type", "feed_type")


def fold_amazon(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
    """One record for each product, its variants folded in, in the order of the file.

    Args:
        rows: Rows of full width.
        reader: Reads their cells.
        roles: Role to the file's column, for the roles it has.
    """
    records: list[Record] = []
    children: list[Row] = []
    for row in rows:
        if reader.read_cell(row, roles.get("parentage", "")).lower() == "child":
            children.append(row)
        else:
            records.append(_build_record(row, reader, roles))
    parents = {record.values["id"][0]: record for record in reversed(records) if record.values.get("id")}
    for row in children:
        record = _build_record(row, reader, roles)
        name = reader.read_cell(row, roles.get("parent", ""))
        parent = parents.get(name)
        if parent is None:
            warn_missing_parent(record, name)
            records.append(record)
            continue
        fold_variant(parent, row, record.values)
        fold_code(parent, "SKU", next(iter(record.values.get("id", [])), ""))
        for target, cells in record.values.items():
            if target.startswith(ATTRIBUTE):
                parent.add_values(target, cells)
    return sorted(records, key=lambda record: record.row)


def _build_record(row: Row, reader: CellReader, roles: Mapping[str, str]) -> Record:
    record = Record(row.number, (row.number,), reader.read_values(row))
    kind = reader.read_cell(row, roles.get("external_type", "")).upper()
    fold_code(record, kind if kind.isalpha() else "Product id", reader.read_cell(row, roles.get("external", "")))
    # Feed types and keywords are written as one word: "mens-shirts", "home_bed_and_bath".
    if kinds := record.values.get("category"):
        record.values["category"] = [cell.replace("_", " ").replace("-", " ") for cell in kinds]
    return record
