"""The losses, pure functions of tensors. Imports torch, so import this module inside functions only."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, logsigmoid, normalize

_IGNORED = -100


def contrastive_softmax(first: Tensor, second: Tensor, scale: Tensor | float, same: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE; pairs that mean the same count neither as right nor as wrong.

    Args:
        first: (B, D), unit-norm.
        second: (B, D), unit-norm; row i belongs to row i of `first`.
        scale: Factor of the cosines.
        same: True where row i and column j may not be told apart, e.g. equal captions or pictures, (B, B); the
            diagonal is ignored.

    Returns:
        Mean over both directions, 0 without any pair, scalar.

    Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", figure 3.
    """
    logits = scale * first @ second.T  # (B, B)
    if not len(logits):
        return _nothing(first, second)
    if same is not None:
        diagonal = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        logits = logits.masked_fill(same & ~diagonal, -torch.inf)
    labels = torch.arange(len(logits), device=logits.device)
    return (cross_entropy(logits, labels) + cross_entropy(logits.T, labels)) / 2


def contrastive_sigmoid(
    first: Tensor, second: Tensor, scale: Tensor | float, bias: Tensor | float, same: Tensor | None = None
) -> Tensor:
    """Pairwise sigmoid loss; each pair is a yes-or-no question of its own.

    Args:
        first: (B, D), unit-norm.
        second: (B, D), unit-norm.
        scale: Factor of the cosines.
        bias: Added to the logits; about -10 at the start, since nearly all pairs are wrong.
        same: As in `contrastive_softmax`: such pairs are left out.

    Returns:
        Sum over the pairs of a row, mean over rows, 0 without any, scalar.

    Source: Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training", algorithm 1.
    """
    logits = scale * first @ second.T + bias
    if not len(logits):
        return _nothing(first, second)
    diagonal = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    losses = -logsigmoid(torch.where(diagonal, logits, -logits))
    if same is not None:
        losses = losses.masked_fill(same & ~diagonal, 0.0)
    return losses.sum() / len(logits)


def masked_modality(predicted: Tensor, target: Tensor, present: Tensor) -> Tensor:
    """1 - cosine between what is predicted for a hidden modality and what it was.

    Args:
        predicted: (B, D), any norm.
        target: (B, D), any norm; no gradient flows into it.
        present: Which rows have a target, (B,).

    Returns:
        Mean over rows with a target, 0 without any, scalar.
    """
    cosine = (normalize(predicted, dim=-1) * normalize(target.detach(), dim=-1)).sum(-1)
    return _masked_mean(1 - cosine, present)


def category_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Classification among C categories.

    Args:
        logits: (B, C).
        labels: (B,), -1 where the category is not known.

    Returns:
        Mean over known labels, 0 without any, scalar.
    """
    if not (labels >= 0).any():
        return logits.sum() * 0.0
    return cross_entropy(logits, labels.masked_fill(labels < 0, _IGNORED), ignore_index=_IGNORED)


def will_act(scores: Tensor, acted: Tensor, known: Tensor) -> Tensor:
    """Binary cross entropy: will this person act on this item?

    Args:
        scores: Logits, (B,).
        acted: 1 or 0, (B,).
        known: Which rows count, (B,).
    """
    losses = binary_cross_entropy_with_logits(scores, acted.to(scores.dtype), reduction="none")
    return _masked_mean(losses, known)


def sampled_softmax(scores: Tensor, target: Tensor, log_q: Tensor, hidden: Tensor | None = None) -> Tensor:
    """Softmax over sampled candidates, corrected for how often each is sampled.

    Args:
        scores: Person-item scores, (B, C).
        target: Column of the right item, (B,).
        log_q: Log of the expected number of times that each candidate is in the sample, (C,); 0 for all candidates
            of a full softmax.
        hidden: True for candidates that are right as well and so must not count as wrong, (B, C).

    Returns:
        Mean over rows, 0 without any, scalar.

    Source: Yi et al. 2019, "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", equation 3.
    """
    if not len(scores):
        return _nothing(scores)
    logits = scores - log_q
    if hidden is not None:
        keep = torch.zeros_like(hidden).scatter(1, target.unsqueeze(1), True)
        logits = logits.masked_fill(hidden & ~keep, -torch.inf)
    return cross_entropy(logits, target)


def bayesian_ranking(right: Tensor, wrong: Tensor) -> Tensor:
    """BPR: the right item's score above the wrong one's, both (B,); mean, 0 without any, scalar.

    Source: Rendle et al. 2009, "BPR: Bayesian Personalized Ranking from Implicit Feedback", equation 4.
    """
    return -logsigmoid(right - wrong).mean() if len(right) else _nothing(right, wrong)


def rating_squared(predicted: Tensor, rating: Tensor, known: Tensor) -> Tensor:
    """Mean squared error over known ratings, all (B,), scalar; the unit is that of the rating, squared."""
    return _masked_mean((predicted - rating).square(), known)


def weigh_losses(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Weighted sum, scalar.

    Raises:
        KeyError: A loss has no weight.
    """
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()


def weigh_by_uncertainty(losses: Mapping[str, Tensor], log_variances: Mapping[str, Tensor]) -> Tensor:
    """Sum of exp(-s) loss + s, with a learned s = log variance for each loss, scalar.

    Source: Kendall et al. 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses", section 3.2, with the factors
    of one half dropped.
    """
    return torch.stack(
        [torch.exp(-log_variances[name]) * loss + log_variances[name] for name, loss in losses.items()]
    ).sum()


def _nothing(*inputs: Tensor) -> Tensor:
    """A loss of 0 that still knows what it was made of, for a step in which there is nothing to compare."""
    return torch.stack([one.sum() for one in inputs]).sum() * 0.0


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    weights = mask.to(values.dtype)
    return (values * weights).sum() / weights.sum().clamp(min=1)
