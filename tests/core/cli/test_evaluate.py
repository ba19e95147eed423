"""What a comparison prints."""

import pytest

from core.cli.training import _draw_evaluate


def test_of_how_many_people_each_kind_was_measured(capsys: pytest.CaptureFixture) -> None:
    row = {"interval": [0.1, 0.3], "recall@10": 0.1, "cold_ndcg@10": None, "fusion_lead": None, "fit_seconds": 1.0}
    _draw_evaluate(
        {
            "split": "users",
            "users": 30,
            "counts": {"ndcg@10": 30, "recall@10": 30, "no_text_ndcg@10": 1, "tail_ndcg@10": 0},
            "items": 84,
            "seed": 0,
            "seeds": 1,
            "models": [
                row | {"model": "ease", "ndcg@10": 0.2},
                {"model": "bpr-mf", "error": "Too few people."},
            ],
            "notes": [],
        }
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Test users of each kind: no text 1, tail 0"
