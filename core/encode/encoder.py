"""Texts and pictures to embeddings: the one object that the other rooms encode with."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from core.encode.pictures import Pixels, Preparation, on_white, open_picture, prepare
from core.encode.runtime import EmbeddingArray, Runtime
from core.encode.text import clean_text
from core.encode.tokens import Tokenizer, count_tokens, trim_padding
from core.errors import PictureError

_TOKENISED_AT_ONCE = 4096
#: Batches that are decoded ahead of the tower.
_BATCHES_AHEAD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureEmbeddings:
    """Embeddings of picture files, and what could not be read.

    Attributes:
        embeddings: (N, D), unit-norm; all zero where the file could not be read.
        failures: Place in the request, 0 to N - 1, to one sentence.
    """

    embeddings: EmbeddingArray
    failures: Mapping[int, str]


class Encoder(Protocol):
    """Encodes needs, item texts and pictures into one space.

    Attributes:
        backbone: Name, as `find_backbone` takes it.
        model_version: Embeddings of equal versions may be compared; the same on every runtime.
        dimension: D.
        languages: ISO 639-1 codes of needs that are understood; {"en"} for English alone.
        logit_scale: Factor of cosines before a softmax, as trained.
        runtime: "openvino" or "torch".
        runtime_reason: One sentence: why this runtime.
    """

    backbone: str
    model_version: str
    dimension: int
    languages: frozenset[str]
    logit_scale: float
    runtime: str
    runtime_reason: str

    def encode_texts(self, texts: Sequence[str]) -> EmbeddingArray:
        """Encode texts to (N, D), unit-norm."""

    def encode_pictures(self, paths: Sequence[Path]) -> PictureEmbeddings:
        """Encode picture files."""

    def encode_images(self, images: Sequence[Image.Image]) -> EmbeddingArray:
        """Encode decoded pictures to (N, D), unit-norm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderFacts:
    """What an encoder says about itself; fields as in `Encoder`."""

    backbone: str
    model_version: str
    dimension: int
    languages: frozenset[str]
    logit_scale: float


class TowerEncoder:
    """An `Encoder` over any runtime. May be shared among threads: the runtime locks each batch."""

    def __init__(
        self,
        facts: EncoderFacts,
        runtime: Runtime,
        tokenizer: Tokenizer,
        preparation: Preparation,
        *,
        trims: bool,
    ) -> None:
        self.backbone = facts.backbone
        self.model_version = facts.model_version
        self.dimension = facts.dimension
        self.languages = facts.languages
        self.logit_scale = facts.logit_scale
        self.runtime = runtime.name
        self.runtime_reason = runtime.reason
        self.preparation = preparation
        self._runtime = runtime
        self._tokenizer = tokenizer
        self._trims = trims

    def encode_texts(self, texts: Sequence[str]) -> EmbeddingArray:
        """Encode needs or item texts.

        Args:
            texts: N strings, any content; longer than the tower's context are cut. "" has an embedding, and it says
                nothing: leave such items out.

        Returns:
            (N, D), unit-norm, in the order of the texts.
        """
        embeddings = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _TOKENISED_AT_ONCE):
            chunk = [clean_text(text) for text in texts[start : start + _TOKENISED_AT_ONCE]]
            embeddings[start : start + len(chunk)] = self._encode_chunk(chunk)
        return embeddings

    def encode_pictures(self, paths: Sequence[Path]) -> PictureEmbeddings:
        """Encode files; decoding runs in threads beside the tower.

        Args:
            paths: N files.

        Returns:
            Embeddings in the order of the paths, and the failures.
        """
        embeddings = np.zeros((len(paths), self.dimension), dtype=np.float32)
        failures: dict[int, str] = {}
        with ThreadPoolExecutor(max(1, os.cpu_count() or 1), thread_name_prefix="decode") as pool:
            for start, batch in self._decode_batches(paths, pool):
                read = {start + place: found for place, found in enumerate(batch) if not isinstance(found, str)}
                failures |= {start + place: found for place, found in enumerate(batch) if isinstance(found, str)}
                if read:
                    embeddings[list(read)] = self._runtime.encode_pixels(np.stack(list(read.values())))
        return PictureEmbeddings(embeddings=embeddings, failures=failures)

    def encode_images(self, images: Sequence[Image.Image]) -> EmbeddingArray:
        """Encode pictures that are decoded already, e.g. one that was pasted.

        Args:
            images: N pictures of any mode.

        Returns:
            (N, D), unit-norm.
        """
        if not images:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return self._runtime.encode_pixels(np.stack([prepare(on_white(image), self.preparation) for image in images]))

    def _encode_chunk(self, texts: list[str]) -> EmbeddingArray:
        """Sort by length, so that a short need is not padded to a long description."""
        tokens = self._tokenizer(texts)
        embeddings = np.empty((len(texts), self.dimension), dtype=np.float32)
        order = np.argsort(count_tokens(tokens, self._tokenizer.pad_id), kind="stable")
        for start in range(0, len(order), self._runtime.text_batch):
            rows = order[start : start + self._runtime.text_batch]
            batch = trim_padding(tokens[rows], self._tokenizer.pad_id) if self._trims else tokens[rows]
            embeddings[rows] = self._runtime.encode_tokens(batch)
        return embeddings

    def _decode_batches(
        self, paths: Sequence[Path], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[int, list[Pixels | str]]]:
        """Batches of pixels or sentences of failure, decoded a little ahead and no further: memory stays flat."""
        size = self._runtime.picture_batch
        waiting: list[tuple[int, list[Future[Pixels | str]]]] = []
        for start in range(0, len(paths), size):
            waiting.append((start, [pool.submit(self._decode, path) for path in paths[start : start + size]]))
            if len(waiting) > _BATCHES_AHEAD:
                begun, futures = waiting.pop(0)
                yield begun, [future.result() for future in futures]
        for begun, futures in waiting:
            yield begun, [future.result() for future in futures]

    def _decode(self, path: Path) -> Pixels | str:
        try:
            return prepare(open_picture(path, side=self.preparation.side), self.preparation)
        except PictureError as exc:
            return str(exc)
