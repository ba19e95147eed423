"""Train the embedded model's head and write assets/embedded/head.safetensors.

    python -m benchmarks.train_embedded

Frozen towers, cached features, InfoNCE. The shipped head sees openclipart alone (public domain), and of it no test
pair of split 0. Ten minutes for the features on two cores, then one for the head.

Source: ConSE (Norouzi et al. 2014) for the untrained part, CLIP (Radford et al. 2021) for the loss.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, dropout, normalize

from benchmarks.clipart import split_pairs
from benchmarks.embedded_corpus import DEFAULT_CACHE, VIEWS, Corpus, load_corpus
from core.encode import embedded
from core.encode.embedded_parts import CLASSES, ConseHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the head is trained; chosen on validation, means of three splits.

    Attributes:
        epochs: Passes over the pairs.
        batch: Pairs a step.
        rate: Highest learning rate, of one cycle.
        decay: Weight decay of the picture map.
        dropout: Of picture features, [0, 1].
        noise: Length of the random vector that is added to unit-norm text embeddings.
        prototypes: ImageNet classes a step, as a share of `batch`.
        temperature: To start with; it is learned.
        captions: Chance of title; title and tags; title and two tags; tags.
        pull: Weight of the squared distance of the text map from the identity.
    """

    epochs: int = 40
    batch: int = 512
    rate: float = 3e-4
    decay: float = 0.1
    dropout: float = 0.6
    noise: float = 0.3
    prototypes: float = 0.5
    temperature: float = 0.05
    captions: tuple[float, float, float, float] = (0.8, 0.1, 0.1, 0.0)
    pull: float = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedHead:
    """Maps of both sides, for raw features and unit-norm sentence embeddings.

    Attributes:
        picture: Full head, features (..., 1280) to (..., 384).
        text: Linear map (384 to 384).
        logit_scale: Natural logarithm of the factor of cosines.
    """

    picture: ConseHead
    text: torch.nn.Linear
    logit_scale: Tensor


def main() -> None:
    """Train on openclipart's training and validation pairs of split 0 and write the head."""
    parser = argparse.ArgumentParser(description="Train the embedded model's head.")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--output", type=Path, default=embedded.HEAD_FILE)
    wishes = parser.parse_args()
    corpus = load_corpus(wishes.cache)
    parts = split_pairs(corpus.pairs, corpus.groups, seed=0)
    own = np.array([pair.source == "openclipart" for pair in corpus.pairs])
    rows = np.flatnonzero(own & np.isin(parts, ("train", "validation")))
    save_head(train_head(corpus, rows, Recipe(), seed=0), wishes.output)
    print(f"{wishes.output}: trained on {len(rows)} pairs.")


