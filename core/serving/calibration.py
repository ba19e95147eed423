"""Scores that mean the same in every catalogue, and what each part is worth in it.

Cosines depend on the model (a matched text-picture pair of the embedded model has 0.19, of another 0.3) and on how
alike a catalogue's items are. A sample of the catalogue's own items is asked for: by their titles, by their pictures,
and by all that they are. How far a kind of need spreads over the other sampled items gives the unit of its scores, how
far above them it puts the right item gives the weights of the parts, and what it says of right and of wrong items
gives "Strong" and "Good".

Nothing but the sample counts, and it is the same however the catalogue came to be what it is: whoever measures, and
whenever, finds the same.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.files import written_whole
from core.parts import PARTS, NeedEncoder
from core.serving.sample import Sample
from core.tokens.item_tokens import pad_vectors

Strength = Literal["Strong", "Good", "Weak"]
#: How a need asks: in words, as a picture, or as an item that others are to be like.
Asker = Literal["text", "picture", "like"]
ASKERS: tuple[Asker, ...] = ("text", "picture", "like")
#: What is matched: every part, or one of them by its name.
ALL_PARTS = "both"
#: Weight of the best match of a need's words, in units of the calibrated score. Needs made of the catalogue's own
#: words gain a little from 2.0 (`benchmarks/retrieval.py`), yet such needs flatter words, and real ones say things
#: differently.
WORD_WEIGHT = 1.0
#: So many measured items count as much as the prior weights.
PRIOR_ITEMS = 50
_DEFAULT_SPREAD = 0.08
#: So many needs count as much as that: the few others of a tiny catalogue may lie as close together as they like.
_SPREAD_NEEDS = 5
#: Strong: what three needs in four reach with their own item. Good: what one in a hundred reaches with a wrong one.
_STRONG_QUANTILE = 0.25
_GOOD_NULL_QUANTILE = 0.99
#: Where nobody knows which items are right, strong is what one in a thousand reaches with a wrong one.
_STRONG_NULL_QUANTILE = 0.999

ByPart = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How cosines of one catalogue under one model become scores; every mapping is by `Asker` first.

    Attributes:
        weights: What each part counts where all are matched; they sum to 1.
        spreads: Standard deviation of a need's cosines over each part.
        strong: By what is matched, the score from which a suggestion is called strong.
        good: The score from which it is called good.
        fingerprint: Of all that it was measured on; see `Sample`.
    """

    weights: Mapping[str, ByPart]
    spreads: Mapping[str, ByPart]
    strong: Mapping[str, ByPart]
    good: Mapping[str, ByPart]
    fingerprint: str

    def weigh(self, asker: Asker, match: str) -> ByPart:
        """What each part counts for a need."""
        return _choose(self.weights[asker], match)

    def strength(self, score: float, match: str, shares: Mapping[Asker, float]) -> Strength:
        """The word for a score.

        Args:
            score: Of a suggestion.
            match: What was matched.
            shares: How the need asked; they sum to 1.
        """
        if score >= sum(share * self.strong[asker][match] for asker, share in shares.items()):
            return "Strong"
        return "Good" if score >= sum(share * self.good[asker][match] for asker, share in shares.items()) else "Weak"


def calibrate(sample: Sample, parts: Mapping[str, NeedEncoder]) -> Calibration:
    """Measure a catalogue.

    Args:
        sample: Of its items.
        parts: What makes and asks the vectors of each part.
    """
    needs = _encode_needs(sample, parts)
    asked = _ask(sample, needs)
    spreads = {asker: [_spread(one, sample.wrong) for one in asked[asker]] for asker in ASKERS}
    scores = {asker: _standardise(asked[asker], spreads[asker]) for asker in ASKERS}
    own = _score_own(sample, parts, needs["text"], asked["text"], spreads["text"])
    text = _weigh("text", own, scores["text"], sample.wrong, parts)
    shown = _weigh("picture", _score_alike(scores["picture"], sample), scores["picture"], sample.wrong, parts)
    weights: dict[str, ByPart] = {"text": text, "picture": shown, "like": text}
    # A text that is a title and nothing else is found by the whole of it.
    own = np.nan_to_num(np.where(np.isnan(own), np.diagonal(scores["text"], axis1=1, axis2=2), own))
    levels = {
        asker: {
            match: _find_levels(sample, scores[asker], _choose(weights[asker], match), asker, match, own)
            for match in (ALL_PARTS, *parts)
        }
        for asker in ASKERS
    }
    return Calibration(
        weights=weights,
        spreads={asker: dict(zip(parts, spreads[asker], strict=True)) for asker in ASKERS},
        strong={asker: {match: level[0] for match, level in found.items()} for asker, found in levels.items()},
        good={asker: {match: level[1] for match, level in found.items()} for asker, found in levels.items()},
        fingerprint=sample.fingerprint,
    )


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


