"""Texts as sparse word matrices."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

#: Runs of letters and digits. A language written without spaces gives whole phrases, which seldom meet again.
WORD = r"(?u)\b\w+\b"


def count_words(texts: Sequence[str]) -> "csr_array":
    """Occurrences of each word, lower case, (N, V), float32; V is 0 when there is no word at all."""
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer  # type: ignore[import-untyped]

    if not has_words(texts):
        return csr_array((len(texts), 0), dtype="float32")
    return csr_array(CountVectorizer(token_pattern=WORD, dtype="float32").fit_transform(texts))


def has_words(texts: Sequence[str]) -> bool:
    """Whether any text has a word; scikit-learn refuses an empty vocabulary."""
    return any(re.search(r"\w", text) for text in texts)
