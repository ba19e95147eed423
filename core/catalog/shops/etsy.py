"""Etsy listings downloads: a row a listing, with the SKUs of all its variations in one cell.

The first SKU is the id. A listing without one, or with one that another listing has, gets an id made from its content.
"""

from collections.abc import Mapping, Sequence

from core.catalog.codes import CODE
from core.catalog.records import CellReader, Record, make_id
from core.catalog.table import Row
from core.catalog.values import split_list

HEADERS: dict[str, tuple[str, ...]] = {
    "title": ("TITLE",),
    "description": ("DESCRIPTION",),
    "price": ("PRICE",),
    "currency": ("CURRENCY_CODE",),
    "quantity": ("QUANTITY",),
    "tags": ("TAGS",),
    "materials": ("MATERIALS",),
    "image": ("IMAGE{n}",),
    "variation_type": ("VARIATION {n} TYPE",),
    "variation_name": ("VARIATION {n} NAME",),
    "variation_values": ("VARIATION {n} VALUES",),
    "sku": ("SKU",),
}
TARGETS = {
    "sku": "id", "title": "title", "description": "description", "price": "price", "currency": "currency",
    "quantity": "availability", "tags": "tags", "image": "pictures",
}  # fmt: skip
NEEDED = (frozenset({"title", "price", "currency", "image1"}),)


def fold_etsy(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
    """One record a row.

    Args:
        rows: Rows of full width.
        reader: Reads their cells.
        roles: Role to the file's column, for the roles it has.
    """
    records: list[Record] = []
    taken: set[str] = set()
    for row in rows:
        record = Record(row.number, (row.number,), reader.read_values(row))
        record.add_attribute("Materials", split_list(reader.read_cell(row, roles.get("materials", "")), ","))
        for n in (1, 2, 3):
            if name := reader.read_cell(row, roles.get(f"variation_name{n}", "")):
                record.add_attribute(
                    name, split_list(reader.read_cell(row, roles.get(f"variation_values{n}", "")), ",")
                )
        skus = [sku for cell in record.values.pop("id", []) for sku in split_list(cell, ",")]
        content = make_id(record.values, record.attributes)
        item_id = next((sku for sku in skus[:1] if sku not in taken), content)
        taken.add(item_id)
        record.values |= {"id": [item_id], f"{CODE}SKU": skus}
        records.append(record)
    return records
