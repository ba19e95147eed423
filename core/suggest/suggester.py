"""Suggestions: filters first, one exact scan, words, what to avoid, variety.

The parts of a score add up to it: picture + text + words + avoid.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.encode.encoder import Encoder
from core.encode.text import is_supported_language
from core.errors import NeedError
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.embeddings import Embeddings
from core.store.facets import check_fields
from core.store.index_files import VectorIndexes
from core.store.items import Items
from core.store.vectors import VectorIndex
from core.store.words import WordHits, Words
from core.suggest.calibration import (
    Calibration,
    calibrate,
    load_calibration,
    save_calibration,
    take_sample,
)
from core.suggest.need import Need
from core.suggest.query import PART_WEIGHTS, Query, build_query, embed_need
from core.suggest.ranking import Ranked, merge_ranked
from core.suggest.results import PARTS, Suggestion, Suggestions
from core.suggest.variety import to_unit
from core.suggest.words import join_words, search_words

#: Candidates that are kept for paging, words, things to avoid and variety.
CANDIDATES = 480
#: An item whose own words name what is to be avoided loses this much.
AVOID_WORD_PENALTY = 4.0


class Suggester:
    """Answers needs over the catalogues of one data folder; thread-safe.

    Args:
        database: The system of record.
        indexes: Its vector indexes.
        calibrations: Folder in which calibrations are kept.
        encoder: Loads (or returns) the encoder of a catalogue's needs.
    """

    def __init__(
        self, database: Database, indexes: VectorIndexes, calibrations: Path, encoder: Callable[[Catalog], Encoder]
    ) -> None:
        self._database = database
        self._indexes = indexes
        self._folder = calibrations
        self._encoder = encoder
        self._calibrations: dict[tuple[int, str], tuple[int, Calibration]] = {}
        self._lock = threading.Lock()
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
        ranked = [self.find_candidates(catalog, need) for catalog in catalogs if catalog.items]
        order = merge_ranked(ranked, need, offset + limit)
        page = self._fetch(ranked, order[offset : offset + limit], offset, need.match)
        return Suggestions(
            page=page,
            ranked=len(order),
            candidates=sum(one.passed for one in ranked),
            milliseconds=(time.perf_counter() - start) * 1000,
            models=tuple(dict.fromkeys(catalog.backbone for catalog in catalogs if catalog.items)),
            notes=self._notes(need, catalogs),
        )

    def rank(self, catalog: Catalog, need: Need) -> list[int]:
        """Database ids of one catalogue's candidates in the order that `suggest` shows them.

        Args:
            catalog: Its `version` may be one that does not serve yet, once its vectors are stored.
            need: What is wanted; its catalogues do not count.
        """
        ranked = self.find_candidates(catalog, need)
        return [int(ranked.ids[at]) for _, at in merge_ranked([ranked], need, CANDIDATES)]

    def prepare(self, catalog: Catalog) -> None:
        """Write the catalogue's index and calibration, so that its first need is answered at once."""
        encoder = self._encoder(catalog)
        self._calibration(catalog, self._index(catalog, encoder, save=True), encoder)

    def index(self, catalog: Catalog) -> VectorIndex:
        """The catalogue's vectors under the model that serves it."""
        return self._index(catalog, self._encoder(catalog))

    def calibration(self, catalog: Catalog) -> Calibration:
        """How the catalogue's cosines become scores."""
        return self._calibration(catalog, self._index(catalog, found := self._encoder(catalog)), found)

    def _index(self, catalog: Catalog, encoder: Encoder, *, save: bool = False) -> VectorIndex:
        served = catalog.served_version(encoder.model_version)
        base = encoder.model_version if catalog.version else ""
        read = self._indexes.save if save else self._indexes.get
        return read(catalog, served, encoder.dimension, base=base)

    def _chosen(self, need: Need) -> list[Catalog]:
        repository = Catalogs(self._database)
        names = list(need.catalogs)
        if need.like is not None and not names:
            names = [need.like[0]]
        return [repository.find(name) for name in names] if names else list(repository.list())

    def _notes(self, need: Need, catalogs: Sequence[Catalog]) -> tuple[str, ...]:
        filled = [one for one in catalogs if one.items]
        foreign = [one for one in filled if not is_supported_language(need.text, self._encoder(one).languages)]
        if not need.text or not foreign:
            return ()
        return (
            f"The image-text model “{foreign[0].backbone}” does not read the language of this need: trust exact words "
            "alone, for all else is a guess. Under Catalogues, “Switch model” to “multilingual” reads many languages.",
        )

    def find_candidates(self, catalog: Catalog, need: Need, *, also: int | None = None) -> Ranked:
        """The candidates of one catalogue with the parts of their scores.

        Args:
            catalog: Where to look.
            need: What is wanted; its catalogues do not count.
            also: Database id of an item that is scored even where it is no candidate.
        """
        encoder = self._encoder(catalog)
        index = self._index(catalog, encoder)
        words = self._words.submit(search_words, self._database, catalog.id, need.text)
        allowed = Items(self._database).select(catalog.id, need.filters) if need.filters else None
        calibration = self._calibration(catalog, index, encoder)
        like, like_id = self._like(need, index)
        query = build_query(need, embed_need(need, encoder, like), index, calibration)
        ids = index.search(query.vector, CANDIDATES, allowed=allowed).ids
        ids = join_words(ids, words.result(), allowed, index, like_id)
        if also is not None and also not in ids and index.contains(np.array([also])).all():
            ids = np.append(ids, also)
        rows, _ = index.rows(ids)
        return Ranked(
            catalog=catalog,
            calibration=calibration,
            query=query,
            index=index,
            ids=ids,
            parts=self._parts(query, ids, rows, words.result(), need),
            embeddings=to_unit(rows.reshape(len(ids), 2 * index.dimension)),
            passed=len(index) if allowed is None else len(allowed),
        )

    def _parts(
        self, query: Query, ids: NDArray[np.int64], rows: NDArray[np.float32], words: WordHits, need: Need
    ) -> NDArray[np.float32]:
        avoid = query.avoided(rows)
        for phrase in need.avoid:
            holding = Words(self._database).holding(ids.tolist(), phrase)
            avoid = avoid + AVOID_WORD_PENALTY * np.array([number in holding for number in ids.tolist()], np.float32)
        by_word = dict(zip(words.ids.tolist(), words.scores.tolist(), strict=True))
        word_part = np.array([by_word.get(number, 0.0) for number in ids.tolist()], np.float32)
        if need.match == "picture":
            word_part[:] = 0
        return np.column_stack([query.parts(rows), word_part, -avoid]).astype(np.float32)

    def _like(self, need: Need, index: VectorIndex) -> tuple[NDArray[np.float32] | None, int | None]:
        if need.like is None:
            return None, None
        name, item_id = need.like
        stored = Items(self._database).find(Catalogs(self._database).find(name).id, item_id)
        if stored is None:
            raise NeedError(f"The item “{item_id}” is no longer in “{name}”. Start from another item or a need.")
        if not index.contains(np.array([stored.id])).all():
            raise NeedError("Items like this one can be found in its own catalogue only. Choose that catalogue.")
        rows, _ = index.rows(np.array([stored.id]))
        return rows[0], stored.id

    def _calibration(self, catalog: Catalog, index: VectorIndex, encoder: Encoder) -> Calibration:
        """Measured anew when what it was measured on has changed, whoever changed it."""
        served = catalog.served_version(encoder.model_version)
        key = (catalog.id, served)
        with self._lock:
            revision, known = self._calibrations.get(key, (-1, None))
            if known is not None and revision == index.revision:
                return known
            path = self._folder / f"{catalog.id}-{Embeddings(self._database).model_number(served)}.calibration.json"
            sample = take_sample(Items(self._database), index, served, PART_WEIGHTS)
            known = known or load_calibration(path)
            if known is None or known.fingerprint != sample.fingerprint:
                known = calibrate(sample, encoder, PART_WEIGHTS)
                save_calibration(known, path)
            self._calibrations[key] = (index.revision, known)
            return known

    def _fetch(
        self, ranked: list[Ranked], order: list[tuple[int, int]], offset: int, match: str
    ) -> tuple[Suggestion, ...]:
        stored = Items(self._database).fetch([int(ranked[at].ids[position]) for at, position in order])
        by_id = {one.id: one for one in stored}
        page = []
        for rank, (at, position) in enumerate(order, start=offset + 1):
            one = ranked[at]
            item = by_id.get(int(one.ids[position]))
            if item is None:
                continue
            parts = dict(zip(PARTS, one.parts[position].tolist(), strict=True))
            score = sum(parts.values())
            page.append(
                Suggestion(
                    rank=rank,
                    catalog=one.catalog.name,
                    stored=item,
                    score=score,
                    strength=one.calibration.strength(score, match),
                    parts=parts,
                )
            )
        return tuple(page)
