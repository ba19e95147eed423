"""The user transformer."""

import pytest
import torch
from torch.nn.functional import normalize

from core.model.network import FusionModel
from core.model.user import HistoryBatch


def histories(people: int = 3, length: int = 5, seed: int = 1) -> HistoryBatch:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(people, length, dtype=torch.bool)
    mask[1, 3:] = False
    mask[2] = False
    return HistoryBatch(
        vectors=normalize(torch.randn(people, length, 12, generator=generator), dim=-1) * mask.unsqueeze(-1),
        events=torch.zeros(people, length, dtype=torch.long),
        ratings=torch.randn(people, length, generator=generator),
        liked=torch.tensor([[True, False, True, True, False]]).expand(people, -1) & mask,
        gaps=torch.full((people, length), 100.0),
        mask=mask,
    )


def test_before_training_people_are_the_mean_of_what_they_liked(model: FusionModel) -> None:
    batch = histories()
    found = model.user.last(batch)
    assert torch.allclose(found[0], normalize(batch.vectors[0, [0, 2, 3]].sum(0), dim=0), atol=1e-6)
    assert torch.allclose(found[1], normalize(batch.vectors[1, [0, 2]].sum(0), dim=0), atol=1e-6)


def test_an_empty_history_says_nothing(opened: FusionModel) -> None:
    assert not opened.user.last(histories())[2].any()


def test_the_future_does_not_reach_the_past(opened: FusionModel) -> None:
    batch = histories()
    base = opened.user(batch)
    later = batch.vectors.clone()
    later[0, 3:] = torch.randn(2, 12)
    changed = opened.user(
        HistoryBatch(
            vectors=later,
            events=batch.events,
            ratings=batch.ratings,
            liked=batch.liked,
            gaps=batch.gaps,
            mask=batch.mask,
        )
    )
    assert torch.allclose(base[0, :3], changed[0, :3], atol=1e-5)
    assert not torch.allclose(base[0, 3:], changed[0, 3:], atol=1e-3)


def test_padding_does_not_matter(opened: FusionModel) -> None:
    batch = histories()
    short = HistoryBatch(
        vectors=batch.vectors[1:2, :3],
        events=batch.events[1:2, :3],
        ratings=batch.ratings[1:2, :3],
        liked=batch.liked[1:2, :3],
        gaps=batch.gaps[1:2, :3],
        mask=batch.mask[1:2, :3],
    )
    assert torch.allclose(opened.user.last(batch)[1], opened.user.last(short)[0], atol=1e-5)


@pytest.mark.parametrize("field", ["events", "ratings", "gaps"])
def test_every_fact_of_an_event_matters(opened: FusionModel, field: str) -> None:
    batch = histories()
    parts = {name: getattr(batch, name) for name in ("vectors", "events", "ratings", "liked", "gaps", "mask")}
    other = {"events": batch.events + 3, "ratings": batch.ratings + 1, "gaps": batch.gaps * 1e6}[field]
    assert not torch.allclose(opened.user.last(batch)[0], opened.user.last(HistoryBatch(**parts | {field: other}))[0])


def test_unknown_gaps_have_a_bucket_of_their_own(model: FusionModel) -> None:
    found = model.user._bucket(torch.tensor([-1.0, 0.0, 59.0, 61.0, 1e12]))
    assert found.tolist() == [7, 0, 0, 1, 6]
