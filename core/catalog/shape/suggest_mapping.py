"""Suggesting a mapping from the names of the columns and a few of their cells."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from core.catalog.aliases import (
    CODE_WORDS,
    COST_WORDS,
    CREDIT_WORDS,
    FILE_WORDS,
    HINTS,
    OTHER_NUMBERS,
    build_attribute_name,
    find_code,
    find_exact,
    find_near,
    fold_header,
    rank_alias,
)
from core.catalog.codes import CODE
from core.catalog.records import ATTRIBUTE
from core.catalog.shape.mapping import MANY, SuggestedColumn, SuggestedMapping
from core.catalog.shops.conventions import Layout, detect_convention, find_layout
from core.catalog.table import Row
from core.catalog.values import parse_domain

MAX_SAMPLE_ROWS = 500
SHOWN_SAMPLES = 5
SAMPLE_LENGTH = 120
#: Above this share of different cells a column tells items apart rather than grouping them.
UNIQUE_SHARE = 0.9
MIN_ROWS = 10
MAX_ATTRIBUTE_LENGTH = 60
#: Mean characters of cells that can be titles.
MAX_TITLE = 80
#: A column of codes has no longer cells, and at least this share of them differ.
MAX_CODE_LENGTH = 40
CODE_SHARE = 0.5
#: Columns that are called after the thing itself hold its name.
_THINGS = (["product"], ["item"], ["artikel"], ["produkt"], ["article"], ["produit"], ["producto"], ["articulo"],
           ["prodotto"], ["articolo"], ["towar"])  # fmt: skip
_AMOUNT = re.compile(r"\D{0,4}\d[\d.,'\s]*\D{0,4}")
_FLAG = re.compile(r"(?i)0|1|true|false|yes|no")
_PICTURE = re.compile(r"(?i)\S.*\.(jpe?g|png|webp|gif|bmp|avif|tiff?)(\?\S*)?")
_ADDRESS = re.compile(r"(?i)(https?:)?//\S.*|data:image/.*")
_FILE = re.compile(r"(?i)https?://.*|.*[/\\].*\.\w{2,5}|\S+\.(jpe?g|png|webp|gif|txt)")


def suggest_mapping(columns: Sequence[str], sample_rows: Sequence[Row], *, all_new: bool = False) -> SuggestedMapping:
    """Suggest a target for every column.

    A recognised convention and exact aliases are filled in; identifiers beside the id are kept as codes. A name near an
    alias (token_sort_ratio >= 80) or with a telling word is only offered. What is left becomes a free attribute when
    its cells look like a facet or short text, and is ignored when they are files, long text or empty.

    Args:
        columns: The table's columns.
        sample_rows: The first rows, at most `MAX_SAMPLE_ROWS` are looked at.
        all_new: Whether the catalogue has no items yet. Where nothing is a title, a column of short descriptions that
            differ is then offered as it; the titles of known items must never become their descriptions.

    Examples:
        >>> suggested = suggest_mapping(("sku", "Titel", "Preis"), [Row(1, ("A1", "Red shoe", "9,90 €"))])
        >>> [(column.column, column.target, column.confidence) for column in suggested.columns]
        [('sku', 'id', 'exact'), ('Titel', 'title', 'exact'), ('Preis', 'price', 'exact')]
    """
    samples = _gather_samples(columns, sample_rows)
    layout = find_layout(detect_convention(columns), columns, samples)
    exact = dict(layout.targets)
    exact |= _match_aliases([c for c in columns if c not in exact], samples, set(exact.values()))
    offered = _offer_id(exact, samples, len(sample_rows[:MAX_SAMPLE_ROWS]))
    exact = {column: target for column, target in exact.items() if column not in offered}
    taken = {*exact.values(), *offered.values()}
    suggested = offered | _suggest([c for c in columns if c not in exact | offered], samples, taken)
    built = [_build_column(c, exact, suggested, samples[c], layout) for c in columns]
    if all_new and "title" not in exact.values() and "title" not in suggested.values():
        built = _offer_title(built, samples)
    return SuggestedMapping(convention=layout.convention, columns=tuple(built))


def _offer_title(columns: list[SuggestedColumn], samples: Mapping[str, list[str]]) -> list[SuggestedColumn]:
    """The columns with the only description as the title, where it is as short and as telling as titles are."""
    described = [one for one in columns if one.target == "description"]
    if len(described) != 1:
        return columns
    (only,) = described
    cells = samples[only.column]
    if not cells or fmean(map(len, cells)) > MAX_TITLE or len(set(cells)) <= UNIQUE_SHARE * len(cells):
        return columns
    note = "no column is called a title, and these texts are short and differ"
    offered = replace(only, target="title", confidence="suggested", fallback="description", note=note)
    return [offered if one is only else one for one in columns]


def _gather_samples(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, list[str]]:
    """Column name to its filled cells; rows that do not fit the header are passed over."""
    samples: dict[str, list[str]] = {column: [] for column in columns}
    for row in rows[:MAX_SAMPLE_ROWS]:
        if len(row.cells) == len(columns):
            for column, cell in zip(columns, row.cells, strict=True):
                if text := cell.strip():
                    samples[column].append(text)
    return samples


def _match_aliases(columns: Sequence[str], samples: Mapping[str, list[str]], taken: set[str]) -> dict[str, str]:
    """Exact aliases; of several columns for a field that holds one value the most usual name wins."""
    found: dict[str, str] = {}
    for column in sorted(columns, key=lambda c: rank_alias(field, c) if (field := find_exact(c)) else 0):
        field = find_exact(column)
        if field and _fits(field, samples[column]) and (field in MANY or field not in taken):
            found[column] = field
            taken.add(field)
        elif code := find_code(column):
            found[column] = CODE + code
    return found


def _fits(field: str, cells: list[str]) -> bool:
    """Whether the cells do not contradict the name: "Hardcover" is no picture, "example.org" no kind of item."""
    if field == "domain":
        return bool(cells) and all(map(parse_domain, cells))
    return field != "pictures" or not cells or any(re.search(r"[\d./\\:]", cell) for cell in cells)


def _offer_id(exact: Mapping[str, str], samples: Mapping[str, list[str]], rows: int) -> dict[str, str]:
    """Where nothing is the id, the first column of codes that is filled in every row and different in each."""
    if "id" in exact.values():
        return {}
    for column, target in exact.items():
        cells = samples[column]
        if target.startswith(CODE) and 1 < rows == len(cells) == len(set(cells)):
            return {column: "id"}
    return {}


def _suggest(columns: Sequence[str], samples: Mapping[str, list[str]], taken: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    taken = set(taken)
    for column in columns:
        field = _suggest_field(column, samples[column], taken)
        if field and samples[column] and (field in MANY or field not in taken):
            found[column] = field
            taken.add(field)
    return found


def _suggest_field(column: str, cells: list[str], taken: set[str]) -> str:
    words = fold_header(column).split()
    if not words or not cells or CREDIT_WORDS & set(words) or (words[-1] == "type" and CODE_WORDS & set(words)):
        return ""  # a type of code tells what the column beside it holds
    if "pictures" not in taken and all(_PICTURE.fullmatch(cell) for cell in cells[:50]):
        return "pictures"  # what the cells are says more than any name
    unique = len(set(cells)) == len(cells)
    if words[-1] in CODE_WORDS:
        return "id" if words[-1] in ("id", "code") and unique else ""
    if (
        (words[-1] in ("name", "title") or words in _THINGS)
        and "title" not in taken
        and len(set(cells)) > UNIQUE_SHARE * len(cells)
    ):
        return "title"
    hinted = next((field for field, hints in HINTS if hints & set(words)), "")
    field = find_near(column) or hinted
    if field == "pictures":
        shown = sum(bool(_PICTURE.fullmatch(cell) or _ADDRESS.fullmatch(cell)) for cell in cells)
        return field if shown * 2 > len(cells) else ""
    is_cost = field in ("price", "sale_price") and COST_WORDS & set(words)
    return "" if is_cost or FILE_WORDS & set(words) else field


def _build_column(
    column: str, exact: Mapping[str, str], suggested: Mapping[str, str], cells: list[str], layout: Layout
) -> SuggestedColumn:
    shown = tuple(cell[:SAMPLE_LENGTH] for cell in list(dict.fromkeys(cells))[:SHOWN_SAMPLES])
    if column in exact:
        target = exact[column]
        structural = not target and column in layout.roles.values()
        note = f"read as part of the {layout.convention} layout" if structural else ""
        return SuggestedColumn(
            column=column, target=target, confidence="exact", fallback=target, samples=shown, note=note
        )
    fallback = ""
    if find_code(column) or _is_code_column(column, cells):
        fallback = CODE + (find_code(column) or build_attribute_name(column))
    elif _is_facet(column, cells):
        fallback = ATTRIBUTE + build_attribute_name(column)
    if column in suggested:
        return SuggestedColumn(
            column=column, target=suggested[column], confidence="suggested", fallback=fallback, samples=shown
        )
    return SuggestedColumn(column=column, target=fallback, confidence="none", fallback=fallback, samples=shown)


def _is_facet(column: str, cells: list[str]) -> bool:
    """Whether the cells look like a facet or short text rather than codes, files, long text or a constant flag."""
    words = fold_header(column).split()
    if not cells or (words and words[-1] in CODE_WORDS):
        return False
    if COST_WORDS & set(words) and all(_AMOUNT.fullmatch(cell) for cell in cells):
        return False  # what a shop pays is nobody's to see
    if sum("|" in cell for cell in cells) * 2 > len(cells):  # lists of names, long and different in every row
        return True
    if fmean(map(len, cells)) > MAX_ATTRIBUTE_LENGTH or all(_FILE.fullmatch(cell) for cell in cells[:50]):
        return False
    different = len(set(cells))
    if different == 1 and len(cells) >= MIN_ROWS:
        return not _FLAG.fullmatch(cells[0])
    is_grouping = different <= UNIQUE_SHARE * len(cells) or len(cells) < MIN_ROWS
    return is_grouping or any(" " in cell for cell in cells)


def _is_code_column(column: str, cells: list[str]) -> bool:
    """Whether the column tells items apart by codes of a kind that is not known by name."""
    words = fold_header(column).split()
    if not cells or not words or words[-1] not in CODE_WORDS or OTHER_NUMBERS & set(words):
        return False
    short = all(len(cell) <= MAX_CODE_LENGTH for cell in cells)
    return short and len(set(cells)) >= CODE_SHARE * len(cells) and any(map(str.isdecimal, "".join(cells)))
