"""Items as bags of words: what closed-form models read where an embedding says too little, such as names of actors."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.encode.text import clean_text

if TYPE_CHECKING:
    from scipy import sparse  # type: ignore[import-untyped]

#: A word that fewer items share says nothing about others.
_LEAST_ITEMS = 3
#: Width of the folded space.
_FOLDED = 128
_WORD = re.compile(r"\w+")


def list_words(item: Item) -> list[str]:
    """Words of title and description, and each tag, category, brand and attribute as one mark of its field."""
    marks = [
        *(f"tag={tag}" for tag in item.tags),
        *(f"category={name}" for name in item.category),
        *(f"{name}={value}" for name, values in item.attributes.items() for value in values),
        *([f"brand={item.brand}"] if item.brand else []),
    ]
    text = clean_text(f"{item.title} {item.description}").casefold()
    return [*_WORD.findall(text), *(mark.casefold() for mark in marks)]


def count_words(items: Sequence[Item]) -> "sparse.csr_matrix":
    """TF-IDF rows with sublinear counts, unit-norm, (N, V); V is 0 where items share too few words."""
    return _fit_counter(items)[1]


def fold_words(words: "sparse.csr_matrix") -> NDArray[np.float32]:
    """Latent semantic analysis of rows (N, V): unit-norm (N, E), zero for items without words; E may be 0.

    Source: Deerwester et al. 1990, "Indexing by latent semantic analysis".
    """
    folding = _build_folding(words)
    return np.zeros((words.shape[0], 0), np.float32) if folding is None else _unit(folding.fit_transform(words))


class WordFolder:
    """Folds the words of items that are not in a catalogue as `fold_words` folds those that are.

    Args:
        items: Of the catalogue.
        width: Of the folded space; versions of an earlier release have another.
    """

    def __init__(self, items: Sequence[Item], width: int = _FOLDED) -> None:
        self._counter, words = _fit_counter(items)
        self._folding = _build_folding(words, width)
        if self._folding is not None:
            self._folding.fit(words)

    def fold(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Unit-norm (M, E), zero for items without words of the catalogue; E may be 0."""
        if self._folding is None:
            return np.zeros((len(items), 0), np.float32)
        return _unit(self._folding.transform(self._counter.transform(items)))


def _fit_counter(items: Sequence[Item]) -> "tuple[Any, sparse.csr_matrix]":
    """A fitted counter of words and its rows, (N, V)."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

    counter = TfidfVectorizer(analyzer=list_words, min_df=_LEAST_ITEMS, sublinear_tf=True, dtype=np.float32)
    try:
        return counter, sparse.csr_matrix(counter.fit_transform(items))
    except ValueError:  # no word is shared by enough items
        return counter, sparse.csr_matrix((len(items), 0), dtype=np.float32)


def _build_folding(words: "sparse.csr_matrix", width: int = _FOLDED) -> Any:
    """A folding for rows (N, V), not fitted yet; None where there is too little to fold."""
    from sklearn.decomposition import TruncatedSVD  # type: ignore[import-untyped]

    width = min(width, words.shape[0] - 1, words.shape[1] - 1)
    return None if width < 2 else TruncatedSVD(width, random_state=0)


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 1e-6)
    return np.asarray(unit, np.float32)
