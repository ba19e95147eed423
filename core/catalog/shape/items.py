"""From the cells of a record to an item, one problem for each thing that could not be taken as it was."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from core.catalog.codes import CODE, is_code, is_shortened
from core.catalog.records import ATTRIBUTE, Record, make_id
from core.catalog.schema import (
    AVAILABILITIES,
    ITEM_FIELDS,
    Availability,
    Domain,
    Item,
    Problem,
    Severity,
    shorten_reference,
)
from core.catalog.shape.picture_cells import find_picture_fault, split_pictures
from core.catalog.shape.prices import DecimalMark, Price, has_yen_sign, parse_price, read_currency
from core.catalog.table import build_problem
from core.catalog.text import clean_line, strip_html
from core.catalog.values import parse_availability, parse_domain, parse_url, split_category, split_list

MAX_ID = 200
MAX_TITLE = 500
MAX_NAME = 200
MAX_DESCRIPTION = 20_000
MAX_VALUE = 500
MAX_VALUES = 100
MAX_ATTRIBUTES = 200
MAX_PICTURES = 50
#: A cell is split at semicolons only when the parts are as short as labels; prose has semicolons too.
MAX_LABEL = 60
_FIELDS = frozenset(ITEM_FIELDS) - {"id"}
# The best state among the variants of an item is the item's.
_BEST_FIRST: tuple[Availability, ...] = ("in stock", "preorder", "backorder", "out of stock")
# A code that a spreadsheet took for a number, or guarded as ="0123".
_NUMBER_AS_TEXT = re.compile(r'^(\d+)\.0$|^="(.*)"$')


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSettings:
    """What holds for every item of a file.

    Attributes:
        domain: Of items without one of their own.
        currency: ISO code of prices that do not tell theirs, "" when unknown.
        yen: What "¥" means, "JPY" or "CNY"; "" when nothing tells.
        decimal_mark: Of the price column.
        make_ids: True when no column holds ids.
        whole_numbers: Attributes whose every value is a whole number written with ".0", as data frames with gaps do.
        numeric_category: Whether a category that is only a number is kept.
        fields: What the file has columns for, fields and "attribute:Name".
    """

    domain: Domain
    currency: str = ""
    yen: str = ""
    decimal_mark: DecimalMark = ""
    make_ids: bool = False
    whole_numbers: frozenset[str] = frozenset()
    numeric_category: bool = True
    fields: frozenset[str] = frozenset({"title"})


class ItemBuilder:
    """Builds the item of one record and keeps the problems met on the way.

    Args:
        record: The cells.
        settings: What holds for the file.
    """

    def __init__(self, record: Record, settings: ItemSettings) -> None:
        self._record = record
        self._settings = settings
        self.problems: list[Problem] = list(record.problems)

    def build(self) -> Item:
        """The item; it is only of use when none of `problems` is an error."""
        price, currency = self._read_price()
        return Item(
            item_id=self._read_id(),
            title=self._read_title(),
            description=self._read_description(),
            category=self._read_category(),
            brand=self._shorten("brand", clean_line(strip_html(self._first("brand"))), MAX_NAME),
            price=price,
            currency=currency,
            availability=self._read_availability(),
            url=self._read_url(),
            tags=self._read_tags(),
            attributes=self._read_attributes(),
            codes=self._read_codes(),
            pictures=self._read_pictures(),
            domain=self._read_domain(),
        )

    def find_fields(self, item: Item) -> frozenset[str]:
        """What the record speaks of: what the file has columns for, less cells that nothing could be made of."""
        filled = set(self._record.values)
        if "sale_price" in filled or "price" not in self._settings.fields:
            filled.add("price")  # without a sale, a column of sale prices says nothing of the price
        lost = {name for name in filled & _FIELDS if getattr(item, name) in ("", None, ())}
        lost |= {problem.field for problem in self.problems if problem.code == "bad_domain"}
        codes = {target for target in filled if target.startswith(CODE)}
        lost |= {code for code in map(clean_line, codes) if code.removeprefix(CODE) not in item.codes}
        told = {name for name in ("price", "currency") if getattr(item, name)}
        return (self._settings.fields | told) - lost - {"id", "sale_price"}

    def _cells(self, target: str) -> list[str]:
        return self._record.values.get(target, [])

    def _first(self, target: str) -> str:
        cells = self._record.values.get(target)
        return cells[0] if cells else ""

    def _report(self, field: str, code: str, value: str, message: str, severity: Severity = "warning") -> None:
        self.problems.append(build_problem(self._record.row, field, code, value, message, severity=severity))

    def _shorten(self, field: str, text: str, limit: int) -> str:
        if len(text) <= limit:
            return text
        self._report(field, "too_long", text, f"The {field} is cut to {limit:,} characters; shorten it in the file.")
        return text[:limit].rstrip()

    def _read_id(self) -> str:
        if self._settings.make_ids:
            return make_id(self._record.values, self._record.attributes)
        text = clean_line(self._first("id"))
        if not text:
            self._report("id", "missing_id", "", "The row has no id; fill in one that no other row has.", "error")
        elif len(text) > MAX_ID:
            message = f"The id is longer than {MAX_ID} characters; check that the right column is mapped to it."
            self._report("id", "too_long", text, message, "error")
        return text

    def _read_title(self) -> str:
        title = clean_line(strip_html(self._first("title")))
        if not title and "title" in self._settings.fields:
            self._report("title", "missing_title", "", "The row has no title; fill in the name of the item.", "error")
        return self._shorten("title", title, MAX_TITLE)

    def _read_description(self) -> str:
        parts = dict.fromkeys(strip_html(cell) for cell in self._cells("description"))
        return self._shorten("description", "\n".join(part for part in parts if part), MAX_DESCRIPTION)

    def _read_category(self) -> tuple[str, ...]:
        path: list[str] = []
        for cell in self._cells("category"):
            if cell.isdecimal() and not self._settings.numeric_category:
                continue
            for level in split_category(strip_html(cell) if "&" in cell else cell):
                if not path or path[-1] != level:
                    path.append(level[:MAX_NAME])
        return tuple(path[:20])

    def _read_price(self) -> tuple[Decimal | None, str]:
        stated = self._read_currency()
        prices = [(target, self._parse(target, cell, stated)) for target in ("price", "sale_price")
                  for cell in self._cells(target)]  # fmt: skip
        known = [
            (price.amount, price.currency)
            for target, price in prices
            # A sale price of 0 means that there is no sale.
            if price.amount is not None and (target == "price" or price.amount > 0)
        ]
        if not known:
            return None, "" if {"price", "sale_price"} & self._settings.fields else stated
        amount, currency = min(known, key=lambda pair: pair[0])
        return amount, currency or stated or self._settings.currency

    def _read_currency(self) -> str:
        cell = self._first("currency")
        code = read_currency(cell, self._settings.currency) if cell else ""
        if cell and not code:
            message = "The currency is not known; write its three-letter code, such as USD or EUR."
            self._report("currency", "bad_currency", cell, message)
        return code

    def _parse(self, target: str, cell: str, stated: str) -> Price:
        default = stated or self._settings.currency
        if has_yen_sign(cell) and default not in ("JPY", "CNY"):
            default = self._settings.yen
        price = parse_price(cell, decimal_mark=self._settings.decimal_mark, default_currency=default)
        if price.fault == "negative":
            message = "The price is negative; write the price as a positive number, or leave it empty."
            self._report(target, "bad_price", cell, message, "error")
        elif price.fault == "unreadable":
            message = (
                "The price cannot be read and is left out; write a number such as 19.99, with or without currency."
            )
            self._report(target, "bad_price", cell, message)
        elif price.fault == "range":
            self._report(
                target, "price_range", cell, "The lowest price of the range is used; write one price to choose."
            )
        return price

    def _read_availability(self) -> Availability:
        states: set[Availability] = set()
        for cell in self._cells("availability"):
            state = parse_availability(cell)
            if state is None:
                known = ", ".join(name for name in AVAILABILITIES if name)
                message = f"The availability is not understood and is left out; write one of {known}, or a count."
                self._report("availability", "bad_availability", cell, message)
            elif state:
                states.add(state)
        return next((state for state in _BEST_FIRST if state in states), "")

    def _read_url(self) -> str:
        cell = self._first("url")
        url = parse_url(cell) if cell else ""
        if cell and not url:
            message = "The address is left out because it is not a web address; write one that starts with https://."
            self._report("url", "bad_url", cell, message)
        return url

    def _read_tags(self) -> tuple[str, ...]:
        tags = dict.fromkeys(tag[:MAX_NAME] for cell in self._cells("tags") for tag in split_list(cell, "|;,"))
        tags.pop("(no genres listed)", None)
        return tuple(tags)[:MAX_VALUES]

    def _read_pictures(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for cell in self._cells("pictures"):
            for reference in split_pictures(cell):
                if fault := find_picture_fault(reference):
                    message = f"The picture is left out: {fault}"
                    self._report("pictures", "bad_picture", shorten_reference(reference), message)
                else:
                    found[reference] = None
        if len(found) > MAX_PICTURES:
            message = f"Only the first {MAX_PICTURES} pictures are used; remove the others from the row."
            self._report("pictures", "too_many", str(len(found)), message)
        return tuple(found)[:MAX_PICTURES]

    def _read_domain(self) -> Domain:
        cell = self._first("domain")
        domain = parse_domain(cell) if cell else None
        if cell and domain is None:
            message = f'The domain is not known and "{self._settings.domain}" is used; write e.g. goods, film or music.'
            self._report("domain", "bad_domain", cell, message)
        return domain or self._settings.domain

    def _read_attributes(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for target, cells in self._record.values.items():
            if target.startswith(ATTRIBUTE):
                name = target[len(ATTRIBUTE) :]
                whole = name in self._settings.whole_numbers
                values = [value for cell in cells for value in split_labels(cell)]
                found.setdefault(name, []).extend(value[:-2] if whole else value for value in values)
        for name, values in self._record.attributes.items():
            found.setdefault(name, []).extend(map(clean_line, values))
        attributes: dict[str, tuple[str, ...]] = {}
        for name, values in list(found.items())[:MAX_ATTRIBUTES]:
            kept = dict.fromkeys(self._shorten(name, value, MAX_VALUE) for value in values if value)
            if kept:
                attributes[clean_line(name)] = tuple(kept)[:MAX_VALUES]
        return attributes

    def _read_codes(self) -> dict[str, tuple[str, ...]]:
        codes: dict[str, tuple[str, ...]] = {}
        for target, cells in self._record.values.items():
            if not target.startswith(CODE):
                continue
            name = clean_line(target[len(CODE) :])
            found = dict.fromkeys(code for cell in cells for code in split_codes(cell))
            for code in [code for code in found if is_shortened(code)]:
                del found[code]
                message = "A spreadsheet has shortened this code, so it is left out; export the column as text."
                self._report(name, "shortened_code", code, message)
            if found:
                codes[name] = tuple(found)[:MAX_VALUES]
        return codes


@lru_cache(maxsize=8192)
def split_codes(cell: str) -> tuple[str, ...]:
    """The codes of a cell, without what a spreadsheet adds: an apostrophe before, ".0" behind."""
    codes = (_NUMBER_AS_TEXT.sub(r"\1\2", code.lstrip("'`")) for code in split_list(cell.replace("\n", "|"), "|;,"))
    return tuple(code for code in codes if is_code(code))


@lru_cache(maxsize=8192)
def split_labels(cell: str) -> tuple[str, ...]:
    """The values of an attribute's cell: split at "|", at ";" when the parts are labels, or as a JSON array."""
    text = strip_html(cell) if "<" in cell or "&" in cell else cell
    if ";" in text and all(len(part.strip()) <= MAX_LABEL for part in text.split(";")):
        return split_list(text, "|;")
    return split_list(text, "|")
