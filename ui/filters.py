"""Filters for every attribute, kept in the URL, and the chips that take them away again."""

from collections.abc import Sequence

import streamlit as st

from core.store.catalogs import Catalog
from core.store.facets import Facet, list_facets
from core.store.filters import Filter
from ui.resources import open_workspace
from ui.text import escape_markdown

MOST_FACETS = 12
_PREFIX = "f."


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


def draw_filters(facets: Sequence[Facet]) -> tuple[Filter, ...]:
    """A control for each facet.

    Returns:
        The conditions that are set.
    """
    filters: list[Filter] = []
    for facet in facets:
        filters.extend(_draw_range(facet) if facet.numbers else _draw_choice(facet))
    if not facets:
        st.caption("This catalogue has no attribute to filter by.")
    return tuple(filters)


def draw_chips(filters: Sequence[Filter]) -> None:
    """One removable chip a condition."""
    if not filters:
        return
    with st.container(horizontal=True, gap="xsmall", key="chips"):
        for condition in filters:
            st.button(
                f"{escape_markdown(condition.field)} {condition.operator} {escape_markdown(condition.value[:40])}",
                key=f"chip-{condition.field}-{condition.operator}-{condition.value}",
                icon=":material/close:",
                help="Take this filter away",
                on_click=_remove,
                args=(condition,),
            )
        if len(filters) > 1:
            st.button("Clear all", key="chip-all", type="tertiary", on_click=_clear, args=(tuple(filters),))


def first_page() -> None:
    """Go back to the first page; a callback."""
    st.session_state["page"] = 1


def _draw_choice(facet: Facet) -> list[Filter]:
    # The URL holds an option as it is shown, so no count stands beside it: links would break with every import.
    chosen = st.multiselect(
        facet.field.capitalize(),
        [value for value, _ in facet.values],
        key=_PREFIX + facet.field.lower(),
        placeholder="Any",
        on_change=first_page,
        bind="query-params",
    )
    return [Filter(field=facet.field, operator="=", value=value) for value in chosen]


def _draw_range(facet: Facet) -> list[Filter]:
    low, high = facet.numbers or (0.0, 0.0)
    least, greatest = st.columns(2)
    key = _PREFIX + facet.field.lower()
    name = facet.field.capitalize()
    with least:
        at_least = st.number_input(
            f"{name} from", value=None, key=f"{key}.from", placeholder=f"{low:g}", on_change=first_page,
            bind="query-params",
        )  # fmt: skip
    with greatest:
        at_most = st.number_input(
            f"{name} to", value=None, key=f"{key}.to", placeholder=f"{high:g}", on_change=first_page,
            bind="query-params",
        )  # fmt: skip
    filters = []
    if at_least is not None:
        filters.append(Filter(field=facet.field, operator=">=", value=f"{at_least:g}"))
    if at_most is not None:
        filters.append(Filter(field=facet.field, operator="<=", value=f"{at_most:g}"))
    return filters


def _remove(condition: Filter) -> None:
    key = _PREFIX + condition.field.lower()
    if condition.operator == "=":
        st.session_state[key] = [value for value in st.session_state.get(key, []) if value != condition.value]
    else:
        st.session_state[f"{key}.{'from' if condition.operator == '>=' else 'to'}"] = None
    first_page()


def _clear(filters: Sequence[Filter]) -> None:
    for condition in filters:
        _remove(condition)


def _join(first: Facet, second: Facet) -> Facet:
    counts: dict[str, int] = dict(first.values)
    for value, count in second.values:
        counts[value] = counts.get(value, 0) + count
    numbers = None
    if first.numbers and second.numbers:
        numbers = (min(first.numbers[0], second.numbers[0]), max(first.numbers[1], second.numbers[1]))
    return Facet(field=first.field, values=tuple(counts.items()), numbers=numbers)
