"""Of very many people who could be tested, some."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.evaluate.protocol import Split


def sample_people(split: Split, most: int, *, seed: int) -> Split:
    """The same fit, tested on at most so many of its people, drawn by the seed; as it is where there are no more."""
    if len(split.users) <= most:
        return split
    return take_people(split, np.sort(np.random.default_rng([seed, 7]).choice(len(split.users), most, replace=False)))


def take_people(split: Split, rows: NDArray[np.int64]) -> Split:
    """The same fit, tested on the people of these rows, (B',)."""
    return replace(
        split,
        users=split.users[rows],
        histories=tuple(split.histories[row] for row in rows.tolist()),
        targets=tuple(split.targets[row] for row in rows.tolist()),
    )
