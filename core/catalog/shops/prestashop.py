"""PrestaShop product exports and its import template, in several languages."""

from collections.abc import Mapping, Sequence

from core.catalog.records import CellReader, Record
from core.catalog.table import Row

HEADERS: dict[str, tuple[str, ...]] = {
    "id": ("Product ID", "ID Produit", "ID de producto", "ID producto", "ID", "Produkt-ID", "ID prodotto"),
    "title": ("Name", "Name *", "Nom", "Nom *", "Nombre", "Nombre *", "Nome"),
    "pictures": (
        "Image", "Image URLs (x,y,z...)", "Image URLs", "Imagen", "Imágenes", "URL des images (x,y,z...)",
        "URL's de las imágenes (x,y,z...)",
    ),
    "reference": (
        "Reference", "Reference #", "Référence", "N° de référence", "Referencia", "Nº de referencia", "Riferimento",
    ),
    "category": (
        "Category", "Categories (x,y,z...)", "Catégorie", "Catégories (x,y,z...)", "Categoría", "Categorías (x,y,z...)",
    ),
    "price": (
        "Price (tax incl.)", "Price tax included", "Prix (TTC)", "Prix TTC", "Precio (imp. incl.)",
        "Precio impuestos incluidos", "Price tax excluded or Price tax included",
    ),
    "price_excluded": (
        "Price (tax excl.)", "Price tax excluded", "Base price", "Prix (HT)", "Prix HT", "Prix de base",
        "Precio (imp. excl.)", "Precio impuestos excluidos", "Precio base",
    ),
    "availability": ("Quantity", "Quantité", "Cantidad"),
    "short": ("Summary", "Short description", "Résumé", "Résumé du produit", "Resumen", "Descripción corta"),
    "description": ("Description", "Descripción"),
    "brand": ("Manufacturer", "Brand", "Fabricant", "Marque", "Fabricante", "Marca"),
    "tags": ("Tags (x,y,z...)", "Tags", "Mots-clés (x,y,z...)", "Etiquetas (x,y,z...)"),
    "features": ("Feature(Name:Value:Position)", "Feature (Name:Value:Position:Customized)",
                 "Caractéristiques (Nom:Valeur:Position)", "Característica (Nombre:Valor:Posición)"),
    "status": ("Status", "Active (0/1)", "État", "Actif (0/1)", "Estado", "Activo (0/1)"),
    "position": ("Position", "Posición"),
}  # fmt: skip
TARGETS = {
    "id": "id", "title": "title", "pictures": "pictures", "category": "category", "price": "price",
    "availability": "availability", "short": "description", "description": "description", "brand": "brand",
    "tags": "tags",
}  # fmt: skip


def find_fallbacks(roles: Mapping[str, str]) -> dict[str, str]:
    """Where the price without tax and the reference go when the price with tax or the id has no column."""
    targets: dict[str, str] = {}
    if "price" not in roles and "price_excluded" in roles:
        targets[roles["price_excluded"]] = "price"
    if "reference" in roles:
        targets[roles["reference"]] = "code:Reference" if "id" in roles else "id"
    return targets


def fold_prestashop(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
    """One record a row; the feature column "Name:Value:Position, ..." becomes attributes."""
    records: list[Record] = []
    for row in rows:
        record = Record(row.number, (row.number,), reader.read_values(row))
        for feature in reader.read_cell(row, roles.get("features", "")).split(","):
            name, _, rest = feature.partition(":")
            if value := rest.partition(":")[0].strip():
                record.add_attribute(name.strip(), [value])
        records.append(record)
    return records
