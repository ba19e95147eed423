"""Scores that mean the same in every catalogue.

Cosines depend on the backbone (a matched text-picture pair of the embedded model has 0.19, of another 0.3) and on how
alike a catalogue's items are. A sample of the catalogue's own titles is used as needs: how far their scores spread
over all sampled items gives the unit of a score, and how the true item scores gives "Strong" and "Good".
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.encode.encoder import Encoder
from core.files import written_whole
from core.store.database import Database
from core.store.vectors import VectorIndex

Strength = Literal["Strong", "Good", "Weak"]
SAMPLE = 200
_SEED = 20_240
_DEFAULT_SPREAD = 0.08
#: Strong: what three titles in four reach with their own item. Good: what one in a hundred reaches with a wrong one.
_STRONG_QUANTILE = 0.25
_GOOD_NULL_QUANTILE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How cosines of one catalogue under one model become scores.

    Attributes:
        text_to_picture: Standard deviation of a text need's cosine over pictures.
        text_to_text: The same over texts.
        picture_to_picture: Standard deviation of a picture need's cosine over pictures.
        picture_to_text: The same over texts.
        strong: Per match mode, the score from which a suggestion is called strong.
        good: Per match mode, the score from which it is called good.
        items: Number of items when it was measured.
        weights: What the scores were made with; another choice asks for a new measurement.
    """

    text_to_picture: float = _DEFAULT_SPREAD
    text_to_text: float = _DEFAULT_SPREAD
    picture_to_picture: float = _DEFAULT_SPREAD
    picture_to_text: float = _DEFAULT_SPREAD
    strong: Mapping[str, float]
    good: Mapping[str, float]
    items: int
    weights: str

    def strength(self, score: float, match: str) -> Strength:
        """The word for a score."""
        if score >= self.strong[match]:
            return "Strong"
        return "Good" if score >= self.good[match] else "Weak"


def calibrate(
    database: Database, index: VectorIndex, encoder: Encoder, weights: Mapping[str, tuple[float, float]]
) -> Calibration:
    """Measure a catalogue.

    Args:
        database: Holds the titles.
        index: The catalogue's index under the encoder.
        encoder: Encodes the titles.
        weights: Per match mode, the weights of the picture and of the text part.
    """
    ids = index.ids
    if len(ids) > SAMPLE:
        ids = np.sort(np.random.default_rng(_SEED).choice(ids, SAMPLE, replace=False))
    if len(ids) < 2:
        return Calibration(
            strong=dict.fromkeys(weights, 3.0),
            good=dict.fromkeys(weights, 1.5),
            items=len(ids),
            weights=name_weights(weights),
        )
    parts, has = index.rows(ids)
    titles = _titles(database, ids)
    needs = encoder.encode_texts([titles[number] for number in ids.tolist()])
    spreads = {
        "text_to_picture": _spread(needs, parts[:, 0], has[:, 0]),
        "text_to_text": _spread(needs, parts[:, 1], has[:, 1]),
        "picture_to_picture": _spread(parts[has[:, 0], 0], parts[:, 0], has[:, 0]),
        "picture_to_text": _spread(parts[has[:, 0], 0], parts[:, 1], has[:, 1]),
    }
    strong, good = {}, {}
    for mode, (picture, text) in weights.items():
        score = picture * _standard(needs, parts[:, 0], index.means[0], spreads["text_to_picture"])
        score += text * _standard(needs, parts[:, 1], index.means[1], spreads["text_to_text"])
        own = np.diag(score)
        others = score[~np.eye(len(score), dtype=bool)]
        good[mode] = float(np.quantile(others, _GOOD_NULL_QUANTILE))
        strong[mode] = max(float(np.quantile(own, _STRONG_QUANTILE)), good[mode])
    return Calibration(**spreads, strong=strong, good=good, items=len(index), weights=name_weights(weights))


def name_weights(weights: Mapping[str, tuple[float, float]]) -> str:
    """The weights as a text to compare."""
    return " ".join(f"{mode}:{picture}/{text}" for mode, (picture, text) in sorted(weights.items()))


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


def _titles(database: Database, ids: NDArray[np.int64]) -> dict[int, str]:
    marks = ", ".join("?" for _ in ids)
    rows = database.connection.execute(f"SELECT id, title FROM items WHERE id IN ({marks})", ids.tolist())
    titles = {row["id"]: row["title"] for row in rows}
    return {number: titles.get(number, "") for number in ids.tolist()}


def _spread(needs: NDArray[np.float32], part: NDArray[np.float32], has: NDArray[np.bool_]) -> float:
    """Standard deviation of the cosine over items, averaged over needs."""
    if has.sum() < 2 or not len(needs):
        return _DEFAULT_SPREAD
    return max(float(np.mean(np.std(needs @ part[has].T, axis=1))), 1e-3)


def _standard(
    needs: NDArray[np.float32], part: NDArray[np.float32], mean: NDArray[np.float32], spread: float
) -> NDArray[np.float32]:
    standard = (needs @ part.T - (needs @ mean)[:, None]) / spread
    return standard.astype(np.float32)
