"""From a table and a mapping to items; every row is accepted, or rejected with the reasons."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from core.catalog.codes import is_shortened
from core.catalog.records import ATTRIBUTE, CellReader, Record, build_plain_records
from core.catalog.schema import DOMAINS, Domain, Item, Problem
from core.catalog.shape.items import ItemBuilder, ItemSettings
from core.catalog.shape.mapping import ColumnMapping, validate_mapping
from core.catalog.shape.prices import CURRENCIES, guess_yen, has_yen_sign, infer_decimal_mark
from core.catalog.shops.conventions import find_fold, find_roles
from core.catalog.shops.folding import fold_rows
from core.catalog.table import Row, Table, build_problem, find_problem_rows
from core.catalog.text import clean_line
from core.errors import MappingError

_NO_EDITS: Mapping[int, Mapping[str, str]] = MappingProxyType({})
_log = logging.getLogger(__name__)
_WHOLE = re.compile(r"-?\d{1,15}\.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedItem:
    """An accepted item and where it stands in the file.

    Attributes:
        row: The row that carries it.
        rows: Every row that belongs to it, that one first.
        item: The item.
        fields: What the row speaks of, fields and "attribute:Name"; of an item that the catalogue knows, everything
            else stays as it is.
    """

    row: int
    rows: tuple[int, ...]
    item: Item
    fields: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that no item was made of.

    Attributes:
        row: As it was read, edits applied.
        problems: Why, errors and warnings.
    """

    row: Row
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """The outcome of checking a table.

    Attributes:
        items: Accepted items in the order of the file.
        problems: Every problem of the file and of its rows, by row.
        rejected: Rejected rows, by row.
        columns: Of the table.
        fields: What the items speak of, all of them together.
    """

    items: tuple[ParsedItem, ...]
    problems: tuple[Problem, ...]
    rejected: tuple[RejectedRow, ...]
    columns: tuple[str, ...]
    fields: frozenset[str]


