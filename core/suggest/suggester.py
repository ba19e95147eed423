"""Suggestions: filters first, one exact scan, words, what to avoid, variety.

The parts of a score add up to it: those of the item, e.g. picture and text, then exact words, then what is avoided.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from core.encode.text import is_supported_language
from core.errors import NeedError
from core.serving.calibration import ALL_PARTS
from core.serving.served import Served, Serving
from core.serving.vectors import VectorIndex
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.facets import check_fields
from core.store.items import Items
from core.store.word_index import WordHits, Words
from core.suggest.exact_words import join_words, search_words
from core.suggest.need import Need
from core.suggest.query import Query, build_query, embed_need
from core.suggest.ranking import Ranked, merge_ranked
from core.suggest.results import Suggestion, Suggestions
from core.suggest.variety import to_unit
from core.wording import count_noun

#: Candidates that are kept for paging, words, things to avoid and variety.
CANDIDATES = 480
#: An item whose own words name what is to be avoided loses this much.
AVOID_WORD_PENALTY = 4.0


class Suggester:
    """Answers needs over the catalogues of one data folder; thread-safe.

    Args:
        database: The system of record.
        serving: What serves its catalogues.
    """

    def __init__(self, database: Database, serving: Serving) -> None:
        self._database, self.serving = database, serving
        self._catalogs, self._items, self._known_words = Catalogs(database), Items(database), Words(database)
        self._words = ThreadPoolExecutor(max_workers=2, thread_name_prefix="words")

    def suggest(self, need: Need, *, offset: int = 0, limit: int = 24) -> Suggestions:
        """The best items for a need.

        Args:
            need: What is wanted.
            offset: Suggestions to skip, for paging.
            limit: At most so many.

        Raises:
            CatalogNotFoundError: A named catalogue does not exist.
            NeedError: The item to be like does not exist, or no item has a field that is filtered by.
            BackboneError: A catalogue's backbone cannot be loaded.
        """
        start = time.perf_counter()
        catalogs = self._chosen(need)
        check_fields(self._database, [catalog.id for catalog in catalogs], need.filters)
        served = [self.serving.of(catalog) for catalog in catalogs if catalog.items]
        ranked = [self.find_candidates(one, need) for one in served]
        order = merge_ranked(ranked, need, offset + limit)
        page = self._fetch(ranked, order[offset : offset + limit], offset, need.match)
        return Suggestions(
            page=page,
            ranked=len(order),
            candidates=sum(one.passed for one in ranked),
            milliseconds=(time.perf_counter() - start) * 1000,
            models=tuple(dict.fromkeys(one.catalog.backbone for one in served)),
            notes=_notes(need, served),
        )

    def rank(self, served: Served, need: Need) -> list[int]:
        """Database ids of one catalogue's candidates in the order that `suggest` shows them.

        Args:
            served: Where to look.
            need: What is wanted; its catalogues do not count.
        """
        ranked = self.find_candidates(served, need)
        return [int(ranked.ids[at]) for _, at in merge_ranked([ranked], need, CANDIDATES)]

    def _chosen(self, need: Need) -> list[Catalog]:
        names = list(need.catalogs)
        if need.like is not None and not names:
            names = [need.like[0]]
        return list(dict.fromkeys(map(self._catalogs.find, names))) if names else list(self._catalogs.list())

    def find_candidates(self, served: Served, need: Need, *, also: int | None = None) -> Ranked:
        """The candidates of one catalogue with the parts of their scores.

        Args:
            served: Where to look.
            need: What is wanted; its catalogues do not count.
            also: Database id of an item that is scored even where it is no candidate.
        """
        catalog, index = served.catalog, served.index
        words = self._words.submit(search_words, self._known_words, catalog.id, need.text)
        allowed = self._items.select(catalog.id, need.filters) if need.filters else None
        like, like_id = self._like(need, index)
        query = build_query(need, embed_need(need, served, like), served)
        ids = index.search(query.vector, CANDIDATES, allowed=allowed).ids
        ids = join_words(ids, words.result(), allowed, index, like_id)
        if also is not None and also not in ids and index.contains(np.array([also])).all():
            ids = np.append(ids, also)
        rows, _ = index.rows(ids)
        return Ranked(
            served=served,
            query=query,
            ids=ids,
            parts=self._parts(query, ids, rows, words.result(), need),
            embeddings=to_unit(rows.reshape(len(ids), query.vector.size)),
            passed=len(index) if allowed is None else len(allowed),
        )

    def _parts(
        self, query: Query, ids: NDArray[np.int64], rows: NDArray[np.float32], words: WordHits, need: Need
    ) -> NDArray[np.float32]:
        avoid = query.avoided(rows)
        for phrase in need.avoid:
            holding = self._known_words.holding(ids.tolist(), phrase)
            avoid = avoid + AVOID_WORD_PENALTY * np.array([number in holding for number in ids.tolist()], np.float32)
        by_word = dict(zip(words.ids.tolist(), words.scores.tolist(), strict=True))
        word_part = np.array([by_word.get(number, 0.0) for number in ids.tolist()], np.float32)
        if need.match not in (ALL_PARTS, "text"):
            word_part[:] = 0
        return np.column_stack([query.parts(rows), word_part, -avoid]).astype(np.float32)

    def _like(self, need: Need, index: VectorIndex) -> tuple[NDArray[np.float32] | None, int | None]:
        if need.like is None:
            return None, None
        name, item_id = need.like
        stored = self._items.find(self._catalogs.find(name).id, item_id)
        if stored is None:
            raise NeedError(f"The item “{item_id}” is no longer in “{name}”. Start from another item or a need.")
        if not index.contains(np.array([stored.id])).all():
            raise NeedError("Items like this one can be found in its own catalogue only. Choose that catalogue.")
        rows, _ = index.rows(np.array([stored.id]))
        return rows[0], stored.id

    def _fetch(
        self, ranked: list[Ranked], order: list[tuple[int, int]], offset: int, match: str
    ) -> tuple[Suggestion, ...]:
        stored = self._items.fetch([int(ranked[at].ids[position]) for at, position in order])
        by_id = {one.id: one for one in stored}
        page = []
        for rank, (at, position) in enumerate(order, start=offset + 1):
            one = ranked[at]
            item = by_id.get(int(one.ids[position]))
            if item is None:
                continue
            parts = dict(zip(one.names, one.parts[position].tolist(), strict=True))
            score = sum(parts.values())
            page.append(
                Suggestion(
                    rank=rank,
                    catalog=one.served.catalog.name,
                    stored=item,
                    score=score,
                    strength=one.served.calibration.strength(score, match, one.query.shares),
                    parts=parts,
                )
            )
        return tuple(page)


def _notes(need: Need, served: Sequence[Served]) -> tuple[str, ...]:
    found = [_tell_waiting(one) for one in served if one.catalog.version and len(one.index.pending)]
    foreign = [one for one in served if not is_supported_language(need.text, one.encoder.languages)]
    if need.text and foreign:
        found.append(
            f"The image-text model “{foreign[0].catalog.backbone}” does not read the language of this need: trust "
            "exact words alone, for all else is a guess. Under Catalogues, “Switch model” to “multilingual” reads many "
            "languages."
        )
    return tuple(found)


def _tell_waiting(served: Served) -> str:
    count = count_noun(len(served.index.pending), "item")
    return (
        f"The trained version has not read {count} of “{served.catalog.name}” yet: until then they stand as without "
        "training. An import that is at work reads them; else “Rebuild the indexes” under Catalogues does (on the "
        "command line: python -m core rebuild)."
    )
