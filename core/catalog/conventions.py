"""Known layouts of catalogue files, recognised by their headers.

A convention knows what every column is for ("role"), which item field it fills ("target"), and how several rows make
one item. Files of no known layout are "plain".
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from core.catalog import shopify, woocommerce
from core.catalog.aliases import normalise_header
from core.catalog.records import CellReader, Record
from core.catalog.table import Row

Convention = Literal["plain", "shopify", "woocommerce", "merchant", "prestashop", "schema.org"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)

Fold = Callable[[Sequence[Row], CellReader, Mapping[str, str]], list[Record]]

_MERCHANT: dict[str, str] = {
    "id": "id", "title": "title", "description": "description", "link": "url", "image link": "pictures",
    "additional image link": "pictures", "availability": "availability", "price": "price",
    "sale price": "sale_price", "brand": "brand", "condition": "attribute:Condition", "color": "attribute:Color",
    "size": "attribute:Size", "gender": "attribute:Gender", "age group": "attribute:Age group",
    "material": "attribute:Material", "pattern": "attribute:Pattern", "item group id": "attribute:Item group",
    "product highlight": "description", "gtin": "", "mpn": "", "mobile link": "", "identifier exists": "",
    "shipping": "", "tax": "", "shipping weight": "", "ads redirect": "", "sale price effective date": "",
    "lifestyle image link": "pictures",
}  # fmt: skip
_PRESTASHOP: dict[str, tuple[str, ...]] = {
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
_PRESTASHOP_TARGETS = {
    "id": "id", "title": "title", "pictures": "pictures", "category": "category", "price": "price",
    "availability": "availability", "short": "description", "description": "description", "brand": "brand",
    "tags": "tags",
}  # fmt: skip
_SCHEMA_ORG: dict[str, str] = {
    "name": "title", "headline": "title", "sku": "id", "productid": "id", "identifier": "id", "@id": "",
    "@type": "", "@context": "", "description": "description", "articlebody": "description", "image": "pictures",
    "image.url": "pictures", "image.contenturl": "pictures", "brand": "brand", "brand.name": "brand",
    "category": "category", "genre": "tags", "keywords": "tags", "url": "url", "offers.price": "price",
    "offers.lowprice": "price", "offers.pricecurrency": "currency", "offers.availability": "availability",
    "color": "attribute:Color", "size": "attribute:Size", "material": "attribute:Material",
    "datepublished": "attribute:Date published", "brand.@type": "", "offers.@type": "", "image.@type": "",
    "offers.url": "", "offers.highprice": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A file's columns as its convention knows them.

    Attributes:
        convention: One of `CONVENTIONS`.
        roles: Role to column name.
        targets: Column name to target; "" for a column that the convention uses in another way or has no use for.
    """

    convention: Convention
    roles: Mapping[str, str]
    targets: Mapping[str, str]


def detect_convention(columns: Sequence[str]) -> Convention:
    """The convention whose tell-tale columns are all there, "plain" when none is."""
    if {"handle", "title"} <= set(find_roles("shopify", columns)) and _has_shopify_columns(columns):
        return "shopify"
    roles = find_roles("woocommerce", columns)
    if {"type", "name", "published"} <= set(roles) and len(roles) >= 6:
        return "woocommerce"
    lowered = {column.lower() for column in columns}
    headers = {_merchant_name(column) for column in columns}
    prefixed = any(column.startswith("g:") for column in lowered)
    if {"id", "title", "image link"} <= headers and (prefixed or "link" in headers or "availability" in headers):
        return "merchant"
    if lowered & {"@type", "@context", "offers.price", "offers.pricecurrency", "offers.lowprice"}:
        return "schema.org"
    roles = find_roles("prestashop", columns)
    if {"id", "title"} <= set(roles) and {"price", "price_excluded"} & set(roles) and len(roles) >= 6:
        return "prestashop"
    return "plain"


