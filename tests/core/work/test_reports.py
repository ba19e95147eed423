"""Use cases return frozen reports; what they become as JSON is what jobs, runs and versions of before hold."""

import importlib
import json
import pkgutil
from dataclasses import fields, is_dataclass
from inspect import isfunction, signature
from typing import Any

import pytest

from core import work
from core.baselines.tuning import Choice
from core.errors import JobError
from core.evaluate.answer import Answer, Row
from core.evaluate.measured import Unmeasured
from core.evaluate.verdict import Difference
from core.explain.audit import summarise
from core.kept import read_kept
from core.train.config import preset_config
from core.train.trials import SearchResult, TrialResult
from core.work.activate import ActivateSpec, ActivationReport
from core.work.audit_catalog import AuditReport
from core.work.compare_report import ComparedModel, CompareReport
from core.work.encode_catalog import EncodeReport, EncodeSpec
from core.work.rebuild import RebuildReport
from core.work.recommend import Recommendation, TitledSuggestion
from core.work.replay import Move, Replay
from core.work.search_catalog import SearchReport
from core.work.train_report import TrainReport

CONFIG = preset_config("quick")
LINE = Row(name="trained", metric="mrr", value=0.5, low=0.25, high=0.75, count=20, seconds=1.5)
ANSWER = Answer(
    verdict="helps",
    recommendation="Let it serve.",
    rows=(LINE,),
    gain=0.25,
    gain_low=0.125,
    gain_high=0.5,
    split="titles",
    tested=20,
)
TRAINED = TrainReport(
    version="v",
    catalog="Shop",
    answer=ANSWER,
    validation={"mrr": 0.5},
    blend=1.0,
    steps=7,
    seconds=2.26,
    tuned=False,
    replay=Replay(
        moves=(Move(need="hat", item_id="h", title="Hat", before=None, after=1, verdict="gained"),), summary="1 gained."
    ),
)
TRAINED_JSON = (
    '{"version": "v", "catalog": "Shop", "verdict": "helps", "recommendation": "Let it serve.", "rows": [{"name": '
    '"trained", "metric": "mrr", "value": 0.5, "low": 0.25, "high": 0.75, "count": 20, "seconds": 1.5, "note": ""}], '
    '"gain": 0.25, "gain_low": 0.125, "gain_high": 0.5, "split": "titles", "tested": 20, "needed": 20, "held_out": 0, '
    '"validation": {"mrr": 0.5}, "blend": 1.0, "steps": 7, "seconds": 2.3, "tuned": false, "replay": [{"need": "hat", '
    '"item_id": "h", "title": "Hat", "before": null, "after": 1, "verdict": "gained"}], "replay_summary": "1 gained."}'
)
TRIAL = TrialResult(number=1, state="finished", value=0.5, settings={"rate": 0.25}, epochs=2, seconds=3.0)
TRIAL_JSON = '{"number": 1, "state": "finished", "value": 0.5, "settings": {"rate": 0.25}, "epochs": 2, "seconds": 3.0}'
BEST = ComparedModel(
    name="ease",
    values={"ndcg@10": 0.123456, "cold_ndcg@10": None},
    interval=(0.1, 0.2),
    by_seed=(0.123456,),
    fusion_lead=Difference(mean=-0.5, low=-0.75, high=0.333333, count=30),
    coverage=0.5,
    gini=0.25,
    fit_seconds=1.239,
    score_seconds=0.5,
    tuning_seconds=2.0,
    peak=3 * 2**20,
    choices=(Choice(settings={"penalty": 50.0}, at_edge=("penalty",), fits=7, seconds=2.0),),
    transductive=True,
)
COMPARED = CompareReport(
    models=(BEST,),
    failed=(Unmeasured(name="bpr", reason="Too few people."),),
    split="users",
    users=30,
    counts={"ndcg@10": 30, "cold_ndcg@10": 0},
    items=84,
    cold_items=0,
    seed=0,
    config=CONFIG,
    seeds=1,
    notes=("A note.",),
)
COMPARED_JSON = (
    '{"models": [{"model": "ease", "ndcg@10": 0.12346, "cold_ndcg@10": null, "interval": [0.1, 0.2], '
    '"ndcg@10_by_seed": [0.12346], "fusion_lead": [-0.5, -0.75, 0.33333], "coverage@10": 0.5, "gini@10": 0.25, '
    '"saw_test_histories": true, "chosen": [{"penalty": 50.0}], "tried": [7], "at_edge": ["penalty"], '
    '"tuning_seconds": 2.0, "peak_bytes": 3145728, '
    '"fit_seconds": 1.24, "score_seconds": 0.5}, {"model": "bpr", "error": "Too few people."}], "split": "users", '
    '"users": 30, "counts": {"ndcg@10": 30, "cold_ndcg@10": 0}, '
    f'"items": 84, "cold_items": 0, "seed": 0, "config": {json.dumps(CONFIG.to_json())}, "seeds": 1, '
    '"notes": ["A note."]}'
)
SUGGESTED = TitledSuggestion(rank=1, item_id="h", title="Hat", score=0.123456, parts={"fusion": 0.1})


