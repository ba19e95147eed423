"""Step 2: which column is which field."""

from dataclasses import replace

import streamlit as st

from core.catalog.codes import CODE
from core.catalog.drafts import Draft
from core.catalog.mapping import TARGETS, ColumnMapping, SuggestedColumn, validate_mapping
from core.catalog.read import preview_table
from core.catalog.records import ATTRIBUTE
from core.catalog.suggest_mapping import suggest_mapping
from core.errors import MappingError
from core.wording import count_noun
from ui.importing.state import draw_moves, find_catalog, keep
from ui.text import escape_markdown

_NAMES = {
    "id": "Id", "title": "Title (required)", "description": "Description", "category": "Category", "brand": "Brand",
    "price": "Price", "sale_price": "Sale price", "currency": "Currency", "availability": "Availability",
    "url": "Web address", "tags": "Tags", "pictures": "Pictures", "domain": "Kind of item",
}  # fmt: skip
_CONVENTIONS = {
    "shopify": "a Shopify export",
    "woocommerce": "a WooCommerce export",
    "merchant": "a Google Merchant feed",
    "prestashop": "a PrestaShop export",
    "schema.org": "a file with schema.org names",
    "magento": "a Magento export",
    "amazon": "an Amazon flat file",
    "ebay": "an eBay listings file",
    "etsy": "an Etsy listings file",
    "bigcommerce": "a BigCommerce export",
}


def draw_columns(draft: Draft) -> None:
    """A row for each column: its name, samples, and what it is."""
    preview = preview_table(draft.spec.table, draft.spec.options)
    suggested = suggest_mapping(preview.columns, preview.rows)
    if suggested.convention in _CONVENTIONS:
        st.success(f"This looks like {_CONVENTIONS[suggested.convention]}.", icon=":material/check_circle:")
    waiting = [one for one in suggested.columns if _is_waiting(one, draft.spec.mapping)]
    if waiting:
        with st.container(horizontal=True, vertical_alignment="center"):
            count = f"{len(waiting)} columns have suggestions that wait" if len(waiting) > 1 else "One suggestion waits"
            st.markdown(f"{count} for you.")
            st.button("Accept all suggestions", key="accept-all", on_click=_accept, args=(draft, tuple(waiting)))
    # Where a column stands is fixed when the page is entered, so that no row jumps away under a person's hand.
    unused = [one for one in suggested.columns if one.fallback == "" and one.confidence == "none"]
    targets = {one.column: _draw_column(one, draft) for one in suggested.columns if one not in unused}
    if unused:
        with st.expander(
            f"{count_noun(len(unused), 'column that is', 'columns that are')} not used", icon=":material/hide_source:"
        ):
            targets |= {one.column: _draw_column(one, draft) for one in unused}
    ordered = ColumnMapping(convention=draft.spec.mapping.convention, targets=targets)
    if ordered != draft.spec.mapping:
        keep(replace(draft, spec=replace(draft.spec, mapping=ordered, edits={})))
    try:
        validate_mapping(ordered, preview.columns, updates=find_catalog(draft.spec.catalog) is not None)
    except MappingError as exc:
        st.error(str(exc), icon=":material/error:")
        draw_moves("columns", can_go_on=False)
        return
    draw_moves("columns")


def _draw_column(one: SuggestedColumn, draft: Draft) -> str:
    current = draft.spec.mapping.targets.get(one.column, one.fallback)
    free = [
        next((name for name in (current, one.fallback) if name.startswith(kind)), kind + one.column)
        for kind in (ATTRIBUTE, CODE)
    ]
    options = list(dict.fromkeys((current, "", *free, *TARGETS)))
    name, choice = st.columns([3, 2], vertical_alignment="center", gap="medium")
    with name:
        samples = " · ".join(dict.fromkeys(sample[:40] for sample in one.samples[:3]))
        st.markdown(f"**{escape_markdown(one.column)}**  \n:gray[{escape_markdown(samples) or 'empty'}]")
    with choice:
        key = _key(draft, one)
        if key not in st.session_state:
            st.session_state[key] = current
        return str(
            st.selectbox(
                f"What {one.column} holds",
                options,
                key=key,
                label_visibility="collapsed",
                format_func=lambda target: _describe(target, one),
            )
        )


def _describe(target: str, one: SuggestedColumn) -> str:
    if target == "":
        return one.note.capitalize() or "Not used"
    kind, _, own = target.partition(":")
    name = f"{kind.capitalize()} {own}" if own else _NAMES[target]
    return f"{name} – suggested" if one.confidence == "suggested" and target == one.target else name


def _is_waiting(one: SuggestedColumn, mapping: ColumnMapping) -> bool:
    return one.confidence == "suggested" and mapping.targets.get(one.column, one.fallback) == one.fallback != one.target


def _accept(draft: Draft, waiting: tuple[SuggestedColumn, ...]) -> None:
    for one in waiting:
        st.session_state[_key(draft, one)] = one.target


def _key(draft: Draft, one: SuggestedColumn) -> str:
    return f"map-{draft.id}-{one.column}"