def find_layout(convention: str, columns: Sequence[str], samples: Mapping[str, Sequence[str]]) -> Layout:
    """What the convention makes of the columns.

    Args:
        convention: One of `CONVENTIONS`.
        columns: The table's columns.
        samples: Column name to some of its filled cells; they settle which of several categories is in use.

    Raises:
        ValueError: There is no such convention.
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"unknown convention {convention!r}")
    roles = find_roles(convention, columns)
    if convention == "merchant":
        targets = _map_merchant(columns, samples)
    elif convention == "schema.org":
        targets = {c: _SCHEMA_ORG[c.lower()] for c in columns if c.lower() in _SCHEMA_ORG}
    elif convention == "prestashop":
        targets = {column: _PRESTASHOP_TARGETS.get(role, "") for role, column in roles.items()}
        targets |= _prestashop_fallbacks(roles)
    elif convention == "shopify":
        targets = _map_shopify(columns, roles, samples)
    elif convention == "woocommerce":
        # Everything else in this export is about shipping, tax and the shop's own plugins.
        targets = dict.fromkeys(columns, "")
        targets |= {column: woocommerce.TARGETS.get(role, "") for role, column in roles.items()}
        if "id" not in roles and "sku" in roles:
            targets[roles["sku"]] = "id"
    else:
        targets = {}
    return Layout(convention=convention, roles=roles, targets=_drop_repeats(targets))


def find_fold(convention: str) -> Fold | None:
    """How the convention makes records of rows; None when a row is an item."""
    folds: dict[str, Fold] = {
        "shopify": shopify.fold_shopify,
        "woocommerce": woocommerce.fold_woocommerce,
        "prestashop": _gather_prestashop,
    }
    return folds.get(convention)


def find_roles(convention: str, columns: Sequence[str]) -> dict[str, str]:
    """Role to the column that plays it, for the conventions that gather rows or know translations."""
    tables = {"shopify": shopify.HEADERS, "woocommerce": woocommerce.HEADERS, "prestashop": _PRESTASHOP}
    names = {fold_header(name): role for role, headers in tables.get(convention, {}).items() for name in headers}
    roles: dict[str, str] = {}
    for column in columns:
        header = fold_header(column)
        role = names.get(header, "")
        if not role and convention == "woocommerce":
            role = woocommerce.find_attribute_role(header)
        if role:
            roles.setdefault(role, column)
    return roles


@lru_cache(maxsize=4096)
def fold_header(name: str) -> str:
    """A header in lower case without accents and punctuation, where translations differ a little."""
    plain = unicodedata.normalize("NFKD", normalise_header(name).lower())
    letters = "".join(c for c in plain if not unicodedata.combining(c)).replace("ł", "l")
    return " ".join(re.sub(r"[^\w@]+", " ", letters).split())


def _has_shopify_columns(columns: Sequence[str]) -> bool:
    headers = {fold_header(column) for column in columns}
    tells = {"body html", "vendor", "variant price", "option1 name", "image src", "url handle", "option1 value"}
    return len(headers & {fold_header(tell) for tell in tells}) >= 2


def _map_shopify(
    columns: Sequence[str], roles: Mapping[str, str], samples: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    targets = dict.fromkeys(columns, "")
    targets |= {column: shopify.TARGETS.get(role, "") for role, column in roles.items()}
    targets |= _choose_category([roles[role] for role in shopify.CATEGORY_ROLES if role in roles], samples)
    for column in columns:
        if match := re.fullmatch(r"(.+?) \(product\.metafields\..+\)", column):
            targets[column] = f"attribute:{match[1].strip()}" if any(samples.get(column, ())) else ""
    return targets


def _merchant_name(column: str) -> str:
    return normalise_header(column.strip().lower().removeprefix("g:"))


def _map_merchant(columns: Sequence[str], samples: Mapping[str, Sequence[str]]) -> dict[str, str]:
    names = {column: _merchant_name(column) for column in columns}
    targets = {column: _MERCHANT[name] for column, name in names.items() if name in _MERCHANT}
    kinds = [c for wanted in ("google product category", "product type") for c in columns if names[c] == wanted]
    return targets | _choose_category(kinds, samples)


def _choose_category(candidates: Sequence[str], samples: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The first candidate that has names in it is the category, the others in use become attributes."""
    filled = [c for c in candidates if any(cell and not cell.isdecimal() for cell in samples.get(c, ()))]
    chosen = (filled or list(candidates))[:1]
    others = {c: f"attribute:{c.rpartition(' / ')[2]}" for c in filled if c not in chosen}
    return dict.fromkeys(candidates, "") | dict.fromkeys(chosen, "category") | others


def _prestashop_fallbacks(roles: Mapping[str, str]) -> dict[str, str]:
    targets: dict[str, str] = {}
    if "price" not in roles and "price_excluded" in roles:
        targets[roles["price_excluded"]] = "price"
    if "reference" in roles:
        targets[roles["reference"]] = "" if "id" in roles else "id"
    return targets


def _gather_prestashop(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
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


def _drop_repeats(targets: Mapping[str, str]) -> dict[str, str]:
    """A field that holds one value is filled by the first of its columns."""
    kept: dict[str, str] = {}
    taken: set[str] = set()
    for column, target in targets.items():
        many = target in ("", "category", "pictures", "tags", "description") or target.startswith("attribute:")
        kept[column] = target if many or target not in taken else ""
        taken.add(target)
    return kept
