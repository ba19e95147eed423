"""Texts to token arrays, without torch for the embedded model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]

#: Lengths are rounded up to a multiple: a runtime prepares itself anew for each length that it sees.
LENGTH_STEP = 4


class Tokenizer(Protocol):
    """Turns texts into the tokens of one text tower.

    Attributes:
        context_length: Tokens that the tower reads at most.
        pad_id: Token that fills a row up.
    """

    context_length: int
    pad_id: int

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Tokens (N, L) of cleaned texts, L at most `context_length`."""


class WordPieceTokenizer:
    """The embedded model's tokenizer, read straight from its folder."""

    def __init__(self, folder: Path, *, context_length: int) -> None:
        from tokenizers import Tokenizer as FastTokenizer

        self.context_length = context_length
        self._fast = FastTokenizer.from_file(str(folder / "tokenizer.json"))
        self._fast.enable_truncation(context_length)
        self._fast.no_padding()
        pad = self._fast.token_to_id("[PAD]")
        self.pad_id = 0 if pad is None else int(pad)

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Tokens (N, L), L as long as the longest text."""
        rows = [encoding.ids for encoding in self._fast.encode_batch_fast(list(texts))]
        tokens = np.full((len(rows), max(map(len, rows), default=1)), self.pad_id, dtype=np.int64)
        for row, ids in enumerate(rows):
            tokens[row, : len(ids)] = ids
        return tokens


class OpenClipTokenizer:
    """Any tokenizer of open_clip; it always pads to the full context."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.context_length = int(tokenizer.context_length)
        pad = getattr(getattr(tokenizer, "tokenizer", None), "pad_token_id", 0)
        self.pad_id = 0 if pad is None else int(pad)

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Tokens (N, context_length)."""
        tokens: Tokens = np.asarray(self._tokenizer(list(texts)), dtype=np.int64)
        return tokens


def count_tokens(tokens: Tokens, pad_id: int) -> NDArray[np.int64]:
    """Length of each row up to its last token that is no padding; at least 1."""
    filled = tokens != pad_id
    last = tokens.shape[1] - np.argmax(filled[:, ::-1], axis=1)
    return np.where(filled.any(axis=1), last, 1).astype(np.int64)


def trim_padding(tokens: Tokens, pad_id: int, *, step: int = LENGTH_STEP) -> Tokens:
    """Drop columns that are padding in every row, up to a multiple of `step`."""
    longest = int(count_tokens(tokens, pad_id).max(initial=1))
    length = min(-(-longest // step) * step, max(tokens.shape[1], 1))
    return np.ascontiguousarray(tokens[:, :length])
