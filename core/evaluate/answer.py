"""The card “Did fine-tuning help?” as values."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the card.

    Attributes:
        name: What was measured.
        metric: By what.
        value: Mean over questions.
        low: Lower end of the 95 % interval.
        high: Upper end.
        count: Questions.
        seconds: What fitting cost; 0 where nothing was fitted.
        note: Why nothing was measured, "" where something was.
    """

    name: str
    metric: str
    value: float
    low: float
    high: float
    count: int
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The card "Did fine-tuning help?".

    Attributes:
        verdict: "helps", "unclear" or "hurts", against what was there before.
        recommendation: Two sentences for the page.
        rows: The trained version first.
        gain: Mean of the paired differences to what was there before.
        gain_low: Lower end of their 95 % interval.
        gain_high: Upper end.
        split: How the test was held out.
        tested: People or items in the test.
        held_out: People of whom those are a sample; 0 where all were tested.
    """

    verdict: str
    recommendation: str
    rows: tuple[Row, ...]
    gain: float
    gain_low: float
    gain_high: float
    split: str
    tested: int
    held_out: int = 0

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"rows": [asdict(row) for row in self.rows]}
