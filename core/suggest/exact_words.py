"""Exact words and codes of a need, on the scale of the calibrated score."""

import re

import numpy as np
from numpy.typing import NDArray

from core.catalog.codes import find_codes, normalise_code
from core.serving.calibration import WORD_WEIGHT
from core.serving.vectors import VectorIndex
from core.store.word_index import WordHits, Words

WORD_CANDIDATES = 100
#: Weight of the best match of a code: any from 2.0 brings it first, and this one makes it a strong match as well.
CODE_WEIGHT = 6.0
#: A code or model number: letters and digits together, or four digits and more. "Under 50" is none.
_CODE = re.compile(r"(?=\S*\d)(?:\S*[^\W\d_]\S*|\S*\d{4,}\S*)")


def search_words(words: Words, catalog_id: int, text: str) -> WordHits:
    """Items that hold words or codes of the need.

    The best match of its words gets the whole weight of words, and every item that has one of its codes that of codes.
    A code that no item has is looked for in the texts, its parts side by side.

    Args:
        words: Of the data folder.
        catalog_id: Where to look.
        text: The need.

    Returns:
        Hits with scores of at least 0, in no order.
    """
    coded = words.find_codes(catalog_id, find_codes(text))
    known = frozenset().union(*coded.values())
    # Who types FP-22/B does not ask for FP-22.
    whole = {code for code in known if not any(code in other for other in known - {code})}
    scores = {number: CODE_WEIGHT for number, codes in coded.items() if codes & whole}
    others = [code for code in _CODE.findall(text) if normalise_code(code) not in known]
    for hits, weight in (
        (words.search(catalog_id, text, WORD_CANDIDATES), WORD_WEIGHT),
        (words.search_phrases(catalog_id, others, WORD_CANDIDATES), CODE_WEIGHT),
    ):
        if not len(hits.ids):
            continue
        best = max(float(hits.scores[0]), 1e-6)
        for number, score in zip(hits.ids.tolist(), hits.scores.tolist(), strict=True):
            scores[number] = scores.get(number, 0.0) + weight * max(score, 0.0) / best
    return WordHits(ids=np.array(list(scores), np.int64), scores=np.array(list(scores.values()), np.float32))


def join_words(
    ids: NDArray[np.int64],
    words: WordHits,
    allowed: NDArray[np.int64] | None,
    index: VectorIndex,
    exclude: int | None,
) -> NDArray[np.int64]:
    """Candidates of the scan, then those that only words found."""
    extra = words.ids[~np.isin(words.ids, ids)]
    if allowed is not None:
        extra = extra[np.isin(extra, allowed)]
    joined = np.concatenate([ids, extra[index.contains(extra)] if len(extra) else extra])
    return joined if exclude is None else joined[joined != exclude]
