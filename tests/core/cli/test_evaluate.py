"""What a comparison prints."""

import pytest

from core.cli.training import _draw_evaluate


def test_each_kind_of_items_is_printed_with_the_people_who_liked_one(capsys: pytest.CaptureFixture) -> None:
    row = {"interval": [0.1, 0.3], "recall@10": 0.1, "fusion_lead": None, "fit_seconds": 1.0, "tail_ndcg@10": None}
    _draw_evaluate(
        {
            "split": "users",
            "users": 30,
            "counts": {"ndcg@10": 30, "recall@10": 30, "no_text_ndcg@10": 1, "tail_ndcg@10": 0},
            "items": 84,
            "seed": 0,
            "seeds": 1,
            "models": [
                row | {"model": "ease", "ndcg@10": 0.2, "no_text_ndcg@10": 0.05},
                {"model": "bpr-mf", "error": "Too few people."},
            ],
            "notes": [],
        }
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "ndcg@10 no text (1 test user): ease 0.0500"
    assert not any("tail" in line for line in lines)
