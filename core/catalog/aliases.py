"""Which column names mean which item field or code.

Exact aliases are filled in without asking. Everything else is only a suggestion that a person confirms.
"""

import re
import unicodedata
from functools import lru_cache

from rapidfuzz import fuzz

from core.catalog.column_names import ATTRIBUTE_NAMES, CODE_NAMES, FIELD_NAMES

#: Lowest rapidfuzz token_sort_ratio of a suggestion; the more lenient scorers match wrongly ("colour" to "cost").
MIN_RATIO = 80.0

#: Words that make a column a candidate for a field when no alias is near enough, the most telling first.
HINTS: tuple[tuple[str, frozenset[str]], ...] = (
    ("pictures", frozenset({"image", "images", "picture", "photo", "poster", "img", "cover", "thumbnail", "bild",
                            "foto", "imagen", "immagine", "afbeelding", "zdjecie"})),
    ("description", frozenset({"description", "extract", "overview", "summary", "synopsis", "plot", "text",
                               "beschreibung", "descripcion", "descrizione", "omschrijving", "opis"})),
    ("category", frozenset({"category", "class", "genre", "department", "section", "kategorie", "warengruppe",
                            "categorie", "categoria", "kategoria", "type"})),
    ("price", frozenset({"price", "preis", "prix", "precio", "prezzo", "prijs", "cena", "vk"})),
    ("brand", frozenset({"brand", "manufacturer", "marke", "marque", "marca", "merk", "marka"})),
    ("url", frozenset({"url", "link"})),
    ("title", frozenset({"name", "title", "titel", "titre", "titulo", "titolo", "tytul"})),
)  # fmt: skip
#: Last words of columns that hold codes, and words of columns that hold files: never the text of a field.
CODE_WORDS = frozenset({
    "id", "code", "number", "no", "index", "barcode", "gtin", "ean", "upc", "isbn", "mpn", "sku", "nr", "nummer",
    "numero", "codigo", "codice", "kod", "numer",
})  # fmt: skip
#: Columns with one of these words hold numbers that are no identifier of the thing.
OTHER_NUMBERS = frozenset({
    "index", "phone", "telephone", "postal", "zip", "post", "tax", "vat", "hs", "colour", "color", "currency",
    "country", "language", "order", "house", "page", "position", "row", "line", "category", "user", "customer",
    "telefon", "plz", "postleitzahl", "bestell", "kunden", "parent", "group", "discount", "coupon", "promo",
})  # fmt: skip
#: Words of columns that hold what the shop itself pays.
COST_WORDS = frozenset({
    "wholesale", "cost", "purchase", "buying", "supplier", "ek", "einkauf", "einkaufspreis", "achat", "compra", "costo",
    "acquisto", "inkoop", "inkoopprijs", "zakupu",
})  # fmt: skip
FILE_WORDS = frozenset({"path", "file", "filename"})
#: Columns of where a thing comes from and whose it is: kept as attributes, whatever their cells look like.
CREDIT_WORDS = frozenset({
    "source", "sources", "licence", "license", "author", "authors", "artist", "creator", "photographer", "credit",
    "credits", "copyright", "attribution", "quelle", "lizenz", "autor", "urheber", "auteur", "fuente", "licencia",
    "fonte", "licenza", "autore", "bron", "licentie", "zrodlo", "licencja", "来源", "作者", "许可", "出典", "著者",
})  # fmt: skip

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TYPE_NOTE = re.compile(r"\((str|string|int|integer|float|text|number|bool|object)\)")
_SEPARATORS = re.compile(r"[\s_\-./:()\[\]*#]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


@lru_cache(maxsize=4096)
def normalise_header(name: str) -> str:
    """The words of a column name in lower case: "masterCategory", "Master_Category" -> "master category"."""
    text = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name).strip())
    return _SEPARATORS.sub(" ", _TYPE_NOTE.sub(" ", text.lower())).strip()


@lru_cache(maxsize=16_384)
def fold_header(name: str) -> str:
    """A header in lower case without accents and punctuation, where translations differ a little."""
    plain = unicodedata.normalize("NFKD", normalise_header(name).casefold())
    letters = "".join(c for c in plain if not unicodedata.combining(c)).replace("ł", "l")
    return " ".join(re.sub(r"[^\w@]+", " ", letters).split())


def _spellings(alias: str) -> tuple[str, ...]:
    """The alias folded, and folded as German is written without umlauts: "währung" -> "wahrung", "waehrung"."""
    return tuple(dict.fromkeys((fold_header(alias), fold_header(alias.translate(_UMLAUTS)))))


def _index(names: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {spelling: key for key, aliases in names.items() for alias in aliases for spelling in _spellings(alias)}


def _compact(index: dict[str, str]) -> dict[str, str]:
    return {alias.replace(" ", ""): key for alias, key in index.items() if len(alias) > 3 or not alias.isascii()}


_FIELD_OF = _index(FIELD_NAMES)
_FIELD_OF_COMPACT = _compact(_FIELD_OF)
_LONGEST_ALIAS = max(map(len, _FIELD_OF))
_CODE_OF = _index(CODE_NAMES)
_CODE_OF_COMPACT = _compact(_CODE_OF)
_RANKS = {
    field: {spelling: rank for rank, alias in reversed(list(enumerate(aliases))) for spelling in _spellings(alias)}
    for field, aliases in FIELD_NAMES.items()
}


def find_exact(name: str) -> str:
    """The field that the column name is a known alias of, or ""."""
    header = fold_header(name)
    return _FIELD_OF.get(header) or _FIELD_OF_COMPACT.get(header.replace(" ", ""), "")


def find_code(name: str) -> str:
    """The code that the column name is known to hold, e.g. "EAN", or ""."""
    header = fold_header(name)
    return _CODE_OF.get(header) or _CODE_OF_COMPACT.get(header.replace(" ", ""), "")


def rank_alias(field: str, name: str) -> int:
    """How usual the column name is for the field: 0 is the most usual, aliases that are not listed come last."""
    return _RANKS[field].get(fold_header(name), len(_RANKS[field]))


def find_near(name: str) -> str:
    """The field whose alias is nearest to the column name, or "" when none is near enough."""
    header = fold_header(name)
    if len(header) > 2 * _LONGEST_ALIAS:  # alike only by half, and slow to find that out
        return ""
    best, field = 0.0, ""
    for alias, target in _FIELD_OF.items():
        # A column named "domain" without domains in it holds web addresses.
        if (
            len(alias) > 3
            and target != "domain"
            and (ratio := fuzz.token_sort_ratio(header, alias, score_cutoff=MIN_RATIO)) > best
        ):
            best, field = ratio, target
    return field


def is_known_header(name: str) -> bool:
    """Whether a cell is surely a column name."""
    return bool(find_exact(name) or find_code(name)) or normalise_header(name) in ATTRIBUTE_NAMES


def build_attribute_name(name: str) -> str:
    """How a free attribute made from a column is called."""
    header = normalise_header(name)
    if header in ATTRIBUTE_NAMES:
        return ATTRIBUTE_NAMES[header]
    spaced = " ".join(_CAMEL.sub(" ", _TYPE_NOTE.sub(" ", name)).replace("_", " ").split())
    if not spaced:  # a name of marks alone, such as "_"
        return name.strip() or "Column"
    return spaced[:1].upper() + spaced[1:].lower() if name != name.upper() and " " not in name else spaced
