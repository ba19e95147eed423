"""Scores that mean the same in every catalogue.

Cosines depend on the backbone (a matched text-picture pair of the embedded model has 0.19, of another 0.3) and on how
alike a catalogue's items are. A sample of the catalogue's own titles is used as needs: how far their scores spread
over the other sampled items gives the unit of a score, and how the true item scores gives "Strong" and "Good".

Nothing but the sample counts, and it is the same however the catalogue came to be what it is: whoever measures, and
whenever, finds the same.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.encode.encoder import Encoder
from core.files import written_whole
from core.serving.vectors import VectorIndex
from core.store.items import Items

Strength = Literal["Strong", "Good", "Weak"]
Weights = Mapping[str, tuple[float, float]]
#: Weights of the picture and of the text part per match mode; the best on validation (`benchmarks/retrieval.py`), for
#: the embedded model, whose text tower is far stronger than its picture tower.
PART_WEIGHTS: Weights = {"both": (0.1, 0.9), "picture": (1.0, 0.0), "text": (0.0, 1.0)}
#: The same for a need that is a picture: pictures compare better with pictures than with texts.
PICTURE_NEED_WEIGHTS: Weights = {**PART_WEIGHTS, "both": (0.85, 0.15)}
SAMPLE = 200
_DEFAULT_SPREAD = 0.08
#: Raise it when the same sample gives another calibration.
_VERSION = 2
#: Strong: what three titles in four reach with their own item. Good: what one in a hundred reaches with a wrong one.
_STRONG_QUANTILE = 0.25
_GOOD_NULL_QUANTILE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How cosines of one catalogue under one model become scores.

    Attributes:
        weights: Per match mode, the weights of the picture and of the text part for a need in words.
        picture_need_weights: The same for a need that is a picture.
        text_to_picture: Standard deviation of a text need's cosine over pictures.
        text_to_text: The same over texts.
        picture_to_picture: Standard deviation of a picture need's cosine over pictures.
        picture_to_text: The same over texts.
        strong: Per match mode, the score from which a suggestion is called strong.
        good: Per match mode, the score from which it is called good.
        fingerprint: Of all that it was measured on; see `Sample`.
    """

    weights: Weights
    picture_need_weights: Weights
    text_to_picture: float = _DEFAULT_SPREAD
    text_to_text: float = _DEFAULT_SPREAD
    picture_to_picture: float = _DEFAULT_SPREAD
    picture_to_text: float = _DEFAULT_SPREAD
    strong: Mapping[str, float]
    good: Mapping[str, float]
    fingerprint: str

    def strength(self, score: float, match: str) -> Strength:
        """The word for a score."""
        if score >= self.strong[match]:
            return "Strong"
        return "Good" if score >= self.good[match] else "Weak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a catalogue is measured on.

    Attributes:
        titles: Used as needs, (S,).
        parts: Picture and text embeddings, (S, 2, D).
        has: Which parts there are, (S, 2).
        fingerprint: Of all this, of the model and of the weights.
    """

    titles: tuple[str, ...]
    parts: NDArray[np.float32]
    has: NDArray[np.bool_]
    fingerprint: str


def take_sample(items: Items, index: VectorIndex, model_version: str) -> Sample:
    """The items of a catalogue that it is measured on: those whose ids come first by their hash.

    Args:
        items: Of the data folder.
        index: The catalogue's index under the model.
        model_version: What made its vectors.
    """
    ids = index.sample(SAMPLE)
    parts, has = index.rows(ids)
    parts = np.where(has[:, :, None], parts, 0)  # what stands for a missing part is not the sample's
    known = items.titles(ids.tolist())
    titles = tuple(known.get(number, "") for number in ids.tolist())
    digest = hashlib.sha256(json.dumps([_VERSION, model_version, sorted(PART_WEIGHTS.items()), titles]).encode())
    digest.update(has.tobytes())
    digest.update(parts.astype(np.float16).tobytes())
    return Sample(titles=titles, parts=parts, has=has, fingerprint=digest.hexdigest())


def calibrate(sample: Sample, encoder: Encoder) -> Calibration:
    """Measure a catalogue.

    Args:
        sample: Of its items.
        encoder: Encodes the titles.
    """
    weights: Any = {"weights": PART_WEIGHTS, "picture_need_weights": PICTURE_NEED_WEIGHTS}
    if len(sample.titles) < 2:
        strong, good = dict.fromkeys(PART_WEIGHTS, 3.0), dict.fromkeys(PART_WEIGHTS, 1.5)
        return Calibration(**weights, strong=strong, good=good, fingerprint=sample.fingerprint)
    needs = encoder.encode_texts(sample.titles)
    shown = np.where(sample.has[:, :1], sample.parts[:, 0], np.nan)  # needs that are the items' own pictures
    likeness = {
        "text_to_picture": _compare(needs, sample, 0),
        "text_to_text": _compare(needs, sample, 1),
        "picture_to_picture": _compare(shown, sample, 0),
        "picture_to_text": _compare(shown, sample, 1),
    }
    spreads: Any = {name: _spread(one) for name, one in likeness.items()}
    strong, good = {}, {}
    for mode, (picture, text) in PART_WEIGHTS.items():
        score = picture * _standard(likeness["text_to_picture"], spreads["text_to_picture"])
        score = score + text * _standard(likeness["text_to_text"], spreads["text_to_text"])
        own = np.diag(score)
        others = score[~np.eye(len(score), dtype=bool)]
        good[mode] = float(np.quantile(others, _GOOD_NULL_QUANTILE))
        strong[mode] = max(float(np.quantile(own, _STRONG_QUANTILE)), good[mode])
    return Calibration(**weights, **spreads, strong=strong, good=good, fingerprint=sample.fingerprint)


def save_calibration(calibration: Calibration, path: Path) -> None:
    """Write it beside its index."""
    with written_whole(path, flush=False) as temporary:
        temporary.write_text(json.dumps(asdict(calibration)), encoding="utf-8")


def load_calibration(path: Path) -> Calibration | None:
    """Read it; None when it is missing or unreadable, since it can be measured again."""
    try:
        return Calibration(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _compare(needs: NDArray[np.float32], sample: Sample, part: int) -> NDArray[np.float32]:
    """Cosines of needs (S, D) with one part of the sample, NaN where a need or a part is missing, (S, S)."""
    cosines: NDArray[np.float32] = needs @ sample.parts[:, part].T
    return np.where(sample.has[None, :, part], cosines, np.nan)


def _spread(likeness: NDArray[np.float32]) -> float:
    """Standard deviation of what a need finds in items other than its own, averaged over needs."""
    others = np.where(np.eye(len(likeness), dtype=bool), np.nan, likeness)
    rows = others[(~np.isnan(others)).sum(axis=1) > 1]
    return max(float(np.mean(np.nanstd(rows, axis=1))), 1e-3) if len(rows) else _DEFAULT_SPREAD


def _standard(likeness: NDArray[np.float32], spread: float) -> NDArray[np.float32]:
    """How far above the average item each item is, in units of the spread; 0 for a missing part, (S, S)."""
    known = ~np.isnan(likeness)
    mean = np.where(known, likeness, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.where(known, (likeness - mean[:, None]) / spread, 0), np.float32)
