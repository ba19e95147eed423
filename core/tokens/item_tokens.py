"""Items as token sequences and joint embeddings: what the fusion model reads.

With frozen towers these never change, so they are extracted once and kept on disk.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.device import DeviceChoice, choose_device
from core.encode.pictures import Pixels, open_picture, prepare
from core.encode.text import clean_text, item_text
from core.encode.towers import Towers
from core.errors import PictureError
from core.progress import Progress
from core.store.items import StoredItem
from core.tokens.token_runtime import TokenRuntime

#: Cells on a side of the pooled feature map.
PICTURE_GRID = 3
#: Tokens kept of each segment of the text, in order.
TEXT_SEGMENTS: Mapping[str, int] = {"title": 8, "description": 16, "attributes": 8}
#: Raise it when the same item gives other tokens.
TOKENS_VERSION = 3
_NAMES = "modalities.json"
#: The modalities whose vectors lie in one space.
PAIR = ("picture", "text")
_PICTURE_BATCH = 16
_TEXT_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ModalityTokens:
    """One modality of N items.

    Attributes:
        tokens: (N, T, W); rows of items without it are zero.
        mask: Which tokens hold anything, (N, T).
        joint: Unit-norm, zero for items without it, (N, D); D may differ between modalities.
    """

    tokens: NDArray[np.float16]
    mask: NDArray[np.bool_]
    joint: NDArray[np.float32]

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which items have it, (N,)."""
        return np.asarray(self.mask.any(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTokens:
    """N items, in catalogue order.

    Attributes:
        modalities: Name to its tokens, in the order of `core.parts.PARTS`.
    """

    modalities: Mapping[str, ModalityTokens]

    def __len__(self) -> int:
        return len(next(iter(self.modalities.values())).mask)

    @property
    def dimension(self) -> int:
        """D of the longest joint embedding; those of other modalities count as if zeros followed."""
        return max(int(one.joint.shape[1]) for one in self.modalities.values())

    @property
    def paired(self) -> NDArray[np.bool_]:
        """Items that have both of `PAIR`, (N,): their pictures and texts can find each other."""
        both = [one.present for name, one in self.modalities.items() if name in PAIR]
        return np.asarray(np.stack(both).all(axis=0) if len(both) == len(PAIR) else np.zeros(len(self), bool))

    def join(self, rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float32]:
        """Joint embeddings of some items in the order of the modalities, (B, M, D)."""
        return np.stack([pad_vectors(one.joint[rows], self.dimension) for one in self.modalities.values()], axis=1)

    def take(self, rows: NDArray[np.int64]) -> "ItemTokens":
        """The items of these rows."""
        return ItemTokens(
            modalities={
                name: ModalityTokens(tokens=one.tokens[rows], mask=one.mask[rows], joint=one.joint[rows])
                for name, one in self.modalities.items()
            }
        )


def embed_texts(towers: Towers, texts: Sequence[str], *, choice: DeviceChoice | None = None) -> NDArray[np.float32]:
    """Joint embeddings of texts by towers as they stand now, unit-norm, zero for empty ones, (Q, D)."""
    runtime = TokenRuntime(towers, choice or choose_device(), grid=PICTURE_GRID, convert=False)
    joint, _, _ = _run_texts(runtime, texts, 1, "Reading texts", lambda *_: None)
    return joint


def save_tokens(tokens: ItemTokens, folder: Path) -> None:
    """Write one .npy file an array, so that a large catalogue can be read without filling the memory."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _NAMES).write_text(json.dumps(list(tokens.modalities)), encoding="utf-8")
    for name, one in tokens.modalities.items():
        for part in ("tokens", "mask", "joint"):
            np.save(folder / f"{name}-{part}.npy", getattr(one, part), allow_pickle=False)


def load_tokens(folder: Path) -> ItemTokens:
    """Read what `save_tokens` wrote; token arrays stay on disk until they are used.

    Raises:
        OSError: A file is missing.
        ValueError: A file is damaged.
    """

    def read(name: str, part: str) -> Any:
        return np.load(folder / f"{name}-{part}.npy", mmap_mode="r" if part == "tokens" else None, allow_pickle=False)

    return ItemTokens(
        modalities={
            name: ModalityTokens(tokens=read(name, "tokens"), mask=read(name, "mask"), joint=read(name, "joint"))
            for name in json.loads((folder / _NAMES).read_text(encoding="utf-8"))
        }
    )


def segment_texts(item: Item) -> dict[str, str]:
    """The texts of an item's segments: title, description, and the rest in one."""
    pairs = [f"{name} {', '.join(values)}" for name, values in item.attributes.items() if any(values)]
    rest = [*item.category, item.brand, ", ".join(item.tags), *pairs]
    return {
        "title": clean_text(item.title),
        "description": clean_text(item.description[:600]),
        "attributes": clean_text(". ".join(part for part in rest if part)[:400]),
    }


def extract_pictures(
    runtime: TokenRuntime, items: Sequence[StoredItem], find: Callable[[str], Path], progress: Progress
) -> ModalityTokens:
    """The cells of each item's first picture, and the unit mean of the vectors of all."""
    owners = [(row, find(picture)) for row, one in enumerate(items) for picture in one.usable_pictures]
    rows: list[tuple[int, Any, Any]] = []
    with ThreadPoolExecutor(max(1, os.cpu_count() or 1), thread_name_prefix="decode") as pool:
        for start in range(0, len(owners), _PICTURE_BATCH):
            batch = owners[start : start + _PICTURE_BATCH]
            pixels = list(pool.map(lambda path: read_pixels(runtime.towers, path), [path for _, path in batch]))
            read = [(row, found) for (row, _), found in zip(batch, pixels, strict=True) if found is not None]
            if read:
                joint, cells = runtime.read_pictures(np.stack([found for _, found in read]))
                rows.extend(zip([row for row, _ in read], joint, cells, strict=True))
            progress("Reading pictures", min(start + _PICTURE_BATCH, len(owners)), len(owners))
    shape = (len(items), PICTURE_GRID**2, rows[0][2].shape[-1] if rows else runtime.picture_width)
    return _gather(shape, runtime.towers.dimension, _join(rows))


def _join(rows: Sequence[tuple[int, Any, Any]]) -> list[tuple[int, Any, Any]]:
    """One row an item: the unit mean of its embeddings, and its first tokens."""
    found = []
    for number, group in groupby(rows, key=lambda one: one[0]):
        several = list(group)
        found.append((number, join_vectors([embedding for _, embedding, _ in several]), several[0][2]))
    return found


def pad_vectors(vectors: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """Vectors (N, d) with zeros up to a longer dimension, (N, D): no product of two of them changes."""
    return np.pad(vectors, ((0, 0), (0, dimension - vectors.shape[1]))) if vectors.shape[1] < dimension else vectors


def join_vectors(vectors: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """One vector of an item's several, such as those of its pictures: their unit mean, (D,), one alone as it is."""
    if len(vectors) == 1:
        return np.asarray(vectors[0], np.float32)
    mean = np.mean([one.astype(np.float32) for one in vectors], axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-6), np.float32)


def read_pixels(towers: Towers, path: Path | None) -> Pixels | None:
    """A picture as the tower wants it, (S, S, 3); None where there is none or it cannot be read."""
    if path is None:
        return None
    try:
        return prepare(open_picture(path, side=towers.preparation.side), towers.preparation)
    except PictureError:
        return None


def _gather(shape: tuple[int, int, int], dimension: int, rows: Sequence[tuple[int, Any, Any]]) -> ModalityTokens:
    """Row, joint embedding and tokens of those that have any, among tokens of a shape (N, T, W)."""
    tokens, mask = np.zeros(shape, np.float16), np.zeros(shape[:2], bool)
    joint = np.zeros((shape[0], dimension), np.float32)
    for row, embedding, found in rows:
        tokens[row], mask[row], joint[row] = found, True, embedding
    return ModalityTokens(tokens=tokens, mask=mask, joint=joint)


def extract_texts(
    runtime: TokenRuntime, items: Sequence[StoredItem], _find: Callable[[str], Path], progress: Progress
) -> ModalityTokens:
    """Tokens of each segment of the items' texts, and the vectors of the whole."""
    texts = [segment_texts(one.item) for one in items]
    parts = []
    for name, length in TEXT_SEGMENTS.items():
        _, tokens, mask = _run_texts(runtime, [text[name] for text in texts], length, f"Reading {name}", progress)
        parts.append((tokens, mask))
    joint, _, _ = _run_texts(runtime, [item_text(one.item) for one in items], 1, "Reading texts", progress)
    return ModalityTokens(
        tokens=np.concatenate([tokens for tokens, _ in parts], axis=1),
        mask=np.concatenate([mask for _, mask in parts], axis=1),
        joint=joint,
    )


def _run_texts(
    runtime: TokenRuntime, texts: Sequence[str], length: int, stage: str, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float16], NDArray[np.bool_]]:
    """Joint embeddings (N, D), pooled tokens (N, T, W) and their mask (N, T); empty texts stay zero."""
    # Short texts together: a tower's time is linear in the longest of a batch.
    order = sorted((row for row, text in enumerate(texts) if text), key=lambda row: len(texts[row]))
    rows: list[tuple[int, Any, Any]] = []
    filled = np.zeros((len(texts), length), bool)
    for start in range(0, len(order), _TEXT_BATCH):
        batch = order[start : start + _TEXT_BATCH]
        joint, hidden, words = runtime.read_texts([texts[row] for row in batch])
        tokens, mask = pool_groups(hidden, words, length)
        rows.extend(zip(batch, joint, tokens, strict=True))
        filled[batch] = mask
        progress(stage, min(start + _TEXT_BATCH, len(order)), len(order))
    shape = (len(texts), length, rows[0][2].shape[-1] if rows else runtime.text_width)
    found = _gather(shape, runtime.towers.dimension, rows)
    return found.joint, found.tokens, filled


def pool_groups(
    hidden: NDArray[np.float32], words: NDArray[np.bool_], groups: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Mean of consecutive words, so that a long text keeps all of its parts within few tokens.

    Args:
        hidden: (N, L, W).
        words: Which positions hold words; each row's words come first, (N, L).
        groups: Tokens to keep, G.

    Returns:
        Tokens (N, G, W), and which of them hold anything, (N, G); a short row keeps one token a word.
    """
    weights = group_weights(words, groups)
    pooled: NDArray[np.float32] = weights @ hidden
    return pooled, np.asarray(weights.any(axis=2))


def group_weights(words: NDArray[np.bool_], groups: int) -> NDArray[np.float32]:
    """How much each position counts in each group: words (N, L) to (N, G, L); rows of filled groups sum to 1."""
    counts = words.sum(axis=1, keepdims=True)  # (N, 1)
    place = np.arange(words.shape[1])
    share = np.where(counts > groups, place * groups // np.maximum(counts, 1), place)  # (N, L)
    members = (share[:, None] == np.arange(groups)[None, :, None]) & words[:, None]  # (N, G, L)
    weights: NDArray[np.float32] = (members / np.maximum(members.sum(axis=2, keepdims=True), 1)).astype(np.float32)
    return weights
