"""What a training leaves to be told: what was measured, and what would move for the saved needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.evaluate.answer import Answer
from core.work.replay import Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """A trained version, measured.

    Attributes:
        version: Its id, for `activate`.
        catalog: Name of the catalogue.
        answer: The card “Did fine-tuning help?”.
        validation: Metric to value of the blended model, as `Trained.validation`.
        blend: Share of the fusion, as `Trained.blend`.
        steps: Of the best epoch.
        seconds: Of the last attempt.
        tuned: Whether the towers were tuned as well.
        replay: What would move for the saved needs; None where none is saved.
    """

    version: str
    catalog: str
    answer: Answer
    validation: Mapping[str, float]
    blend: float
    steps: int
    seconds: float
    tuned: bool
    replay: Replay | None = None

    @property
    def recommendation(self) -> str:
        """Whether to let it serve, in two sentences."""
        return self.answer.recommendation

    def measured(self) -> dict[str, Any]:
        """What is written down with the version, as JSON values."""
        return self.answer.to_json() | {
            "validation": dict(self.validation),
            "blend": self.blend,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "tuned": self.tuned,
        }

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        replay = self.replay.to_json() if self.replay else {}
        return {"version": self.version, "catalog": self.catalog, **self.measured(), **replay}
