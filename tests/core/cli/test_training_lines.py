"""What `evaluate` prints of each model."""

from dataclasses import replace

import pytest

from core.baselines.tuning import Choice
from core.cli.training import _draw_evaluate
from core.work.compare import ALL_MODELS, CompareSpec, _note_fixed
from tests.core.work.test_reports import BEST, COMPARED


def test_evaluate_prints_what_a_model_chose_what_it_cost_and_what_it_had_seen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = replace(
        BEST,
        values={"ndcg@10": 0.1, "recall@10": 0.2, "cold_ndcg@10": None},
        choices=tuple(Choice(settings={"K": k, "B": 0.5}, at_edge=("K",) * (k == 20)) for k in (20, 100)),
    )
    plain = replace(model, name="popularity", choices=(), transductive=False, peak=None)
    _draw_evaluate(replace(COMPARED, models=(model, plain)).to_json())
    said = capsys.readouterr().out
    assert "1.2 s  3 MB" in said
    assert "chosen in 2.0 s: K 20 to 100, B 0.5\n" in said
    assert "stood at its edge: K\n" in said
    assert said.count("saw the test people's histories in its fit") == 1
    assert said.count("chosen") == 1 and said.count(" MB") == 1
    assert "not measured: Too few people." in said


def test_models_that_are_not_tuned_are_named_and_those_that_are_slow_run_only_by_name() -> None:
    (note,) = _note_fixed(ALL_MODELS)
    assert "cornac-sasrec" in note and "ease" not in note and "popularity" not in note
    assert not list(_note_fixed(["fusion", "ease", "implicit-als"]))
    chosen = CompareSpec(catalog="S", interactions="log.csv").models
    assert chosen[0] == "fusion" and {"ease", "implicit-als", "cornac-ease"} <= set(chosen)
    assert not {"cornac-sasrec", "cornac-bert4rec", "cornac-recvae", "cornac-vbpr"} & set(chosen)
