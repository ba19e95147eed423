"""What the card says follows from the intervals, and from nothing else."""

import numpy as np
import pytest

from core.evaluate.catalog_report import Matching
from core.evaluate.help_report import add_matching, answer_matching, answer_people, judge
from core.evaluate.measured import Measured, paired_interval


def measured(name: str, values: np.ndarray) -> Measured:
    return Measured(
        name=name,
        users=np.arange(len(values)),
        values={"ndcg@10": values},
        top=np.zeros((len(values), 20), np.int64),
        fit_seconds=1.0,
        score_seconds=0.0,
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.01, 0.2, "helps"), (-0.1, 0.1, "unclear"), (-0.2, -0.1, "hurts")]
)
def test_verdicts(low: float, high: float, verdict: str) -> None:
    assert judge(low, high) == verdict


def test_a_clear_gain_beside_a_stronger_baseline() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(200) * 0.1
    mine, zero, ease = base + 0.1, base, base + 0.2
    mine[5] = np.nan
    answer = answer_people(
        measured("fusion", mine), [measured("zero-shot", zero), measured("ease", ease)], 60, split="users"
    )
    assert answer.verdict == "helps"
    assert answer.gain == pytest.approx(0.1) and answer.gain_low == pytest.approx(0.1)
    assert "worse than the best simple method, ease (-0.100" in answer.recommendation
    assert [row.name for row in answer.rows] == ["trained version", "zero-shot", "ease"]
    assert answer.rows[0].count == 199


def test_noise_is_no_gain() -> None:
    rng = np.random.default_rng(1)
    answer = answer_people(
        measured("fusion", rng.random(100)), [measured("zero-shot", rng.random(100))], 60, split="users"
    )
    assert answer.verdict == "unclear" and answer.recommendation.startswith("Keep what you have")


def test_the_paired_interval_is_that_of_the_differences() -> None:
    one, other = measured("a", np.array([1.0, 2.0, np.nan])), measured("b", np.array([0.5, 1.5, 3.0]))
    assert paired_interval(one, other) == (0.5, 0.5, 0.5)
    nobody = measured("c", np.array([np.nan]))
    assert paired_interval(nobody, nobody) is None


def test_a_cost_for_needs_in_words_is_said() -> None:
    base = np.random.default_rng(0).random(50)
    answer = answer_people(measured("fusion", base + 0.1), [measured("zero-shot", base)], 60, split="users")
    good, bad = np.ones(40), np.r_[np.zeros(20), np.ones(20)]
    matching = [(Matching(task="title to picture", metric="recall@10", values=one, pool=40),) for one in (good, bad)]
    told = add_matching(answer, *matching, 60)
    assert (
        told.verdict == "helps"
        and "Needs in words find fewer new items with it (recall@10 -0.500)" in told.recommendation
    )
    assert [row.name for row in told.rows[2:]] == ["title to picture, trained", "title to picture, before"]
    assert add_matching(answer, matching[1], matching[0], 60).recommendation == answer.recommendation
    assert add_matching(answer, (), (), 60) == answer


def test_matching_compares_the_same_questions() -> None:
    before = (Matching(task="title to picture", metric="recall@10", values=np.zeros(50), pool=50),)
    after = (Matching(task="title to picture", metric="recall@10", values=np.r_[np.ones(25), np.zeros(25)], pool=50),)
    answer = answer_matching(before, after, 10.0, 50)
    assert answer.verdict == "helps" and answer.gain == 0.5
    assert [(row.name, row.value) for row in answer.rows] == [
        ("title to picture, trained", 0.5),
        ("title to picture, before", 0.0),
    ]
