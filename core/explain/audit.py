"""A whole catalogue at a glance: what the model relies on, over many explained suggestions."""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.catalog.importing.export import guard_cell
from core.explain.explanation import WordEffect, player_names

#: A word of fewer cases says more about these than about the word.
_LEAST_CASES = 2
_PICTURE = "picture"
#: A picture that costs less, in units of the catalogue's own spread of scores, hardly moves a rank.
_LEAST_HARM = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One suggestion, weighed.

    Attributes:
        need: In words.
        item_id: The item.
        title: Its title.
        score: As on its card.
        rank: As `suggest` gives it; None where it is not ranked.
        modalities: Player to its Shapley value, as `Explanation.modalities`.
        without: Player to the rank without it; None where it would not be ranked.
        words: Of the need and of the item.
        seconds: What it cost.
    """

    need: str
    item_id: str
    title: str
    score: float
    rank: int | None
    modalities: Mapping[str, float]
    without: Mapping[str, int | None]
    words: tuple[WordEffect, ...]
    seconds: float

    @property
    def picture(self) -> float:
        """What its picture gives, 0 without one."""
        return self.modalities.get(_PICTURE, 0.0)

    @property
    def rank_without_picture(self) -> int | None:
        """Where it would stand without its picture."""
        return self.without.get(_PICTURE, self.rank)

    def to_json(self) -> dict[str, Any]:
        """JSON values; `from_json` reads them back."""
        return asdict(self) | {"modalities": dict(self.modalities), "without": dict(self.without)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Case":
        """Read what `to_json` wrote."""
        return cls(**{**data, "words": tuple(WordEffect(**word) for word in data["words"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSummary:
    """What one player did over all cases.

    Attributes:
        name: The player.
        cases: How many items have it.
        share: Mean share of what moved the scores, [0, 1]; the shares of all players sum to 1.
        mean: Mean of its value where an item has it.
        against: Share of these cases in which it lowered the score, [0, 1].
    """

    name: str
    cases: int
    share: float
    mean: float
    against: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WordSummary:
    """What one word did over all cases.

    Attributes:
        word: Case-folded.
        field: "need", or the item's field that holds it.
        cases: In how many cases it was left out.
        mean: Mean of the score with it minus the score without it.
    """

    word: str
    field: str
    cases: int
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Many cases, summed up.

    Attributes:
        cases: How many.
        needs: How many different needs.
        parts: Players, the weightiest first.
        words: Of at least two cases, the most helpful first.
        hurt: Cases whose picture lowers the score by 0.05 or more, the worst first.
        pictures: How many cases have a picture.
        methods: What made a map that passed its test to how often.
        unmapped: How many pictures were looked at without a map that passes.
        seconds: What all of it cost.
    """

    cases: int
    needs: int
    parts: tuple[PartSummary, ...]
    words: tuple[WordSummary, ...]
    hurt: tuple[Case, ...]
    pictures: int
    methods: Mapping[str, int]
    unmapped: int
    seconds: float

    @property
    def looked(self) -> int:
        """How many pictures were looked at."""
        return self.unmapped + sum(self.methods.values())

    def to_json(self) -> dict[str, Any]:
        """JSON values; of the cases whose picture hurts only what says so."""
        return asdict(self) | {"methods": dict(self.methods), "hurt": [_hurt_json(case) for case in self.hurt]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What came of looking at one picture.

    Attributes:
        method: What made a map that passed its test; "" where none did.
        seconds: What it cost.
    """

    method: str
    seconds: float


def summarise(cases: Sequence[Case], mapped: Sequence[Mapped]) -> Audit:
    """Sum up cases; without any, everything is 0.

    Args:
        cases: Weighed suggestions.
        mapped: Looks at the pictures of some of them.
    """
    methods: dict[str, int] = defaultdict(int)
    for one in mapped:
        methods[one.method] += 1
    unmapped = methods.pop("", 0)
    return Audit(
        cases=len(cases),
        needs=len({case.need for case in cases}),
        parts=_sum_parts(cases),
        words=_sum_words(cases),
        hurt=tuple(sorted((case for case in cases if case.picture <= -_LEAST_HARM), key=lambda case: case.picture)),
        pictures=sum(_PICTURE in case.modalities for case in cases),
        methods=dict(methods),
        unmapped=unmapped,
        seconds=sum(case.seconds for case in cases) + sum(one.seconds for one in mapped),
    )


def cases_csv(cases: Sequence[Case]) -> bytes:
    """One row a case, for spreadsheets: UTF-8 with a byte order mark, no cell that would run as a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["Need", "Item", "Title", "Score", "Rank", "Rank without picture", *player_names().values()])
    for case in cases:
        texts = (guard_cell(text) for text in (case.need, case.item_id, case.title))
        parts = (f"{case.modalities[name]:.4f}" if name in case.modalities else "" for name in player_names())
        writer.writerow([*texts, f"{case.score:.4f}", case.rank, case.rank_without_picture, *parts])
    return buffer.getvalue().encode("utf-8-sig", errors="backslashreplace")


def _sum_parts(cases: Sequence[Case]) -> tuple[PartSummary, ...]:
    values, shares = defaultdict[str, list[float]](list), defaultdict[str, float](float)
    moved = [case for case in cases if any(case.modalities.values())]
    for case in moved:
        total = sum(abs(value) for value in case.modalities.values())
        for name, value in case.modalities.items():
            values[name].append(value)
            shares[name] += abs(value) / total / len(moved)
    parts = [
        PartSummary(
            name=name,
            cases=len(found),
            share=shares[name],
            mean=sum(found) / len(found),
            against=sum(value < 0 for value in found) / len(found),
        )
        for name, found in values.items()
    ]
    return tuple(sorted(parts, key=lambda part: -part.share))


def _sum_words(cases: Sequence[Case]) -> tuple[WordSummary, ...]:
    values = defaultdict[tuple[str, str], list[float]](list)
    for case in cases:
        effects: dict[tuple[str, str], float] = {}
        for one in case.words:  # a word that a text holds twice was left out once at a time
            key = (one.word.casefold(), one.field)
            effects[key] = max(effects.get(key, one.value), one.value, key=abs)
        for key, value in effects.items():
            values[key].append(value)
    words = [
        WordSummary(word=word, field=field, cases=len(found), mean=sum(found) / len(found))
        for (word, field), found in values.items()
        if len(found) >= _LEAST_CASES
    ]
    return tuple(sorted(words, key=lambda one: (-one.mean, one.word, one.field)))


def _hurt_json(case: Case) -> dict[str, Any]:
    return {
        "item_id": case.item_id,
        "title": case.title,
        "need": case.need,
        "value": case.picture,
        "rank": case.rank,
        "rank_without": case.rank_without_picture,
    }
