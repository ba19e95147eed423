"""WooCommerce product exports, whose headers follow the language of the shop.

Variations fold into their parent: prices, stock, pictures and attribute values are collected there. A variation whose
parent is not in the file stays an item of its own, with a warning.
"""

import re
from collections.abc import Mapping, Sequence

from core.catalog.records import CellReader, Record
from core.catalog.shops.families import fold_variant, settle_paths, warn_missing_parent, warn_unpublished
from core.catalog.table import Row
from core.catalog.values import split_category, split_list

#: Role to its column names in English, Portuguese, Spanish, French, German, Italian, Dutch, Polish and Chinese.
HEADERS: dict[str, tuple[str, ...]] = {
    "id": ("ID",),
    "type": ("Type", "Tipo", "Typ", "Rodzaj", "类型"),
    "sku": ("SKU", "REF", "UGS", "Artikelnummer", "COD", "Codice"),
    "gtin": (
        "GTIN, UPC, EAN, or ISBN", "GTIN, UPC, EAN oder ISBN", "GTIN, UPC, EAN ou ISBN", "GTIN, UPC, EAN o ISBN",
        "GTIN, UPC, EAN of ISBN", "GTIN, UPC, EAN lub ISBN", "GTIN、UPC、EAN 或 ISBN",
    ),
    "name": ("Name", "Nome", "Nombre", "Nom", "Naam", "Nazwa", "名称", "产品名称"),
    "published": (
        "Published", "Publicado", "Publié", "Veröffentlicht", "Pubblicato", "Gepubliceerd", "Opublikowano", "已发布",
    ),
    "short_description": (
        "Short description", "Descrição curta", "Breve descrição", "Descripción corta",
        "Description courte", "Kurzbeschreibung", "Breve descrizione", "Korte beschrijving", "Krótki opis",
        "简短描述", "简短说明", "简短的描述",
    ),
    "description": (
        "Description", "Descrição", "Descripción", "Beschreibung", "Descrizione", "Beschrijving", "Opis",
        "描述", "说明",
    ),
    "in_stock": (
        "In stock?", "Em estoque?", "Em stock?", "¿En inventario?", "¿Existencias?", "¿Hay existencias?", "En stock ?",
        "Vorrätig?", "Auf Lager?", "In magazzino?", "Op voorraad?", "W magazynie?", "Na stanie?", "有货？", "有库存？",
    ),
    "sale_price": (
        "Sale price", "Preço promocional", "Preço em promoção", "Precio rebajado", "Precio de oferta", "Tarif promo",
        "Angebotspreis", "Prezzo in offerta", "Actieprijs", "Aanbiedingsprijs", "Cena promocyjna", "促销价格", "促销价",
    ),
    "price": (
        "Regular price", "Preço", "Preço normal", "Precio normal", "Precio regular", "Tarif régulier",
        "Regulärer Preis", "Prezzo di listino", "Prezzo regolare", "Reguliere prijs", "Normale prijs", "Cena",
        "Cena regularna", "常规价格", "常规售价", "正常价格", "原价",
    ),
    "categories": (
        "Categories", "Categorias", "Categorías", "Catégories", "Kategorien", "Categorie", "Categorieën", "Kategorie",
        "分类", "类别", "产品分类",
    ),
    "tags": (
        "Tags", "Etiquetas", "Étiquettes", "Schlagwörter", "Schlagworte", "Tag", "Tagi", "Znaczniki", "标签",
    ),
    "images": (
        "Images", "Imagens", "Imágenes", "Bilder", "Immagini", "Immagine", "Afbeeldingen", "Obrazki", "Obrazy",
        "图片", "图像",
    ),
    "parent": (
        "Parent", "Produto ascendente", "Ascendente", "Produto pai", "Superior", "Principal", "Übergeordnetes Produkt",
        "Übergeordnet", "Genitore", "Hoofd", "Bovenliggend", "Nadrzędny", "Rodzic", "父级", "父类", "上级",
    ),
    "url": (
        "External URL", "URL externa", "URL externe", "Externe URL", "URL esterno", "Zewnętrzny adres URL", "外部链接",
    ),
    "brands": ("Brands", "Brand", "Marcas", "Marques", "Marken", "Marchi", "Merken", "Marki", "品牌"),
}  # fmt: skip
TARGETS = {
    "id": "id", "name": "title", "short_description": "description", "description": "description",
    "in_stock": "availability", "sale_price": "sale_price", "price": "price", "categories": "category",
    "tags": "tags", "images": "pictures", "url": "url", "brands": "brand", "sku": "code:SKU", "gtin": "code:GTIN",
}  # fmt: skip
_ATTRIBUTE = re.compile(r"\b(atribut\w*|attribut\w*|atrybut\w*|attribuut\w*|eigenschap\w*)\b|属性")
_NAME_WORD = re.compile(r"\b(name|nome|nombre|nom|naam|nazwa)\b|名称")
_VALUE_WORD = re.compile(r"\b(values?|valor\w*|valeur\w*|\w*wert\w*|valor[ei]|waarde\w*|wartosc\w*)\b|值")
_OTHER_WORD = re.compile(r"visib|sichtbar|widoczn|zichtba|global|domysln|default|padrao|standard|可见|全局|默认")
_VARIATION = ("variation", "variação", "variación", "variante", "wariant", "variatie", "变体")


