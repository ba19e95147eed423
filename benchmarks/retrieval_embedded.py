"""Text-to-picture retrieval of the embedded model, on pairs that were held out.

    python -m benchmarks.retrieval_embedded

Every query is a title, every picture of the pool is ranked, and only the query's own picture counts, also where
another one has the same title. Splits part leakage groups, see `benchmarks.clipart.group_pairs`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.clipart import split_pairs
from benchmarks.embedded_corpus import DEFAULT_CACHE, Corpus, load_corpus
from benchmarks.train_embedded import Recipe, train_head
from core.encode import embedded

SEEDS = (0, 1, 2)
Scores = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    """Print heads trained on both sources, then the shipped head on drawings and on stamps."""
    parser = argparse.ArgumentParser(description="Retrieval of the embedded model.")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    wishes = parser.parse_args()
    corpus = load_corpus(wishes.cache)
    source = np.array([pair.source for pair in corpus.pairs])
    things = np.array([not pair.only_trains for pair in corpus.pairs])
    print(
        f"| head | trained on | pool ({wishes.part}) | R@1 | R@5 | R@10 | median rank |\n|---|---|---|---|---|---|---|"
    )
    both = [_run_split(corpus, wishes.part, seed) for seed in SEEDS]
    sizes = f"both sources, {' / '.join(str(len(pool)) for pool, _ in both)}, splits {SEEDS}"
    for name, trained in (("random", "-"), ("ConSE", "nothing"), ("ConSE + linear", "both sources, other groups")):
        print_row(name, trained, sizes, [ranks[name] for _, ranks in both])
    held_out = np.flatnonzero((split_pairs(corpus.pairs, corpus.groups, seed=0) == "test") & (source == "openclipart"))
    stamps = np.flatnonzero(things & (source == "tuxpaint"))
    for name, pool in (("openclipart, split 0", held_out), ("tuxpaint stamps", stamps)):
        sizes = f"{name}, {len(pool)}"
        print_row("ConSE", "nothing", sizes, [rank(corpus, pool, _untrained(corpus))])
        print_row("shipped", "openclipart, without this test", sizes, [rank(corpus, pool, _shipped(corpus))])


def print_row(name: str, trained: str, pool: str, ranks: list[NDArray[np.int64]]) -> None:
    """Print means over splits, with the deviation where there are several."""
    figures = np.array([[*(100 * (row <= k).mean() for k in (1, 5, 10)), np.median(row)] for row in ranks])
    cells = [f"{mean:.1f}" for mean in figures.mean(0)]
    if len(ranks) > 1:
        cells = [f"{cell} ± {deviation:.1f}" for cell, deviation in zip(cells, figures.std(0), strict=True)]
    print(f"| {name} | {trained} | {pool} | {' | '.join(cells)} |", flush=True)


def rank(corpus: Corpus, pool: NDArray[np.int64], score: Scores) -> NDArray[np.int64]:
    """Rank of each title's own picture among the pool's, 1 is best.

    Args:
        corpus: From `load_corpus`.
        pool: (M,) places of pairs.
        score: Features (M, 1280) and captions (M, 384) to scores (M texts, M pictures).
    """
    with torch.inference_mode():
        scores = score(corpus.features[pool, 0], corpus.captions[pool, 0])
    better: Tensor = (scores > scores.diagonal()[:, None]).sum(1)
    return better.numpy() + 1


def _run_split(corpus: Corpus, part: str, seed: int) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    """Train on both sources' other groups, as the figures that this model was chosen by did."""
    parts = split_pairs(corpus.pairs, corpus.groups, seed=seed)
    pool = np.flatnonzero(parts == part)
    head = train_head(corpus, np.flatnonzero(parts == "train"), Recipe(), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    return pool, {
        "random": rank(corpus, pool, lambda _, texts: torch.rand(len(texts), len(texts), generator=generator)),
        "ConSE": rank(corpus, pool, _untrained(corpus)),
        "ConSE + linear": rank(corpus, pool, _cosines(head.picture, head.text)),
    }


def _untrained(corpus: Corpus) -> Scores:
    return _cosines(corpus.head.convex, lambda texts: texts)


def _shipped(corpus: Corpus) -> Scores:
    """The head as the product loads it, float16 and all."""
    state = {name: tensor.float() for name, tensor in load_file(embedded.HEAD_FILE).items()}

    def picture(features: Tensor) -> Tensor:
        linear = features @ state["linear.weight"].T + state["linear.bias"]
        return linear + state["scale"] * corpus.head.convex(features)

    return _cosines(picture, lambda texts: texts @ state["text.weight"].T + state["text.bias"])


def _cosines(picture: Callable[[Tensor], Tensor], text: Callable[[Tensor], Tensor]) -> Scores:
    return lambda features, captions: normalize(text(captions), dim=-1) @ normalize(picture(features), dim=-1).T


if __name__ == "__main__":
    main()