@pytest.mark.parametrize(
    ("report", "written"),
    [
        (TRAINED, TRAINED_JSON),
        (COMPARED, COMPARED_JSON),
        (
            SearchReport(
                catalog="Shop", metric="mrr", seed=3, result=SearchResult(trials=(TRIAL,), best=TRIAL, config=CONFIG)
            ),
            f'{{"catalog": "Shop", "metric": "mrr", "seed": 3, "trials": [{TRIAL_JSON}], "best": {TRIAL_JSON}, '
            f'"config": {json.dumps(CONFIG.to_json())}}}',
        ),
        (
            AuditReport(catalog="Shop", audit=summarise((), ())),
            '{"catalog": "Shop", "cases": 0, "needs": 0, "parts": [], "words": [], "hurt": [], "pictures": 0, '
            '"methods": {}, "unmapped": 0, "seconds": 0}',
        ),
        (
            Recommendation(suggestions=(SUGGESTED,), version="v", history=1),
            '{"suggestions": [{"rank": 1, "item_id": "h", "title": "Hat", "score": 0.12346, "parts": {"fusion": '
            '0.1}}], "version": "v", "history": 1, "message": "Version v, from a history of 1 event."}',
        ),
        (
            ActivationReport(catalog="Shop", version="v"),
            '{"catalog": "Shop", "version": "v", "message": "Version v serves “Shop”."}',
        ),
        (
            ActivationReport(catalog="Shop", version=""),
            '{"catalog": "Shop", "version": "", "message": "“Shop” is served without training again."}',
        ),
        (EncodeReport(encoded=5), '{"encoded": 5}'),
        (RebuildReport(catalogs=1, items=3, thumbnails=2), '{"catalogs": 1, "items": 3, "thumbnails": 2}'),
    ],
    ids=lambda value: type(value).__name__ if is_dataclass(value) else "",
)
def test_json_is_what_it_was(report: Any, written: str) -> None:
    assert json.dumps(report.to_json(), ensure_ascii=False) == written
    with pytest.raises(AttributeError):
        setattr(report, fields(report)[0].name, "other")
    assert not hasattr(report, "__dict__")


def test_nothing_is_said_of_needs_where_none_is_saved() -> None:
    alone = TrainReport(**{one.name: getattr(TRAINED, one.name) for one in fields(TRAINED)} | {"replay": None})
    assert alone.to_json().keys() == {"version", "catalog"} | alone.measured().keys()
    assert alone.recommendation == "Let it serve."


def test_no_use_case_returns_a_dict() -> None:
    """JSON is made at the edge; what a run's folder holds is read as what it is."""
    reads_json = {"find_run", "read_spec"}
    found = set()
    for module in pkgutil.iter_modules(work.__path__):
        loaded = importlib.import_module(f"core.work.{module.name}")
        for name, one in vars(loaded).items():
            is_ours = isfunction(one) and one.__module__ == loaded.__name__ and not name.startswith("_")
            if is_ours and any(word in str(signature(one).return_annotation) for word in ("dict[", "Mapping[")):
                found.add(name)
    assert found == reads_json


@pytest.mark.parametrize(
    "spec", [ActivateSpec(version="v", catalog="Shop"), EncodeSpec(catalog="Shop", backbone="fake")]
)
def test_what_a_job_holds_is_read_back_or_refused(spec: ActivateSpec | EncodeSpec) -> None:
    kept = spec.to_json()
    assert read_kept(type(spec).from_json, kept | {"note": "of another version"}) == spec
    for damaged in ({}, kept | {"catalog": None}):
        with pytest.raises(JobError, match="Start it anew"):
            read_kept(type(spec).from_json, damaged)
