"""Step 2: which column is which field."""

from dataclasses import replace

import streamlit as st

from core.catalog.codes import CODE
from core.catalog.importing.drafts import Draft
from core.catalog.read.read import preview_table
from core.catalog.records import ATTRIBUTE
from core.catalog.shape.mapping import TARGETS, ColumnMapping, SuggestedColumn, validate_mapping
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.errors import MappingError
from core.wording import count_noun
from ui.errors import show_failure
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
    guessed = [one for one in suggested.columns if one.confidence == "suggested"]
    unused = [one for one in suggested.columns if one not in guessed and one.fallback == ""]
    named = [one for one in suggested.columns if one not in guessed and one not in unused]
    # Where a column stands is fixed when the page is entered, so that no row jumps away under a person's hand.
    if waiting := [one for one in guessed if _is_waiting(one, draft)]:
        _draw_banner(draft, waiting)
    targets = {one.column: _draw_column(one, draft) for one in [*guessed, *named]}
    if unused:
        with st.expander(_count_unused(unused), icon=":material/hide_source:"):
            targets |= {one.column: _draw_column(one, draft) for one in unused}
    # The order of the file is the order of the levels of a category.
    targets = {one.column: targets[one.column] for one in suggested.columns}
    ordered = ColumnMapping(convention=draft.spec.mapping.convention, targets=targets)
    if ordered != draft.spec.mapping:
        keep(replace(draft, spec=replace(draft.spec, mapping=ordered, edits={})))
    try:
        validate_mapping(ordered, preview.columns, updates=find_catalog(draft.spec.catalog) is not None)
    except MappingError as exc:
        show_failure(exc)
        draw_moves("columns", can_go_on=False)
        return
    draw_moves("columns")


def _draw_banner(draft: Draft, waiting: list[SuggestedColumn]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        names = ", ".join(f"**{escape_markdown(one.column)}**" for one in waiting)
        st.markdown(f"A guess waits for your word: {names}. Tick it to take it.")
        if len(waiting) > 1:
            st.button("Accept all suggestions", key="accept-all", on_click=_accept, args=(draft, tuple(waiting)))


def _count_unused(unused: list[SuggestedColumn]) -> str:
    part = sum(bool(one.note) for one in unused)
    count = f"{count_noun(len(unused), 'column')} that nothing of an item is read from"
    return f"{count}, {part:,} of which the layout reads in another way" if part else count


def _draw_column(one: SuggestedColumn, draft: Draft) -> str:
    current = draft.spec.mapping.targets.get(one.column, one.fallback)
    options = list(dict.fromkeys((current, "", *_free_targets(one, current), *TARGETS)))
    if one.confidence == "suggested":
        options = list(dict.fromkeys((*options, one.target)))
    key = _key(draft, one)
    if key not in st.session_state:
        st.session_state[key] = current
    name, choice = st.columns([3, 2], vertical_alignment="center", gap="medium")
    with name:
        badge = " :orange-badge[suggested]" if one.confidence == "suggested" else ""
        st.markdown(f"**{escape_markdown(one.column)}**{badge}  \n:gray[{_show_samples(one)}]")
    with choice:
        if one.confidence == "suggested":
            _draw_tick(one, draft)
        return str(
            st.selectbox(
                escape_markdown(f"What {one.column} holds"),
                options,
                key=key,
                label_visibility="collapsed",
                format_func=lambda target: _describe(target, one),
            )
        )


def _free_targets(one: SuggestedColumn, current: str) -> list[str]:
    """The column as an attribute and as a code, under the name that it has already."""
    known = (current, one.fallback)
    return [next((name for name in known if name.startswith(kind)), kind + one.column) for kind in (ATTRIBUTE, CODE)]


def _show_samples(one: SuggestedColumn) -> str:
    samples = " · ".join(dict.fromkeys(sample[:40] for sample in one.samples[:3]))
    return escape_markdown(samples) or "empty"


def _draw_tick(one: SuggestedColumn, draft: Draft) -> None:
    key = f"tick-{draft.id}-{one.column}"
    st.session_state[key] = st.session_state[_key(draft, one)] == one.target

    def take() -> None:
        st.session_state[_key(draft, one)] = one.target if st.session_state[key] else one.fallback

    st.checkbox(
        escape_markdown(f"Use {one.column} as {_describe(one.target, one).split(' – ')[0]}"), key=key, on_change=take
    )


def _describe(target: str, one: SuggestedColumn) -> str:
    if target == "":
        return one.note.capitalize() or "Not used"
    kind, _, own = target.partition(":")
    name = f"{kind.capitalize()} {own}" if own else _NAMES[target]
    return f"{name} – suggested" if one.confidence == "suggested" and target == one.target else name


def _is_waiting(one: SuggestedColumn, draft: Draft) -> bool:
    """Whether nobody has decided on the guess; what was chosen in this run counts before what is kept."""
    current = st.session_state.get(_key(draft, one), draft.spec.mapping.targets.get(one.column, one.fallback))
    return bool(current == one.fallback != one.target)


def _accept(draft: Draft, waiting: tuple[SuggestedColumn, ...]) -> None:
    for one in waiting:
        st.session_state[_key(draft, one)] = one.target


def _key(draft: Draft, one: SuggestedColumn) -> str:
    return f"map-{draft.id}-{one.column}"