def train_head(corpus: Corpus, rows: NDArray[np.int64], recipe: Recipe, *, seed: int) -> TrainedHead:
    """Train both maps.

    Args:
        corpus: From `load_corpus`.
        rows: Places of the training pairs.
        recipe: Settings.
        seed: Of weights, order, views, captions and noise.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    centre, spread = corpus.features[rows, 0].mean(0), corpus.features[rows, 0].std(0) + 1e-2
    linear, text, scale, logit_scale = _build_maps(recipe)
    optimiser = torch.optim.AdamW(
        [
            {"params": [linear.weight], "weight_decay": recipe.decay},
            {"params": [*text.parameters(), linear.bias, scale, logit_scale], "weight_decay": 0.0},
        ],
        lr=recipe.rate,
    )
    steps = recipe.epochs * -(-len(rows) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps, pct_start=0.1)
    prototypes = _prototypes(corpus, (centre, spread), rows)
    for _ in range(recipe.epochs):
        order = rng.permutation(rows)
        for start in range(0, len(order), recipe.batch):
            batch = _draw_batch(corpus, order[start : start + recipe.batch], recipe, rng)
            features, convex, captions, titles = _add_prototypes(batch, prototypes, (centre, spread), recipe, rng)
            pictures = normalize(linear(dropout(features, recipe.dropout)) + scale * convex, dim=-1)
            texts = normalize(text(_add_noise(captions, recipe.noise)), dim=-1)
            loss = contrast(texts, pictures, titles, logit_scale.exp().clamp(max=100))
            loss = loss + recipe.pull * (text.weight - torch.eye(embedded.DIMENSION)).square().sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return _join(corpus.head, linear, scale, (centre, spread), text, logit_scale)


def contrast(texts: Tensor, pictures: Tensor, titles: Tensor, scale: Tensor) -> Tensor:
    """InfoNCE in both directions; pairs of equal titles are no negatives.

    Args:
        texts: (N, D), unit-norm.
        pictures: (N, D), unit-norm.
        titles: (N,) number of each pair's title.
        scale: Factor of cosines.
    """
    labels = torch.arange(len(titles))
    equal = (titles[:, None] == titles[None]) & (labels[:, None] != labels[None])
    logits = (scale * texts @ pictures.T).masked_fill(equal, -1e4)  # (N, N)
    return (cross_entropy(logits, labels) + cross_entropy(logits.T, labels)) / 2


def save_head(head: TrainedHead, path: Path) -> None:
    """Write the learned tensors in float16; classifier and class embeddings come from the packages."""
    from safetensors.torch import save_file

    tensors = {
        "linear.weight": head.picture.linear.weight.half(),
        "linear.bias": head.picture.linear.bias.half(),
        "scale": head.picture.scale,
        "text.weight": head.text.weight.half(),
        "text.bias": head.text.bias.half(),
        "logit_scale": head.logit_scale,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)


def _build_maps(recipe: Recipe) -> tuple[torch.nn.Linear, torch.nn.Linear, Tensor, Tensor]:
    """The picture map starts near zero and the text map at the identity: training begins at ConSE."""
    linear = torch.nn.Linear(embedded.PICTURE_FEATURES, embedded.DIMENSION)
    text = torch.nn.Linear(embedded.DIMENSION, embedded.DIMENSION)
    with torch.no_grad():
        linear.weight.mul_(0.1)
        linear.bias.zero_()
        text.weight.copy_(torch.eye(embedded.DIMENSION))
        text.bias.zero_()
    scale = torch.ones((), requires_grad=True)
    return linear, text, scale, torch.tensor(1 / recipe.temperature).log().requires_grad_()


def _draw_batch(
    corpus: Corpus, rows: NDArray[np.int64], recipe: Recipe, rng: np.random.Generator
) -> tuple[Tensor, ...]:
    views = rng.integers(0, VIEWS, len(rows))
    captions = rng.choice(len(recipe.captions), len(rows), p=recipe.captions)
    return (
        corpus.features[rows, views],
        corpus.convex[rows, views],
        corpus.captions[rows, captions],
        corpus.titles[rows],
    )


def _prototypes(corpus: Corpus, moments: tuple[Tensor, Tensor], rows: NDArray[np.int64]) -> tuple[Tensor, ...]:
    """Each class as if it were a picture: its row of the classifier, as long as a typical feature vector."""
    centre, spread = moments
    length = ((corpus.features[rows, 0] - centre) / spread).norm(dim=1).mean()
    directions = corpus.head.classifier.weight * spread
    names = corpus.head.class_embeddings
    pictures = normalize(directions - directions.mean(0), dim=1) * length
    return (
        pictures,
        normalize(names - names.mean(0), dim=-1),
        names,
        int(corpus.titles.max()) + 1 + torch.arange(CLASSES),
    )


def _add_prototypes(
    batch: tuple[Tensor, ...],
    prototypes: tuple[Tensor, ...],
    moments: tuple[Tensor, Tensor],
    recipe: Recipe,
    rng: np.random.Generator,
) -> tuple[Tensor, ...]:
    chosen = rng.choice(CLASSES, int(recipe.batch * recipe.prototypes), replace=False)
    centre, spread = moments
    standard = ((batch[0] - centre) / spread, *batch[1:])
    return tuple(torch.cat([own, extra[chosen]]) for own, extra in zip(standard, prototypes, strict=True))


def _add_noise(captions: Tensor, length: float) -> Tensor:
    return normalize(captions + length * normalize(torch.randn_like(captions), dim=-1), dim=-1)


def _join(
    untrained: ConseHead,
    linear: torch.nn.Linear,
    scale: Tensor,
    moments: tuple[Tensor, Tensor],
    text: torch.nn.Linear,
    logit_scale: Tensor,
) -> TrainedHead:
    """Fold the standardisation of features into the linear map."""
    head = ConseHead(embedded.PICTURE_FEATURES, embedded.DIMENSION)
    head.load_state_dict(untrained.state_dict())
    centre, spread = moments
    with torch.no_grad():
        head.linear.weight.copy_(linear.weight / spread)
        head.linear.bias.copy_(linear.bias - head.linear.weight @ centre)
        head.scale.copy_(scale)
    return TrainedHead(picture=head.eval(), text=text.eval(), logit_scale=logit_scale.detach())


if __name__ == "__main__":
    main()