def list_priors(parts: Mapping[str, Any], asker: Asker) -> NDArray[np.float64]:
    """The weights of parts before anything was measured; they sum to 1, (P,)."""
    prior = np.array([PARTS[name].prior.get("picture" if asker == "picture" else "text", 0.0) for name in parts])
    return np.asarray(prior / prior.sum())


def _encode_needs(sample: Sample, parts: Mapping[str, NeedEncoder]) -> dict[Asker, NDArray[np.float32]]:
    """What each kind of need asks each part with, NaN where it does not, (P, S, D) each."""
    count, length = len(sample), sample.parts.shape[2]
    needs: dict[Asker, NDArray[np.float32]] = {
        asker: np.full((len(parts), count, length), np.nan, np.float32) for asker in ASKERS
    }
    own = np.where(sample.has[:, :, None], sample.parts, np.nan)
    seeing = parts.get("picture")
    for at, (name, encoder) in enumerate(parts.items()):
        needs["like"][at] = own[:, at]
        if "text" in PARTS[name].asked_by and count:
            needs["text"][at] = pad_vectors(encoder.encode_texts(sample.titles), length)
        if "picture" in PARTS[name].asked_by and encoder is seeing:  # the items' own pictures in the same space
            needs["picture"][at] = own[:, list(parts).index("picture")]
    return needs


def _ask(sample: Sample, needs: Mapping[Asker, NDArray[np.float32]]) -> dict[Asker, NDArray[np.float32]]:
    """Cosines of each kind of need with each part of each item, NaN where there is none, (P, S, S) each."""
    known = np.where(sample.has[:, :, None], sample.parts, np.nan)
    return {asker: np.einsum("pid,jpd->pij", rows, known, optimize=True) for asker, rows in needs.items()}


def _spread(cosines: NDArray[np.float32], wrong: NDArray[np.bool_]) -> float:
    """Standard deviation of what a need finds in items other than its own, averaged over needs.

    It is drawn towards the default, in proportion, where there are few needs.
    """
    others = np.where(wrong, cosines, np.nan)
    rows = others[(~np.isnan(others)).sum(axis=1) > 1]
    measured = max(float(np.mean(np.nanstd(rows, axis=1))), 1e-3) if len(rows) else _DEFAULT_SPREAD
    return float(_DEFAULT_SPREAD * (measured / _DEFAULT_SPREAD) ** (len(rows) / (len(rows) + _SPREAD_NEEDS)))


