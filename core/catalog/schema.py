"""The one item schema that every domain shares, and the record of a problem in a file."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args

Domain = Literal["goods", "film", "music", "news", "travel", "other"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)

Availability = Literal["", "in stock", "out of stock", "preorder", "backorder"]
AVAILABILITIES: tuple[Availability, ...] = get_args(Availability)

Severity = Literal["error", "warning"]

#: Fields that a column can be mapped to, in the order in which the page shows them.
ITEM_FIELDS: tuple[str, ...] = (
    "id", "title", "description", "category", "brand", "price", "currency",
    "availability", "url", "tags", "pictures", "domain",
)  # fmt: skip

#: How a picture begins that stands in the cell itself.
DATA = "data:"

#: Fields that may enter an item's text.
TEXT_FIELDS: tuple[str, ...] = ("title", "description", "category", "brand", "tags", "attributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that can be suggested.

    Attributes:
        item_id: The id as the file wrote it, leading zeros kept; unique within a catalogue.
        title: Plain text.
        description: Plain text, HTML removed.
        category: Path from the broadest to the narrowest name.
        brand: Plain text.
        price: Amount in `currency`, None when unknown.
        currency: ISO 4217 code, "" when unknown.
        availability: One of `AVAILABILITIES`.
        url: http(s) address of the item's page, or "".
        tags: Free labels.
        attributes: Free attributes, name to its values, in file order.
        codes: Identifiers beside the id, name to its values: they find the item and are neither read nor filtered by.
        pictures: References as the file wrote them: a path, an archive member, an http(s) address or, while a file is
            imported, a whole picture ("data:..."), which is stored by its hash; first is the main.
        domain: One of `DOMAINS`.
    """

    item_id: str
    title: str = ""
    description: str = ""
    category: tuple[str, ...] = ()
    brand: str = ""
    price: Decimal | None = None
    currency: str = ""
    availability: Availability = ""
    url: str = ""
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    domain: Domain = "goods"

    def content_hash(self) -> str:
        """SHA-256 (hex) over every field; equal hashes mean that a re-import changes nothing."""
        return hashlib.sha256(json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    def text_hash(self) -> str:
        """SHA-256 (hex) over the fields that reach the text encoder; a new price or address does not change it."""
        data = self.to_json()
        texts = {key: data[key] for key in TEXT_FIELDS}
        return hashlib.sha256(json.dumps(texts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The item as JSON values; `from_json` reads it back."""
        data: dict[str, Any] = {
            "item_id": self.item_id,
            "title": self.title,
            "description": self.description,
            "category": list(self.category),
            "brand": self.brand,
            "price": None if self.price is None else str(self.price),
            "currency": self.currency,
            "availability": self.availability,
            "url": self.url,
            "tags": list(self.tags),
            "attributes": {name: list(values) for name, values in self.attributes.items()},
            "pictures": [shorten_reference(reference) for reference in self.pictures],
            "domain": self.domain,
        }
        # Left out where there are none: the hashes of items that were stored before there were codes still hold.
        return data | ({"codes": {name: list(values) for name, values in self.codes.items()}} if self.codes else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Item":
        """Read what `to_json` wrote."""
        return cls(
            item_id=data["item_id"],
            title=data["title"],
            description=data["description"],
            category=tuple(data["category"]),
            brand=data["brand"],
            price=None if data["price"] is None else Decimal(data["price"]),
            currency=data["currency"],
            availability=data["availability"],
            url=data["url"],
            tags=tuple(data["tags"]),
            attributes={name: tuple(values) for name, values in data["attributes"].items()},
            codes={name: tuple(values) for name, values in data.get("codes", {}).items()},
            pictures=tuple(data["pictures"]),
            domain=data["domain"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with one row of a file.

    Attributes:
        row: The record's first physical line in the file (the header of a plain CSV is row 1); 0 for the whole file.
        field: The item field or column concerned, "" for the whole row.
        code: A short stable name, e.g. "missing_title".
        value: The offending text, shortened to 200 characters.
        message: One sentence that says what to do.
        severity: "error" rejects the row; "warning" lets it go on.
    """

    row: int
    field: str
    code: str
    value: str
    message: str
    severity: Severity = "error"


def shorten_reference(reference: str) -> str:
    """What is stored and shown of a picture's reference: a whole picture is told by its kind and the hash of its text.

    Example:
        >>> shorten_reference("images/1.jpg")
        'images/1.jpg'
    """
    if not reference.lower().startswith(DATA) or ";sha256-" in reference[:100]:
        return reference
    kind = re.split("[;,]", reference[:80])[0]
    return f"{kind};sha256-{hashlib.sha256(reference.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
