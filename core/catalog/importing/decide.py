"""What an import does with each row of its file: the one rule by which a plan is drawn and an import goes.

A row says only what its file has columns for. A field without a column stays as the catalogue has it; a field whose
cell is empty is emptied; a cell that nothing could be made of leaves the field alone. What cannot be read never takes
the place of what can.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from core.catalog.codes import CODE
from core.catalog.records import ATTRIBUTE
from core.catalog.schema import DATA, ITEM_FIELDS, Item, Problem, shorten_reference
from core.catalog.shape.items import MAX_ATTRIBUTES
from core.catalog.shape.mapping import no_title
from core.catalog.shape.validate import ParsedItem, Validated
from core.catalog.table import build_problem
from core.errors import CatalogFileError

Kind = Literal["create", "update", "retry", "skip", "reject"]
#: A reference to the code of the reason why its picture cannot be read, "" where reading is worth a try.
Check = Callable[[str], str]
_Named = Mapping[str, tuple[str, ...]]

_FIELDS = frozenset(ITEM_FIELDS) - {"id"}
#: Reasons that another try, another file, folder or ZIP can mend.
_RETRIED = frozenset({
    "no_folder", "not_fetched", "missing", "unreachable", "http_error", "too_slow",
    "damaged", "truncated", "empty", "unsupported",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a row.

    Attributes:
        kind: "create", "update", "skip" (nothing changes), "retry" (nothing changes but for pictures that could not be
            read before and may be now), or "reject".
        parsed: The row, its item as the catalogue will hold it.
        problem: Why it is rejected.
    """

    kind: Kind
    parsed: ParsedItem
    problem: Problem | None = None


def decide(parsed: ParsedItem, known: Item | None, pictures: Mapping[str, str], check: Check) -> Decision:
    """Decide on a row.

    Args:
        parsed: What the file says.
        known: The item of that id as the catalogue holds it, None where it holds none.
        pictures: The known item's references to the code of the reason why there is no picture, "" for a good one.
        check: Tells what the import can read.
    """
    if known is None:
        if parsed.item.title:
            return Decision(kind="create", parsed=parsed)
        return Decision(kind="reject", parsed=parsed, problem=_unknown(parsed))
    merged = replace(parsed, item=merge_item(known, parsed))
    if merged.item.content_hash() != known.content_hash():
        return Decision(kind="update", parsed=merged)
    failed = [source for source in merged.item.pictures if pictures.get(shorten_reference(source))]
    retried = any(should_read(source, pictures, check) for source in failed)
    return Decision(kind="retry" if retried else "skip", parsed=merged)


def merge_item(known: Item, parsed: ParsedItem) -> Item:
    """The item with what the row says of it; everything else as it was."""
    said = {name: getattr(parsed.item, name) for name in _FIELDS & parsed.fields}
    merged = replace(
        known,
        **said,
        attributes=_merge_named(known.attributes, parsed.item.attributes, ATTRIBUTE, parsed.fields),
        codes=_merge_named(known.codes, parsed.item.codes, CODE, parsed.fields),
    )
    return merged if merged.price is not None else replace(merged, currency="")


def _merge_named(known: _Named, said: _Named, prefix: str, fields: Collection[str]) -> _Named:
    """Attributes or codes: what is said, then what is known and not spoken of."""
    kept = {name: values for name, values in known.items() if prefix + name not in fields}
    return dict(
        [*said.items(), *((name, values) for name, values in kept.items() if name not in said)][:MAX_ATTRIBUTES]
    )


def should_read(source: str, pictures: Mapping[str, str], check: Check) -> bool:
    """Whether the picture behind a reference is read, or stays as the catalogue knows it.

    Args:
        source: The reference.
        pictures: References that the catalogue knows for the item, as for `decide`.
        check: Tells what the import can read.
    """
    code = pictures.get(shorten_reference(source))
    if code is None or source.startswith(DATA):  # a picture in the cell is what it was
        return code is None
    if not code:  # an address stands for the same picture; a file may have been replaced
        return "://" not in source and not check(source)
    # With a folder at last, the reason is at least that the folder lacks the file.
    return code in _RETRIED and check(source) in (("", "missing") if code == "no_folder" else ("",))


def find_untouched(known: Iterable[Item], fields: Collection[str]) -> tuple[str, ...]:
    """What the items have that a file does not speak of: fields in their order, then names of attributes and codes.

    Args:
        known: Items of the catalogue.
        fields: What the file speaks of, as in `ParsedItem.fields`.
    """
    open_fields = [name for name in ITEM_FIELDS if name not in ("id", "domain") and name not in fields]
    found: set[str] = set()
    names: dict[str, None] = {}
    for item in known:
        found.update(name for name in open_fields if getattr(item, name) not in ("", None, ()))
        names |= {name: None for name in item.attributes if ATTRIBUTE + name not in fields}
        names |= {name: None for name in item.codes if CODE + name not in fields}
    return (*(name for name in open_fields if name in found), *names)


def require_usable(validated: Validated, known: Collection[str]) -> None:
    """Refuse a file that would change nothing, before a catalogue is made for it.

    Args:
        validated: The checked file.
        known: Ids of the catalogue's items.

    Raises:
        CatalogFileError: The file has no rows, or none that can be used.
        MappingError: No column holds the title, and the catalogue knows none of the ids.
    """
    if not validated.items:
        if not validated.rejected:
            raise CatalogFileError("The file holds no rows. Export it again with its items; nothing was changed.")
        reason = next(p.message for p in validated.rejected[0].problems if p.severity == "error")
        count, first = len(validated.rejected), validated.rejected[0].row.number
        rows = "The only row" if count == 1 else f"None of the {count:,} rows"
        cannot = "cannot" if count == 1 else "can"
        raise CatalogFileError(f"{rows} {cannot} be used; nothing was changed. Row {first}: {reason}")
    if not any(parsed.item.title or parsed.item.item_id in known for parsed in validated.items):
        raise no_title(validated.columns)


def _unknown(parsed: ParsedItem) -> Problem:
    message = (
        "The catalogue holds no item of this id, and the file has no title for a new one; "
        "correct the id, or map a column with titles."
    )
    return build_problem(parsed.row, "title", "missing_title", parsed.item.item_id, message)
