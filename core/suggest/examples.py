"""Needs that a catalogue can be shown with, made from its own words."""

import json

from core.catalog.sample import SAMPLE_NAME, SAMPLE_NEEDS
from core.store.catalogs import Catalog
from core.store.database import Database

MOST_EXAMPLES = 4
#: Items that are looked at: enough to know what a catalogue is of, however large it is.
LOOKED_AT = 2_000
#: Characters; longer words do not fit a button.
MAX_LENGTH = 40


def find_examples(database: Database, catalog: Catalog) -> tuple[str, ...]:
    """Needs to offer for a catalogue, at most `MOST_EXAMPLES`.

    The sample has needs of its own. Any other has the narrowest categories that most of its items are in, of different
    broad ones first; without categories, titles of items far from each other in its file.
    """
    if catalog.name == SAMPLE_NAME:
        return SAMPLE_NEEDS
    return (_find_categories(database, catalog.id) or _find_titles(database, catalog.id))[:MOST_EXAMPLES]


def _find_categories(database: Database, catalog_id: int) -> tuple[str, ...]:
    rows = database.connection.execute(
        "SELECT category, count(*) AS items FROM "
        "(SELECT json_extract(data, '$.category') AS category FROM items WHERE catalog_id = ? LIMIT ?) "
        "GROUP BY category ORDER BY items DESC, category",
        (catalog_id, LOOKED_AT),
    ).fetchall()
    paths = [path for path in (json.loads(row["category"] or "[]") for row in rows) if path and _fits(path[-1])]
    firsts = {path[0].casefold(): path[-1] for path in reversed(paths)}
    broad = [path[-1] for path in paths if firsts[path[0].casefold()] == path[-1]]
    return _unique([*broad, *(path[-1] for path in paths)])


def _find_titles(database: Database, catalog_id: int) -> tuple[str, ...]:
    rows = database.connection.execute(
        "SELECT title FROM items WHERE catalog_id = ? ORDER BY id LIMIT ?", (catalog_id, LOOKED_AT)
    ).fetchall()
    titles = _unique([row["title"] for row in rows if _fits(row["title"])])
    return titles[:: max(len(titles) // MOST_EXAMPLES, 1)]


def _fits(text: str) -> bool:
    return len(text) <= MAX_LENGTH and any(character.isalpha() for character in text)


def _unique(texts: list[str]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for text in texts:
        kept.setdefault(text.casefold(), text)
    return tuple(kept.values())
