"""Losses: values worked by hand, naive references, invariants."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from core.model import losses

torch.manual_seed(0)
FIRST = normalize(torch.randn(5, 8), dim=-1)
SECOND = normalize(torch.randn(5, 8), dim=-1)


def test_softmax_by_hand() -> None:
    """Two orthogonal pairs at scale 1: each row is [1, 0], so the loss is log(1 + 1/e)."""
    eye = torch.eye(2)
    assert losses.contrastive_softmax(eye, eye, 1.0).item() == pytest.approx(math.log(1 + math.exp(-1)))


def test_softmax_against_loops() -> None:
    same = torch.zeros(5, 5, dtype=torch.bool)
    same[0, 3] = same[3, 0] = True
    total = 0.0
    for left, right in ((FIRST, SECOND), (SECOND, FIRST)):
        for row in range(5):
            scores = [7 * float(left[row] @ right[column]) for column in range(5)]
            shown = [score for column, score in enumerate(scores) if column == row or not same[row, column]]
            total += -scores[row] + math.log(sum(math.exp(score) for score in shown))
    assert losses.contrastive_softmax(FIRST, SECOND, 7.0, same).item() == pytest.approx(total / 10, rel=1e-5)


def test_repeated_captions_do_not_push_apart() -> None:
    """Three items with one caption: nothing is wrong, so nothing is lost."""
    same = torch.ones(3, 3, dtype=torch.bool)
    assert losses.contrastive_softmax(FIRST[:3], SECOND[:3], 10.0, same).item() == pytest.approx(0, abs=1e-6)


def test_sigmoid_against_loops() -> None:
    same = torch.eye(5, dtype=torch.bool)
    same[1, 2] = True
    total = 0.0
    for row in range(5):
        for column in range(5):
            logit = 4 * float(FIRST[row] @ SECOND[column]) - 2
            sign = 1 if row == column else -1
            if row == column or not same[row, column]:
                total += math.log1p(math.exp(-sign * logit))
    assert losses.contrastive_sigmoid(FIRST, SECOND, 4.0, -2.0, same).item() == pytest.approx(total / 5, rel=1e-5)


def test_masked_modality_by_hand() -> None:
    predicted = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    target = torch.tensor([[1.0, 0.0], [0.0, -3.0], [9.0, 9.0]], requires_grad=True)
    found = losses.masked_modality(predicted.requires_grad_(), target, torch.tensor([True, True, False]))
    assert found.item() == pytest.approx((0 + 2) / 2)
    found.backward()
    assert target.grad is None
    nothing = losses.masked_modality(predicted, target, torch.zeros(3, dtype=torch.bool))
    assert nothing.item() == 0


def test_category_ignores_the_unknown() -> None:
    logits = torch.tensor([[0.0, 0.0], [5.0, -5.0]])
    assert losses.category_cross_entropy(logits, torch.tensor([1, -1])).item() == pytest.approx(math.log(2))
    assert losses.category_cross_entropy(logits, torch.tensor([-1, -1])).item() == 0


def test_will_act_by_hand() -> None:
    scores = torch.tensor([0.0, 100.0, 3.0])
    known = torch.tensor([True, True, False])
    assert losses.will_act(scores, torch.tensor([1, 1, 0]), known).item() == pytest.approx(math.log(2) / 2)


def test_sampled_softmax_is_the_full_one_without_correction() -> None:
    scores, target = torch.randn(4, 6), torch.tensor([0, 5, 2, 2])
    wanted = torch.nn.functional.cross_entropy(scores, target)
    assert torch.allclose(losses.sampled_softmax(scores, target, torch.zeros(6)), wanted)


def test_sampled_softmax_corrects_for_popularity() -> None:
    """Drawing in proportion to q and dividing by q gives the full softmax back on average."""
    generator = torch.Generator().manual_seed(1)
    scores, q = torch.randn(50, generator=generator), torch.rand(50, generator=generator)
    q = q / q.sum()
    full = scores.exp().sum()
    drawn = torch.multinomial(q, 20_000, replacement=True, generator=generator)
    corrected = (scores[drawn] - (q[drawn] * 20_000).log()).exp().sum()
    plain = scores[drawn].exp().mean() * 50
    assert abs(corrected - full) / full < 0.05 < abs(plain - full) / full


def test_sampled_softmax_hides_other_right_items() -> None:
    scores = torch.tensor([[1.0, 9.0, 0.0]])
    hidden = torch.tensor([[True, True, False]])
    found = losses.sampled_softmax(scores, torch.tensor([0]), torch.zeros(3), hidden)
    assert found.item() == pytest.approx(math.log(1 + math.exp(-1)))


def test_bpr_by_hand() -> None:
    found = losses.bayesian_ranking(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0]))
    assert found.item() == pytest.approx((math.log(1 + math.exp(-1)) + math.log(2)) / 2)


def test_rating_by_hand() -> None:
    known = torch.tensor([True, False])
    assert losses.rating_squared(torch.tensor([3.0, 9.0]), torch.tensor([1.0, 0.0]), known).item() == pytest.approx(4)


def test_weights() -> None:
    parts = {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}
    assert losses.weigh_losses(parts, {"a": 1.0, "b": 0.5}).item() == pytest.approx(3.5)
    with pytest.raises(KeyError):
        losses.weigh_losses(parts, {"a": 1.0})


def test_uncertainty_finds_the_inverse_of_the_loss() -> None:
    """exp(-s) L + s is least at s = log L."""
    parts = {"a": torch.tensor(4.0)}
    at_best = losses.weigh_by_uncertainty(parts, {"a": torch.tensor(math.log(4.0))})
    assert at_best.item() == pytest.approx(1 + math.log(4.0))
    for other in (0.0, 3.0):
        assert losses.weigh_by_uncertainty(parts, {"a": torch.tensor(other)}) > at_best