def _average(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a need says of an average item, 0 where it says nothing, (P, S, 1)."""
    known = ~np.isnan(cosines)
    total = np.where(known, cosines, 0).sum(axis=2, keepdims=True)
    return np.asarray(total / np.maximum(known.sum(axis=2, keepdims=True), 1))


def _standardise(cosines: NDArray[np.float32], spreads: list[float]) -> NDArray[np.float32]:
    """How far above the average item each item is, in units of the spread; NaN for a missing part, (P, S, S)."""
    return np.asarray((cosines - _average(cosines)) / np.array(spreads)[:, None, None], np.float32)


def _score_own(
    sample: Sample,
    parts: Mapping[str, NeedEncoder],
    needs: NDArray[np.float32],
    cosines: NDArray[np.float32],
    spreads: list[float],
) -> NDArray[np.float32]:
    """What titles say of each part of their own items, of texts without the title; NaN where there is none, (P, S).

    Under a trained version a text without its title is read by the part's encoder alone, not by the fusion.
    """
    own = np.diagonal(cosines, axis1=1, axis2=2).copy()
    if "text" in parts and len(sample):
        at = list(parts).index("text")
        rests = pad_vectors(parts["text"].encode_texts(sample.rests), needs.shape[2])
        own[at] = np.where([bool(rest) for rest in sample.rests], (needs[at] * rests).sum(axis=1), np.nan)
    return np.asarray((own - _average(cosines)[:, :, 0]) / np.array(spreads)[:, None], np.float32)


def _score_alike(scores: NDArray[np.float32], sample: Sample) -> NDArray[np.float32]:
    """What needs say of other items of the same category, on average; NaN where there is none, (P, S)."""
    alike = np.where(sample.alike & ~np.isnan(scores), scores, 0).sum(axis=2)
    count = (sample.alike & ~np.isnan(scores)).sum(axis=2)
    return np.asarray(np.where(count > 0, alike / np.maximum(count, 1), np.nan))


def _weigh(
    asker: Asker,
    right: NDArray[np.float32],
    scores: NDArray[np.float32],
    wrong: NDArray[np.bool_],
    parts: Mapping[str, NeedEncoder],
) -> ByPart:
    """The weights that tell right items from wrong ones best, shrunk towards the prior.

    A part of which fewer than two right items are known keeps its prior; what the others share is measured.

    Args:
        asker: Kind of the needs.
        right: What they say of right items, standardised, (P, S).
        scores: What they say of all items, (P, S, S).
        wrong: Which of these are not right, (S, S).
        parts: By name.

    Source: Fisher 1936, "The use of multiple measurements in taxonomic problems": the direction is the inverse
    covariance of wrong items' scores times the distance of the right ones.
    """
    found = list_priors(parts, asker)
    counts = (~np.isnan(right)).sum(axis=1)
    known = counts > 1
    if known.sum() > 1 and wrong.sum() > 1:
        distance = np.nanmean(right[known], axis=1)
        rows = np.nan_to_num(scores[known][:, wrong])
        covariance = np.cov(rows) + 0.01 * np.eye(len(rows))
        best = np.maximum(np.linalg.solve(covariance, distance), 0)
        if best.sum() > 1e-6:
            share = counts[known].min() / (counts[known].min() + PRIOR_ITEMS)
            found[known] = share * best / best.sum() * found[known].sum() + (1 - share) * found[known]
    return dict(zip(parts, found.tolist(), strict=True))


def _choose(weights: ByPart, match: str) -> ByPart:
    """All weights, or those with which one part alone counts."""
    return weights if match == ALL_PARTS else {name: float(name == match) for name in weights}


def _find_levels(
    sample: Sample,
    scores: NDArray[np.float32],
    weights: ByPart,
    asker: Asker,
    match: str,
    own: NDArray[np.float32],
) -> tuple[float, float]:
    """From where whole scores are strong and good.

    Args:
        sample: What was measured.
        scores: What this kind of need says of all items, standardised, (P, S, S).
        weights: Of the parts.
        asker: Kind of the needs.
        match: What is matched.
        own: What titles say of their own items, (P, S).
    """
    weight = np.array(list(weights.values()))
    words = WORD_WEIGHT * (asker == "text" and match in (ALL_PARTS, "text"))
    # An item without a picture is no need that shows one.
    asks = np.asarray((~np.isnan(scores[weight > 0])).any(axis=(0, 2)))
    found = np.einsum("p,pij->ij", weight, np.nan_to_num(scores)) + words * sample.shared
    others = found[sample.wrong & asks[:, None]]
    if not len(others):
        return 3.0, 1.5
    good = float(np.quantile(others, _GOOD_NULL_QUANTILE))
    if asker != "text":
        return float(np.quantile(others, _STRONG_NULL_QUANTILE)), good
    right = weight @ own + words * sample.shared_rest
    return max(float(np.quantile(right, _STRONG_QUANTILE)), good), good
