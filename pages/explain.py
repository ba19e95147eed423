"""Why an item was suggested. The address holds the catalogue, the need and the item: a link shows the same page."""

from collections.abc import Sequence

import streamlit as st

from core.errors import NeedError
from core.explain.explanation import Explanation
from core.explain.needs.edits import MOST_ITEM_WORDS
from core.explain.report.html_file import list_texts
from core.explain.report.sentence import describe
from core.store.catalogs import Catalog
from core.store.items import StoredItem
from core.suggest.need import Need
from ui.address import CATALOG, go, read, read_all, read_back
from ui.asked import draw_need_box
from ui.empty import draw_no_catalog
from ui.navigation import find_page
from ui.resources import open_workspace
from ui.sidebar import chosen_catalogs
from ui.text import escape_markdown
from ui.why.charts import draw_difference, draw_waterfall
from ui.why.method import draw_method
from ui.why.picture import draw_picture
from ui.why.tables import draw_counterfactuals, draw_flips, say_rank
from ui.why.texts import draw_marked


def draw_page() -> None:
    """The whole page."""
    catalogs = [catalog for catalog in chosen_catalogs() if catalog.items]
    if not catalogs:
        draw_no_catalog()
        return
    catalog = _choose_catalog(catalogs)
    _draw_way_back(catalog)
    text, avoid = draw_need_box(
        "The need", placeholder="Say what is needed; change it and see how the rank moves", on_change=_ask
    )
    if not text:
        st.info("Ask for something first; then every suggestion has a “Why?”.", icon=":material/help:")
        return
    need = Need(text=text, avoid=avoid, catalogs=(catalog.name,))
    item_id = read("item") or _first_item(need)
    stored = open_workspace().items.find(catalog.id, item_id)
    if stored is None:
        raise NeedError(f"There is no item “{item_id}” in “{catalog.name}”. Choose another one from the suggestions.")
    found = _explain(catalog.name, catalog.state, text, avoid, item_id, read("against"))
    if not read("item"):
        st.caption("No item was chosen: this is the first suggestion.")
    _draw_head(catalog, stored, need, found)
    score, changes = st.columns(2, gap="large")
    with score:
        st.subheader("What the score is made of", anchor=False)
        draw_waterfall(found)
    with changes:
        st.subheader("What would change its rank", anchor=False)
        draw_counterfactuals(found)
        draw_flips(found)
    _draw_other(catalog, need, found)
    _draw_method(found)


def _choose_catalog(catalogs: Sequence[Catalog]) -> Catalog:
    """Of those that are looked at the one that holds the item, else the first."""
    item_id = read("item")
    found = [one for one in catalogs if open_workspace().items.find(one.id, item_id) is not None]
    return (found or list(catalogs))[0]


def _draw_way_back(catalog: Catalog) -> None:
    """To exactly the suggestions that a person came from, or to those for this need."""
    before = read_back() or {CATALOG: [catalog.name], "need": read_all("need")}
    label = "Back to the suggestions" if read_back() else "Go to the suggestions"
    st.page_link(find_page("Suggestions"), label=label, icon=":material/arrow_back:", query_params=before)


def _ask(need: str) -> None:
    go(need=need)


def _first_item(need: Need) -> str:
    page = open_workspace().suggester.suggest(need, limit=1).page
    if not page:
        raise NeedError("Nothing was found for this need. Say it in other words.")
    return page[0].stored.item.item_id


@st.cache_data(show_spinner="Asking the need again in other words", max_entries=64)
def _explain(
    catalog: str,
    state: tuple[int, int, str],  # noqa: ARG001 - part of the cache's key
    text: str,
    avoid: tuple[str, ...],
    item_id: str,
    against: str,
) -> Explanation:
    workspace = open_workspace()
    need = Need(text=text, avoid=avoid)
    return workspace.explainer.explain(workspace.catalogs.find(catalog), need, item_id, against=against)


def _draw_head(catalog: Catalog, stored: StoredItem, need: Need, found: Explanation) -> None:
    picture, words = st.columns([2, 5], gap="large")
    with picture:
        draw_picture(catalog, stored, need, found)
    with words:
        st.title(f"Why “{escape_markdown(stored.item.title)}”?", anchor=False)
        st.markdown(f"##### {escape_markdown(describe(found))}")
        ranked = f"rank **{say_rank(found.rank)}**" if found.rank else "**not ranked**"
        st.markdown(
            f"{ranked} in {escape_markdown(catalog.name)} · score **{found.score:.2f}**{_say_move(catalog, found)}"
        )
        st.caption("This is what the model relied on. It says nothing about why people buy.")
        _draw_texts(stored, found)


def _say_move(catalog: Catalog, found: Explanation) -> str:
    """How the rank moved since the need that was last asked about the same item."""
    trail = st.session_state.setdefault(f"why-{catalog.id}-{found.item_id}", [])
    if not trail or trail[-1] != (found.need, found.rank):
        trail.append((found.need, found.rank))
    if len(trail) < 2 or trail[-2][1] == found.rank:
        return ""
    need, rank = trail[-2]
    return f" · it was at {say_rank(rank).lower()} for “{escape_markdown(need)}”"


def _draw_texts(stored: StoredItem, found: Explanation) -> None:
    with st.container(border=True):
        draw_marked(found, list_texts(found, stored.item))
        st.caption(
            "Marked words speak for (+) or against (−) this item: the score was made again without each of them. Of an "
            f"item's own words, the first {MOST_ITEM_WORDS} are tried."
        )


def _draw_other(catalog: Catalog, need: Need, found: Explanation) -> None:
    if found.against is None:
        return
    st.subheader("Compared with another item", anchor=False)
    page = open_workspace().suggester.suggest(need, limit=24).page
    titles = {one.stored.item.item_id: f"{one.rank} · {one.stored.item.title}" for one in page}
    titles.setdefault(found.against.item_id, f"{say_rank(found.against.rank)} · {found.against.title}")
    titles.pop(found.item_id, None)
    options = list(titles)
    st.selectbox(
        "The other item",
        options,
        index=options.index(found.against.item_id),
        format_func=titles.get,
        key=f"other-{catalog.id}-{found.item_id}-{found.need}",
        on_change=_take_other,
        args=(f"other-{catalog.id}-{found.item_id}-{found.need}",),
    )
    gap = found.score - found.against.score
    st.markdown(
        f"It scores **{abs(gap):.2f} {'more' if gap >= 0 else 'less'}** than "
        f"“{escape_markdown(found.against.title)}”. Each bar says how much more (or less) a part gives it."
    )
    draw_difference(found, found.against)


def _take_other(key: str) -> None:
    go(against=st.session_state[key])


def _draw_method(found: Explanation) -> None:
    with st.expander("Method, and how far to trust it", icon=":material/science:"):
        draw_method(found)


draw_page()
