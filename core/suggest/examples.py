"""Needs that a catalogue can be shown with, made from its own words."""

from core.catalog.importing.sample import SAMPLE_NAME, SAMPLE_NEEDS
from core.store.catalogs import Catalog
from core.store.items import Items

MOST_EXAMPLES = 4
#: Items that are looked at: enough to know what a catalogue is of, however large it is.
LOOKED_AT = 2_000
#: Characters; longer words do not fit a button.
MAX_LENGTH = 40


def find_examples(items: Items, catalog: Catalog) -> tuple[str, ...]:
    """Needs to offer for a catalogue, at most `MOST_EXAMPLES`.

    The sample has needs of its own. Any other has the narrowest categories that most of its items are in, of different
    broad ones first; without categories, titles of items far from each other in its file.
    """
    if catalog.name == SAMPLE_NAME:
        return SAMPLE_NEEDS
    return (_find_categories(items, catalog.id) or _find_titles(items, catalog.id))[:MOST_EXAMPLES]


def _find_categories(items: Items, catalog_id: int) -> tuple[str, ...]:
    paths = [path for path in items.list_categories(catalog_id, LOOKED_AT) if path and _fits(path[-1])]
    firsts = {path[0].casefold(): path[-1] for path in reversed(paths)}
    broad = [path[-1] for path in paths if firsts[path[0].casefold()] == path[-1]]
    return _unique([*broad, *(path[-1] for path in paths)])


def _find_titles(items: Items, catalog_id: int) -> tuple[str, ...]:
    titles = _unique([title for title in items.list_titles(catalog_id, LOOKED_AT) if _fits(title)])
    return titles[:: max(len(titles) // MOST_EXAMPLES, 1)]


def _fits(text: str) -> bool:
    return len(text) <= MAX_LENGTH and any(character.isalpha() for character in text)


def _unique(texts: list[str]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for text in texts:
        kept.setdefault(text.casefold(), text)
    return tuple(kept.values())
