"""Filters for every attribute, kept in the address, and the chips that take them away again."""

import math
from collections.abc import Sequence

import streamlit as st

from core.errors import NeedError
from core.store.catalogs import Catalog
from core.store.facets import Facet, check_fields, list_facets
from core.store.filters import Filter, Operator
from ui.address import go, hold, hold_folded, names, read, read_all
from ui.resources import open_workspace
from ui.text import escape_markdown

MOST_FACETS = 12
_PREFIX = "f."
_ENDS: dict[str, Operator] = {".from": ">=", ".to": "<="}
_STOCK, _IN_STOCK = "availability", "in stock"
#: From this span on, the steps of a range are whole numbers.
_WIDE = 20.0


@st.cache_data(show_spinner=False, max_entries=64)
def read_facets(catalog_id: int, revision: int) -> tuple[Facet, ...]:
    """The facets of a catalogue at a revision."""
    del revision  # part of the cache's key: a write makes the answer stale
    return list_facets(open_workspace().database, catalog_id)


def gather_facets(catalogs: Sequence[Catalog]) -> tuple[Facet, ...]:
    """The facets of one catalogue, or those that several have together."""
    merged: dict[str, Facet] = {}
    for catalog in catalogs:
        for facet in read_facets(catalog.id, catalog.revision):
            known = merged.get(facet.field.lower())
            merged[facet.field.lower()] = facet if known is None else _join(known, facet)
    return tuple(merged.values())[:MOST_FACETS]


def read_filters(catalogs: Sequence[Catalog], facets: Sequence[Facet]) -> tuple[tuple[Filter, ...], tuple[str, ...]]:
    """The conditions that the address names, and what is wrong with those that cannot be met."""
    by_field = {facet.field.lower(): facet for facet in facets}
    filters, problems = [], []
    for name in filter_names():
        for value in read_all(name):
            try:
                filters.append(_read_one(name, value, catalogs, by_field))
            except NeedError as exc:
                problems.append(str(exc))
    return tuple(filters), tuple(problems)


def filter_names() -> list[str]:
    """The names of the address that are filters."""
    return [name for name in names() if name.startswith(_PREFIX)]


def draw_problems(problems: Sequence[str]) -> None:
    """Filters of a link that are not applied, each with what there is instead."""
    if not problems:
        return
    said = " ".join(dict.fromkeys(problems))
    st.warning(f"{escape_markdown(said)} This part of the link is left out.", icon=":material/filter_list_off:")
    st.button("Take all filters away", key="clear-filters", on_click=_clear)


def draw_filters(facets: Sequence[Facet]) -> None:
    """A control for each facet."""
    for facet in facets:
        (_draw_range if facet.numbers else _draw_choice)(facet)
    if not facets:
        st.caption("This catalogue has no attribute to filter by.")


def draw_stock_switch(facets: Sequence[Facet]) -> None:
    """One click to see only what is in stock, where a catalogue knows that."""
    facet = next((one for one in facets if one.field.lower() == _STOCK), None)
    if facet is None or _IN_STOCK not in [value for value, _ in facet.values]:
        return
    hold("stock", read_all(_PREFIX + _STOCK) == [_IN_STOCK])
    st.toggle("In stock only", key="stock", on_change=_switch_stock)


def draw_chips(filters: Sequence[Filter]) -> None:
    """One removable chip a condition."""
    if not filters:
        return
    with st.container(horizontal=True, gap="xsmall", key="chips"):
        for condition in filters:
            st.button(
                escape_markdown(say_filter(condition)),
                key=f"chip-{condition.field}-{condition.operator}-{condition.value}",
                icon=":material/close:",
                help="Take this filter away",
                on_click=_remove,
                args=(condition,),
            )
        if len(filters) > 1:
            st.button("Clear all", key="chip-all", type="tertiary", on_click=_clear)


def say_filter(condition: Filter) -> str:
    """A condition in words, e.g. "Category: Toys" or "Price up to 10"."""
    words = {"=": ":", "!=": " is not", ">=": " from", "<=": " up to", ">": " above", "<": " below"}
    return f"{condition.field.capitalize()}{words[condition.operator]} {condition.value[:40]}"


def _read_one(name: str, value: str, catalogs: Sequence[Catalog], by_field: dict[str, Facet]) -> Filter:
    """One condition of the address.

    Raises:
        NeedError: No item has such a field or such a value, or it is no number.
    """
    key = name.removeprefix(_PREFIX).lower()
    end = next((end for end in _ENDS if key.endswith(end) and key not in by_field), "")
    field = key.removesuffix(end)
    facet = by_field.get(field)
    named = facet.field if facet else field
    condition = Filter(field=named, operator=_ENDS[end] if end else "=", value=_tidy_number(value) if end else value)
    if facet is not None and (end or value in [known for known, _ in facet.values]):
        return condition
    check_fields(open_workspace().database, [catalog.id for catalog in catalogs], [condition])
    if not end and not any(len(open_workspace().items.select(one.id, (condition,))) for one in catalogs):
        raise NeedError(f"No item has “{value}” as its {field}.")
    return condition


def _draw_choice(facet: Facet) -> None:
    name = _PREFIX + facet.field.lower()
    options = [value for value, _ in facet.values]
    key = hold_folded(name, [value for value in read_all(name) if value in options])
    st.multiselect(
        escape_markdown(facet.field.capitalize()),
        options,
        key=key,
        placeholder="Any",
        on_change=_take_choice,
        args=(name, key),
    )


def _draw_range(facet: Facet) -> None:
    low, high = facet.numbers or (0.0, 0.0)
    for column, end, bound in zip(st.columns(2), _ENDS, (low, high), strict=True):
        name = f"{_PREFIX}{facet.field.lower()}{end}"
        key = hold_folded(name, _read_number(read(name)))
        column.number_input(
            escape_markdown(f"{facet.field.capitalize()} {end[1:]}"),
            value=None,
            key=key,
            step=1.0 if high - low > _WIDE else None,
            placeholder=_write_number(bound),
            on_change=_take_number,
            args=(name, key),
        )


def _take_choice(name: str, key: str) -> None:
    go({name: st.session_state[key], "page": ""})


def _take_number(name: str, key: str) -> None:
    number = st.session_state[key]
    go({name: "" if number is None else _write_number(number), "page": ""})


def _switch_stock() -> None:
    go({_PREFIX + _STOCK: _IN_STOCK if st.session_state["stock"] else "", "page": ""})


def _remove(condition: Filter) -> None:
    end = next((end for end, operator in _ENDS.items() if operator == condition.operator), "")
    key = f"{_PREFIX}{condition.field.lower()}{end}"
    key = next((name for name in filter_names() if name.lower() == key), key)
    left = [value for value in read_all(key) if not end and value != condition.value]
    go({key: left, "page": ""})


def _clear() -> None:
    go(dict.fromkeys([*filter_names(), "page"], ""))


def _read_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _write_number(number: float) -> str:
    """All its digits, and no ".0"."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _tidy_number(text: str) -> str:
    number = _read_number(text)
    if number is None:
        raise NeedError(f"“{text}” is no number to filter by.")
    return _write_number(number)


def _join(first: Facet, second: Facet) -> Facet:
    counts: dict[str, int] = dict(first.values)
    for value, count in second.values:
        counts[value] = counts.get(value, 0) + count
    numbers = None
    if first.numbers and second.numbers:
        numbers = (min(first.numbers[0], second.numbers[0]), max(first.numbers[1], second.numbers[1]))
    return Facet(field=first.field, values=tuple(counts.items()), numbers=numbers)
