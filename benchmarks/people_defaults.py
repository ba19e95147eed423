"""The defaults of what is fitted after the network, chosen on inner people of several logs.

    python -m benchmarks.people_defaults --data FOLDER --home FOLDER

Five folds of the inner people (`core.evaluate.nested`), vectors of the untrained model, one field at a time beside the
defaults of the others. ndcg@10 of each value on each log and its ratio to the default's; the value with the best mean
ratio over the logs is the one to take. Warm: the tenth of the items that is in no fit is left out. Cold: only it is
ranked, by what is carried, likeness and foretold popularity, each divided by its spread. Outer people are never read.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from benchmarks.people import SOURCES, open_source
from core.evaluate.nested import inner_log
from core.evaluate.protocol import Split, build_splits, rank_shuffled
from core.metrics import ndcg_at
from core.model.events import weigh_matrix, weigh_rows
from core.model.fitted import foretell_popularity
from core.train.memory_choice import MemoryChoice, set_field
from core.work.material import Material

WARM: Mapping[str, Sequence[float]] = {
    "rating_power": (0, 1, 2, 3, 4),
    "count_power": (0, 0.1, 0.2, 0.3, 0.5),
    "half_life": (0, 30, 60, 120, 240, 480),
    "shrinkage": (25, 50, 100, 200, 400, 800),
    "content": (0, 0.006, 0.0125, 0.025, 0.05, 0.1),
}
RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0)
SAY = (0.0, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One inner fold: its test, and the vectors of all items, (N, E)."""

    split: Split
    vectors: NDArray[np.float32]

    def measure(self, scores: NDArray[np.float32], shown: NDArray[np.bool_]) -> NDArray[np.float64]:
        """ndcg@10 of each person among the items shown, NaN without a target, (B,)."""
        masked = [history.items for history in self.split.histories]
        top = rank_shuffled(np.where(shown, scores, -np.inf).astype(np.float32), 10, masked)
        return ndcg_at(top, [items[shown[items]] for items in self.split.targets], 10)

    def warm(self, choice: MemoryChoice) -> NDArray[np.float64]:
        """Of the items with events, ranked by the memory alone."""
        memory = choice.fit(self._likes(choice), self.vectors)
        scores = memory.score(weigh_rows(self.split.histories, len(self.vectors), choice.events))[0]
        return self.measure(np.where(memory.seen, scores, -np.inf), ~self.split.cold)

    def cold(self, ridge: float, pairs: Sequence[tuple[float, float]]) -> list[NDArray[np.float64]]:
        """Of the items in no fit, by each say of likeness and popularity beside what is carried."""
        choice, cold = MemoryChoice(), self.split.cold
        memory = choice.fit(self._likes(choice), self.vectors).with_ridge(ridge)
        liked = weigh_rows(self.split.histories, len(self.vectors), choice.events)
        _, *heads = memory.score(liked)
        carried, likeness = (one / np.maximum(one[:, cold].std(axis=1, keepdims=True), 1e-9) for one in heads)
        prior = foretell_popularity(memory)
        prior = prior / max(float(prior[cold].std()), 1e-9)
        return [self.measure(carried + content * likeness + say * prior, cold) for content, say in pairs]

    def _likes(self, choice: MemoryChoice) -> "sparse.csr_array":
        log = self.split.fit
        return weigh_matrix(log.histories(np.unique(log.users)), len(self.vectors), choice.events)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--logs", nargs="+", choices=SOURCES, default=list(SOURCES))
    options = parser.parse_args()
    options.keep = options.home
    folds = {name: list(read_folds(name, options)) for name in options.logs}
    print(f"Default: {MemoryChoice()}.\n\n| field | value | {' | '.join(folds)} | mean ratio |")
    print("|---" * (len(folds) + 3) + "|")
    for name, values in WARM.items():
        print_rows(name, {value: measure_warm(folds, name, value) for value in values}, measure_warm(folds, "", 0))
    pairs = [(content, prior) for content in SAY for prior in SAY]
    found = {ridge: measure_cold(folds, ridge, pairs) for ridge in RIDGES}
    rows = {(ridge, *pair): found[ridge][place] for ridge in RIDGES for place, pair in enumerate(pairs)}
    print_rows("cold: ridge, likeness, popularity", rows, rows[1.0, 0.5, 0.5])


def read_folds(name: str, options: argparse.Namespace) -> Iterator[Fold]:
    material, log = open_source(SOURCES[name], options)
    vectors = read_vectors(material)
    for split in build_splits(inner_log(log), "users", seed=0):
        yield Fold(split=split, vectors=vectors)


def read_vectors(material: Material) -> NDArray[np.float32]:
    """What the memory takes of a model that has learned nothing, (N, E)."""
    from core.model.inference import unit
    from core.train.people import memory_vectors

    return memory_vectors(unit(material.tokens.join().reshape(len(material.stored), -1)), material.table.words)


def measure_warm(folds: Mapping[str, Sequence[Fold]], name: str, value: float) -> list[float]:
    """Mean of each log with one field set, or none."""
    choice = set_field(MemoryChoice(), name, float(value)) if name else MemoryChoice()
    return [float(np.nanmean(np.concatenate([fold.warm(choice) for fold in one]))) for one in folds.values()]


def measure_cold(
    folds: Mapping[str, Sequence[Fold]], ridge: float, pairs: Sequence[tuple[float, float]]
) -> list[list[float]]:
    """Mean of each log, for each pair."""
    by_log = [[fold.cold(ridge, pairs) for fold in one] for one in folds.values()]
    return [
        [float(np.nanmean(np.concatenate([fold[place] for fold in one]))) for one in by_log]
        for place in range(len(pairs))
    ]


def print_rows(name: str, rows: Mapping[object, Sequence[float]], usual: Sequence[float]) -> None:
    for value, found in rows.items():
        ratio = np.mean([one / other for one, other in zip(found, usual, strict=True)])
        print(f"| {name} | {value} | {' | '.join(f'{one:.4f}' for one in found)} | {ratio:.3f} |", flush=True)


if __name__ == "__main__":
    main()
