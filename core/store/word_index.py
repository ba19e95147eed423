"""The word index: BM25 through SQLite's FTS5, kept in step with the items inside the same transaction.

Porter stemming serves English; runs of Chinese, Japanese and Korean characters are indexed character by character.
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.store.database import Database

_CJK = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff])")
_TERM = re.compile(r"\w+", re.UNICODE)
TITLE_WEIGHT = 2.0
MAX_TERMS = 24
#: Values that one statement is given; SQLite takes 32,766.
_MOST_NUMBERS = 30_000
#: More items than these with one code of a need are not looked at.
MAX_SAME_CODE = 500
#: A word in more than this share of all items says nothing that the embeddings do not say better, and costs the most.
COMMON_SHARE = 0.05
#: In a collection this small, no word is too common to look up.
SMALL_COLLECTION = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WordHits:
    """Items that hold words of the need.

    Attributes:
        ids: Database ids, best first, (N,).
        scores: BM25, higher is better, (N,).
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]


def replace_words(connection: sqlite3.Connection, number: int, item: Item) -> None:
    """Index the words of one item, replacing those it had; part of the caller's transaction."""
    attributes = [value for values in item.attributes.values() for value in values]
    codes = [code for values in item.codes.values() for code in values]
    body = " ".join([item.item_id, *codes, item.brand, *item.category, *item.tags, *attributes, item.description])
    connection.execute("DELETE FROM item_words WHERE rowid = ?", (number,))
    connection.execute(
        "INSERT INTO item_words(rowid, title, body) VALUES (?, ?, ?)",
        (number, separate_characters(item.title), separate_characters(body)),
    )


def separate_characters(text: str) -> str:
    """Put spaces around every Chinese, Japanese or Korean character, which are written without any."""
    return _CJK.sub(r" \1 ", text)


class Words:
    """BM25 search."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, catalog_id: int, text: str, limit: int) -> WordHits:
        """Items of the catalogue that hold any word of the text, best first.

        Args:
            catalog_id: Where to look.
            text: Plain words; FTS operators in it are read as words.
            limit: At most so many items.
        """
        return self._search(catalog_id, self._choose(_split_terms(text)), limit)

    def search_phrases(self, catalog_id: int, phrases: Iterable[str], limit: int) -> WordHits:
        """Items of the catalogue that hold any of the phrases, word by word in their order, best first."""
        joined = (" ".join(_TERM.findall(separate_characters(phrase.lower()))) for phrase in phrases)
        return self._search(catalog_id, self._choose([phrase for phrase in joined if phrase]), limit)

    def find_codes(self, catalog_id: int, codes: Sequence[str]) -> dict[int, frozenset[str]]:
        """Items of the catalogue with one of these codes.

        Args:
            catalog_id: Where to look.
            codes: As `core.catalog.codes.normalise_code` writes them.

        Returns:
            Database id of an item to those of the codes that it has.
        """
        marks = ", ".join("?" for _ in codes)
        rows = self._database.connection.execute(
            f"SELECT item, code FROM item_codes WHERE catalog_id = ? AND code IN ({marks}) LIMIT ?",
            (catalog_id, *codes, MAX_SAME_CODE),
        )
        found: dict[int, frozenset[str]] = {}
        for number, code in rows:
            found[number] = found.get(number, frozenset()) | {code}
        return found

    def _search(self, catalog_id: int, terms: Sequence[str], limit: int) -> WordHits:
        if not terms:
            return WordHits(ids=np.empty(0, np.int64), scores=np.empty(0, np.float32))
        rows = self._database.connection.execute(
            f"""
            SELECT item_words.rowid, -bm25(item_words, {TITLE_WEIGHT}, 1.0) AS score
            FROM item_words JOIN items ON items.id = item_words.rowid
            WHERE item_words MATCH ? AND items.catalog_id = ? ORDER BY score DESC LIMIT ?
            """,
            (" OR ".join(f'"{term}"' for term in terms), catalog_id, limit),
        ).fetchall()
        return WordHits(
            ids=np.array([row[0] for row in rows], dtype=np.int64),
            scores=np.array([row[1] for row in rows], dtype=np.float32),
        )

    def holding(self, ids: Sequence[int], phrase: str) -> frozenset[int]:
        """Those of the items that hold every word of the phrase."""
        terms = _split_terms(phrase)
        found: set[int] = set()
        for start in range(0, len(ids) if terms else 0, _MOST_NUMBERS):
            some = ids[start : start + _MOST_NUMBERS]
            marks = ", ".join("?" for _ in some)
            rows = self._database.connection.execute(
                f"SELECT rowid FROM item_words WHERE item_words MATCH ? AND rowid IN ({marks})",
                (" AND ".join(f'"{term}"' for term in terms), *some),
            )
            found.update(row[0] for row in rows)
        return frozenset(found)

    def rebuild(self) -> None:
        """Compact the index."""
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO item_words(item_words) VALUES ('optimize')")

    def _choose(self, terms: list[str]) -> list[str]:
        """Without those that very many items hold, which keeps the time flat as a catalogue grows."""
        connection = self._database.connection
        (total,) = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone() or (0,)
        ceiling = max(SMALL_COLLECTION, int(total * COMMON_SHARE))
        sql = "SELECT count(*) FROM (SELECT 1 FROM item_words WHERE item_words MATCH ? LIMIT ?)"
        return [term for term in terms if connection.execute(sql, (f'"{term}"', ceiling + 1)).fetchone()[0] <= ceiling]


def _split_terms(text: str) -> list[str]:
    """Its words, each once, without anything that FTS could take for an operator."""
    return list(dict.fromkeys(_TERM.findall(separate_characters(text.lower()))))[:MAX_TERMS]
