"""Known layouts of catalogue files, recognised by their headers.

A convention knows what every column is for ("role"), which item field it fills ("target"), and how several rows make
one item. Files of no known layout are "plain".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from core.catalog.aliases import find_code, fold_header, normalise_header
from core.catalog.codes import CODE
from core.catalog.records import CellReader, Record
from core.catalog.shops import amazon, bigcommerce, ebay, etsy, magento, prestashop, shopify, woocommerce
from core.catalog.table import Row

Convention = Literal[
    "plain", "shopify", "woocommerce", "merchant", "prestashop", "schema.org", "magento", "amazon", "ebay", "etsy",
    "bigcommerce",
]  # fmt: skip
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)

Fold = Callable[[Sequence[Row], CellReader, Mapping[str, str]], list[Record]]

_MERCHANT: dict[str, str] = {
    "id": "id", "title": "title", "description": "description", "link": "url", "image link": "pictures",
    "additional image link": "pictures", "availability": "availability", "price": "price",
    "sale price": "sale_price", "brand": "brand", "condition": "attribute:Condition", "color": "attribute:Color",
    "size": "attribute:Size", "gender": "attribute:Gender", "age group": "attribute:Age group",
    "material": "attribute:Material", "pattern": "attribute:Pattern", "item group id": "attribute:Item group",
    "product highlight": "description", "gtin": "code:GTIN", "mpn": "code:MPN",
    "mobile link": "", "identifier exists": "",
    "shipping": "", "tax": "", "shipping weight": "", "ads redirect": "", "sale price effective date": "",
    "lifestyle image link": "pictures",
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
class Shop:
    """A shop software whose exports are told by the roles of their columns; columns without a role are its own affair.

    Attributes:
        headers: Role to the names of its column; "{n}" stands for a number, which the role then ends in.
        targets: Role, without a number, to the field that it fills.
        needed: Alternatives; the layout is this one where all roles of one of them are there.
        fold: Makes records of rows.
        categories: Roles that are alternatives for the category, the most telling first.
    """

    headers: Mapping[str, tuple[str, ...]]
    targets: Mapping[str, str]
    needed: tuple[frozenset[str], ...]
    fold: Fold
    categories: tuple[str, ...] = ()


_SHOPS: dict[str, Shop] = {
    "magento": Shop(
        headers=magento.HEADERS, targets=magento.TARGETS, needed=magento.NEEDED, fold=magento.fold_magento
    ),
    "amazon": Shop(
        headers=amazon.HEADERS, targets=amazon.TARGETS, needed=amazon.NEEDED, fold=amazon.fold_amazon,
        categories=amazon.CATEGORY_ROLES,
    ),
    "ebay": Shop(headers=ebay.HEADERS, targets=ebay.TARGETS, needed=ebay.NEEDED, fold=ebay.fold_ebay),
    "etsy": Shop(headers=etsy.HEADERS, targets=etsy.TARGETS, needed=etsy.NEEDED, fold=etsy.fold_etsy),
    "bigcommerce": Shop(
        headers=bigcommerce.HEADERS, targets=bigcommerce.TARGETS, needed=bigcommerce.NEEDED,
        fold=bigcommerce.fold_bigcommerce,
    ),
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
    return next((c for c in CONVENTIONS if c in _SHOPS and _is_shop(c, columns)), "plain")


def _is_shop(convention: str, columns: Sequence[str]) -> bool:
    found = set(find_roles(convention, columns))
    return any(needed <= found for needed in _SHOPS[convention].needed)


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
        targets = {column: prestashop.TARGETS.get(role, "") for role, column in roles.items()}
        targets |= prestashop.find_fallbacks(roles)
    elif convention == "shopify":
        targets = _map_shopify(columns, roles, samples)
    elif convention == "woocommerce":
        # Everything else in this export is about shipping, tax and the shop's own plugins.
        targets = dict.fromkeys(columns, "")
        targets |= {column: woocommerce.TARGETS.get(role, "") for role, column in roles.items()}
        if "id" not in roles and "sku" in roles:
            targets[roles["sku"]] = "id"
    elif convention in _SHOPS:
        targets = _map_shop(convention, columns, roles, samples)
    else:
        targets = {}
    return Layout(convention=convention, roles=roles, targets=_keep_codes(_drop_repeats(targets)))


def find_fold(convention: str) -> Fold | None:
    """How the convention makes records of rows; None when a row is an item."""
    folds: dict[str, Fold] = {
        "shopify": shopify.fold_shopify,
        "woocommerce": woocommerce.fold_woocommerce,
        "prestashop": prestashop.fold_prestashop,
    } | {name: shop.fold for name, shop in _SHOPS.items()}
    return folds.get(convention)


def find_roles(convention: str, columns: Sequence[str]) -> dict[str, str]:
    """Role to the column that plays it, for the conventions that gather rows or know translations."""
    tables: dict[str, Mapping[str, tuple[str, ...]]] = {name: shop.headers for name, shop in _SHOPS.items()}
    tables |= {"shopify": shopify.HEADERS, "woocommerce": woocommerce.HEADERS, "prestashop": prestashop.HEADERS}
    names = {fold_header(name): role for role, headers in tables.get(convention, {}).items() for name in headers}
    roles: dict[str, str] = {}
    for column in columns:
        header = fold_header(column)
        role = names.get(header, "") or _find_numbered(header, names)
        if not role and convention == "woocommerce":
            role = woocommerce.find_attribute_role(header)
        if not role and convention == "ebay":
            role = ebay.find_role(column)
        if role:
            roles.setdefault(role, column)
    return roles


def _find_numbered(header: str, names: Mapping[str, str]) -> str:
    """The role of a header with a number in it: "other image url3" is the third of "other_image_url{n}"."""
    number = re.search(r"\d+", header)
    role = names.get(re.sub(r" ?\d+", " n", header, count=1)) if number else None
    return f"{role}{number[0]}" if role and number else ""


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


def _map_shop(
    convention: str, columns: Sequence[str], roles: Mapping[str, str], samples: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    shop = _SHOPS[convention]
    targets = dict.fromkeys(columns, "")
    targets |= {column: shop.targets.get(role.rstrip("0123456789"), "") for role, column in roles.items()}
    targets |= _choose_category([roles[role] for role in shop.categories if role in roles], samples)
    if convention == "ebay":
        targets |= {column: target for column in columns if (target := ebay.find_target(column))}
    # An id column that nothing stands in makes no ids.
    return {c: "" if target == "id" and c in samples and not samples[c] else target for c, target in targets.items()}


def _keep_codes(targets: Mapping[str, str]) -> dict[str, str]:
    """Identifiers that the convention has no use for stay as codes, whatever a plugin puts before their names."""
    return {column: target or _find_plugin_code(column) for column, target in targets.items()}


def _find_plugin_code(column: str) -> str:
    """ "Meta: _ean" and "offers.gtin13" are an EAN and a GTIN; what belongs to a variant's parent is no code."""
    name = find_code(column) or find_code(re.split(r"[:./]", column)[-1])
    return CODE + name if name else ""


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


def _drop_repeats(targets: Mapping[str, str]) -> dict[str, str]:
    """A field that holds one value is filled by the first of its columns."""
    kept: dict[str, str] = {}
    taken: set[str] = set()
    for column, target in targets.items():
        many = target in ("", "category", "pictures", "tags", "description") or target.startswith(("attribute:", CODE))
        kept[column] = target if many or target not in taken else ""
        taken.add(target)
    return kept