def find_attribute_role(header: str) -> str:
    """The role of an attribute column, e.g. "attribute1_name"; "" for any other column.

    Args:
        header: The column name in lower case, without accents.
    """
    number = re.search(r"\d+", header)
    if not number or not _ATTRIBUTE.search(header) or _OTHER_WORD.search(header):
        return ""
    if _VALUE_WORD.search(header):
        return f"attribute{number[0]}_value"
    return f"attribute{number[0]}_name" if _NAME_WORD.search(header) else ""


def fold_woocommerce(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
    """One record for each product, its variations folded in, in the order of the file.

    Args:
        rows: Rows of full width.
        reader: Reads their cells.
        roles: Role to the file's column, for the roles it has.
    """
    parents: dict[str, Record] = {}
    records: list[Record] = []
    variations: list[Row] = []
    for row in rows:
        if _is_variation(row, reader, roles):
            variations.append(row)
            continue
        record = _build_record(row, reader, roles)
        records.append(record)
        for key in _keys(row, reader, roles):
            parents.setdefault(key, record)
    for row in variations:
        parent = parents.get(_parent_key(row, reader, roles))
        if parent is None:
            records.append(_build_orphan(row, reader, roles))
        else:
            _fold_variation(parent, row, reader, roles)
    records.sort(key=lambda record: record.row)
    return records


def _is_variation(row: Row, reader: CellReader, roles: Mapping[str, str]) -> bool:
    kinds = reader.read_cell(row, roles.get("type", "")).lower().split(",")
    return any(kind.strip() in _VARIATION for kind in kinds)


def _keys(row: Row, reader: CellReader, roles: Mapping[str, str]) -> list[str]:
    found = [f"id:{reader.read_cell(row, roles.get('id', ''))}", reader.read_cell(row, roles.get("sku", ""))]
    return [key for key in found if key not in ("id:", "")]


def _parent_key(row: Row, reader: CellReader, roles: Mapping[str, str]) -> str:
    return re.sub(r"^id:\s*", "id:", reader.read_cell(row, roles.get("parent", "")))


def _build_record(row: Row, reader: CellReader, roles: Mapping[str, str]) -> Record:
    record = Record(row.number, (row.number,), reader.read_values(row))
    _settle_categories(record)
    # "Short description" is the summary of "Description": the longer text first says more, both are kept.
    for name, values in _read_attributes(row, reader, roles, single=False):
        record.add_attribute(name, values)
    published = reader.read_cell(row, roles.get("published", ""))
    if published in ("0", "-1"):
        warn_unpublished(record, published)
    return record


def _build_orphan(row: Row, reader: CellReader, roles: Mapping[str, str]) -> Record:
    record = Record(row.number, (row.number,), reader.read_values(row))
    _settle_categories(record)
    for name, values in _read_attributes(row, reader, roles, single=True):
        record.add_attribute(name, values)
    warn_missing_parent(record, reader.read_cell(row, roles.get("parent", "")))
    return record


def _fold_variation(parent: Record, row: Row, reader: CellReader, roles: Mapping[str, str]) -> None:
    fold_variant(parent, row, reader.read_values(row))
    for name, found in _read_attributes(row, reader, roles, single=True):
        parent.add_attribute(name, found)


def _read_attributes(
    row: Row, reader: CellReader, roles: Mapping[str, str], *, single: bool
) -> list[tuple[str, tuple[str, ...]]]:
    """Name and values of every attribute; a variation has one value, in which a comma parts nothing."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for role, column in roles.items():
        if role.startswith("attribute") and role.endswith("_name") and (name := reader.read_cell(row, column)):
            cell = reader.read_cell(row, roles.get(role.replace("_name", "_value"), ""))
            found.append((name, ((cell,) if cell else ()) if single else split_list(cell, ",")))
    return found


def _settle_categories(record: Record) -> None:
    """The category and the tags of "A > B, C"."""
    cells = record.values.get("category", [])
    settle_paths(record, [split_category(text) for cell in cells for text in split_list(cell, ",")])