@dataclass(slots=True)
class _Outcome:
    items: list[ParsedItem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rejected: dict[int, list[Problem]] = field(default_factory=dict)


def build_items(
    table: Table,
    mapping: ColumnMapping,
    *,
    domain: Domain,
    currency: str = "",
    edits: Mapping[int, Mapping[str, str]] = _NO_EDITS,
) -> Validated:
    """Make an item of every row, or of every group of rows that the convention puts together.

    An id that occurs twice is kept where it occurs first. Without an id column, ids are made from the content. A file
    with ids and without titles can only update items; see `core.catalog.importing.decide`.

    Args:
        table: The file as text.
        mapping: What its columns are for.
        domain: Of items without one of their own.
        currency: ISO code for prices that do not tell theirs; it also settles what "$", "¥" and "kr" mean.
        edits: Row number to column to new text; applied before anything else. A row that was rejected for its width
            counts as repaired once it is edited. Numbers of rows that do not exist are passed over.

    Raises:
        MappingError: The mapping cannot work, an edit names an unknown column, or the currency is no ISO code.
        ValueError: The domain is unknown.
    """
    if domain not in DOMAINS:
        raise ValueError(f"unknown domain {domain!r}")
    if currency and currency not in CURRENCIES:
        raise MappingError(f'"{currency}" is no currency code. Write three letters such as USD, EUR or CNY.')
    validate_mapping(mapping, table.columns, updates=True)
    rows, table_problems = _apply_edits(table, edits)
    outcome = _Outcome(problems=list(table_problems))
    good = _set_aside(rows, table_problems, outcome)
    records = _gather(good, table.columns, mapping, outcome)
    settings = _settle(records, mapping, domain, currency)
    outcome.problems += _describe_settings(records, settings)
    _build_all(records, settings, outcome)
    by_number = {row.number: row for row in rows}
    outcome.problems.sort(key=lambda problem: problem.row)
    return Validated(
        items=tuple(outcome.items),
        problems=tuple(outcome.problems),
        rejected=tuple(
            RejectedRow(row=by_number[number], problems=tuple(found))
            for number, found in sorted(outcome.rejected.items())
        ),
        columns=table.columns,
        fields=frozenset().union(*{parsed.fields for parsed in outcome.items}),
    )


def _apply_edits(table: Table, edits: Mapping[int, Mapping[str, str]]) -> tuple[list[Row], tuple[Problem, ...]]:
    """The rows as edited, and the problems of reading that the edits leave."""
    if not edits:
        return list(table.rows), table.problems
    positions = {column: position for position, column in enumerate(table.columns)}
    rows: list[Row] = []
    for row in table.rows:
        change = edits.get(row.number)
        if not change:
            rows.append(row)
            continue
        cells = [*row.cells[: len(positions)], *[""] * (len(positions) - len(row.cells))]
        for column, text in change.items():
            if column not in positions:
                raise MappingError(f'Row {row.number} is edited in "{column}", which the file does not have.')
            cells[positions[column]] = text
        rows.append(Row(row.number, tuple(cells)))
    mended = {number for number, change in edits.items() if change}
    return rows, tuple(problem for problem in table.problems if problem.row not in mended)


def _set_aside(rows: Sequence[Row], problems: tuple[Problem, ...], outcome: _Outcome) -> list[Row]:
    """Reject the rows that could not be read; return the others."""
    found = find_problem_rows(problems)
    good: list[Row] = []
    for row in rows:
        of_row = found.get(row.number, ())
        if any(problem.severity == "error" for problem in of_row):
            outcome.rejected[row.number] = list(of_row)
        else:
            good.append(row)
    return good


def _gather(rows: Sequence[Row], columns: Sequence[str], mapping: ColumnMapping, outcome: _Outcome) -> Sequence[Record]:
    reader = CellReader(columns, mapping.targets)
    fold = find_fold(mapping.convention)
    if fold is None:
        return build_plain_records(rows, reader)
    folded = fold_rows(fold, rows, reader, find_roles(mapping.convention, columns))
    for row, exc in folded.failed:
        outcome.problems.append(problem := _unreadable(row.number, exc))
        outcome.rejected[row.number] = [problem]
    return folded.records


def _settle(records: Sequence[Record], mapping: ColumnMapping, domain: Domain, currency: str) -> ItemSettings:
    """Decide what only a whole column can tell."""
    prices = [cell for r in records for target in ("price", "sale_price") for cell in r.values.get(target, ())]
    return ItemSettings(
        domain=domain,
        currency=currency,
        yen=_settle_yen(records, prices, currency),
        decimal_mark=infer_decimal_mark(prices),
        make_ids=not mapping.find_columns("id"),
        whole_numbers=_find_whole_numbers(records, set(mapping.targets.values())),
        numeric_category=mapping.convention not in ("merchant", "ebay"),
        fields=_find_fields(records, mapping),
    )


def _find_fields(records: Sequence[Record], mapping: ColumnMapping) -> frozenset[str]:
    """What the file has columns for."""
    mapped = {target for target in mapping.targets.values() if target}
    # A shop's export tells e.g. the stock in columns that no field is mapped to; tags may be left over from categories.
    folded = {target for record in records for target in record.values} - {"tags"}
    folded |= {ATTRIBUTE + name for record in records for name in record.attributes}
    return frozenset(map(_clean_target, mapped | folded))


def _clean_target(target: str) -> str:
    kind, colon, name = target.partition(":")
    return f"{kind}:{clean_line(name)}" if colon else target


def _describe_settings(records: Sequence[Record], settings: ItemSettings) -> list[Problem]:
    """What was decided for the whole file that a person should know."""
    found: list[Problem] = []
    if settings.make_ids:
        message = "No column holds ids, so they are made from the content; map an id column to update items later."
        found.append(build_problem(0, "id", "made_ids", "", message, severity="warning"))
    unsettled = not settings.yen and any(
        has_yen_sign(cell) for r in records if not r.values.get("currency") for cell in r.values.get("price", ())
    )
    if unsettled:
        message = (
            "“¥” stands for yen and for yuan, and nothing in the file tells which; it is read as yen. Say JPY or CNY "
            "in the field for the currency, or with --currency."
        )
        found.append(build_problem(0, "price", "ambiguous_currency", "¥", message, severity="warning"))
    return found


def _settle_yen(records: Sequence[Record], prices: Sequence[str], currency: str) -> str:
    """Whether "¥" means yen or yuan in this file; "" when it does not occur or nothing tells."""
    if currency in ("JPY", "CNY") or not any(map(has_yen_sign, set(prices))):
        return currency if currency in ("JPY", "CNY") else ""
    stated = [cell for record in records for cell in record.values.get("currency", ())]
    words = (cell for r in records for target in ("title", "description") for cell in r.values.get(target, ()))
    return guess_yen([*prices, *stated], words)


def _find_whole_numbers(records: Sequence[Record], targets: Iterable[str]) -> frozenset[str]:
    whole: set[str] = set()
    for target in targets:
        if target.startswith(ATTRIBUTE):
            cells = [cell for record in records for cell in record.values.get(target, ())]
            if cells and all(_WHOLE.fullmatch(cell) for cell in cells):
                whole.add(target.removeprefix(ATTRIBUTE))
    return frozenset(whole)


def _build_all(records: Sequence[Record], settings: ItemSettings, outcome: _Outcome) -> None:
    first_rows: dict[str, int] = {}
    shared: dict[frozenset[str], frozenset[str]] = {}  # nearly every row speaks of the same
    for record in records:
        builder = ItemBuilder(record, settings)
        try:
            item = builder.build()
        except Exception as exc:
            _log.exception("Row %d cannot be read", record.row)
            outcome.problems.append(problem := _unreadable(record.row, exc))
            outcome.rejected |= {number: [problem] for number in record.rows}
            continue
        first = first_rows.get(item.item_id)
        if first is not None and item.item_id:
            builder.problems.append(_duplicate(record, item, first, made=settings.make_ids))
        outcome.problems += builder.problems
        if any(problem.severity == "error" for problem in builder.problems):
            for number in record.rows:
                outcome.rejected[number] = builder.problems
        else:
            first_rows[item.item_id] = record.row
            fields = builder.find_fields(item)
            fields = shared.setdefault(fields, fields)
            outcome.items.append(ParsedItem(row=record.row, rows=record.rows, item=item, fields=fields))


def _unreadable(row: int, exc: Exception) -> Problem:
    message = f"The row cannot be read ({type(exc).__name__}); look for what is unlike the other rows, and correct it."
    return build_problem(row, "", "unreadable_row", str(exc), message)


def _duplicate(record: Record, item: Item, first: int, *, made: bool) -> Problem:
    if made:
        message = f"The row says the same as row {first}; delete one of them, or map a column that tells them apart."
        return build_problem(record.row, "", "duplicate_id", item.title, message)
    if is_shortened(item.item_id):
        message = (
            f"A spreadsheet cut the id to its first digits, and so made it that of row {first} too. Format the column "
            "as text there, enter the ids again, and import the file again."
        )
        return build_problem(record.row, "id", "shortened_id", item.item_id, message)
    message = f"The id is used in row {first} already; give this row another, or delete it."
    return build_problem(record.row, "id", "duplicate_id", item.item_id, message)
