"""What a comparison of models found: one row a model, and what they were tested on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.baselines.tuning import Choice
from core.evaluate.measured import Unmeasured
from core.evaluate.verdict import Difference
from core.train.config import TrainConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedModel:
    """One model over all people and seeds.

    Attributes:
        name: One of `ALL_MODELS`.
        values: Metric to its mean over people, None where nobody has a target of that kind.
        interval: 95 % interval of ndcg@10 over people.
        by_seed: ndcg@10 with each seed.
        fusion_lead: The fusion model's ndcg@10 minus this one's over the same people; None for itself and without it.
        coverage: Share of the items that stand in somebody's first ten, [0, 1].
        gini: How unevenly they do, [0, 1].
        fit_seconds: Mean over seeds, without the choice of settings.
        score_seconds: Mean over seeds.
        tuning_seconds: Of the choice of settings, mean over seeds.
        peak: Most memory that the process held during a fit, bytes; None where the system does not count it.
        choices: What each fit chose; none where the settings are fixed.
        transductive: Whether it had the tested people's histories, never their targets, in its fit, which favours it.
    """

    name: str
    values: Mapping[str, float | None]
    interval: tuple[float, float]
    by_seed: tuple[float, ...]
    fusion_lead: Difference | None
    coverage: float
    gini: float
    fit_seconds: float
    score_seconds: float
    tuning_seconds: float = 0.0
    peak: int | None = None
    choices: tuple[Choice, ...] = ()
    transductive: bool = False

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values."""
        lead = self.fusion_lead
        return {
            "model": self.name,
            **{metric: None if value is None else round(value, 5) for metric, value in self.values.items()},
            "interval": [round(value, 5) for value in self.interval],
            "ndcg@10_by_seed": [round(value, 5) for value in self.by_seed],
            "fusion_lead": [round(value, 5) for value in (lead.mean, lead.low, lead.high)] if lead else None,
            "coverage@10": round(self.coverage, 5),
            "gini@10": round(self.gini, 5),
            "saw_test_histories": self.transductive,
            "chosen": [dict(one.settings) for one in self.choices],
            "tried": [one.fits for one in self.choices],
            "at_edge": sorted({name for one in self.choices for name in one.at_edge}),
            "tuning_seconds": round(self.tuning_seconds, 2),
            "peak_bytes": self.peak,
            "fit_seconds": round(self.fit_seconds, 2),
            "score_seconds": round(self.score_seconds, 2),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareReport:
    """Models compared.

    Attributes:
        models: Those that could be measured, best first.
        failed: Those that could not, with the reason.
        split: How the test was held out; "files" for a log of other people.
        users: People tested, over all folds.
        counts: Metric to the people who have a target of its kind.
        items: Items ranked.
        cold_items: Those among them that the first fold has no event of.
        seed: The first.
        config: Of the fusion model.
        seeds: How many.
        notes: Sentences on how far the figures can be trusted.
    """

    models: tuple[ComparedModel, ...]
    failed: tuple[Unmeasured, ...]
    split: str
    users: int
    counts: Mapping[str, int]
    items: int
    cold_items: int
    seed: int
    config: TrainConfig
    seeds: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "models": [
                *(one.to_json() for one in self.models),
                *({"model": one.name, "error": one.reason} for one in self.failed),
            ],
            "split": self.split,
            "users": self.users,
            "counts": dict(self.counts),
            "items": self.items,
            "cold_items": self.cold_items,
            "seed": self.seed,
            "config": self.config.to_json(),
            "seeds": self.seeds,
            "notes": list(self.notes),
        }
