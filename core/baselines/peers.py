"""What adapters over other people's recommenders share: finding them, containing them, telling them whom to score."""

import importlib
import importlib.util
import io
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.baselines.matrices import history_matrix, like_counts, log_matrix
from core.errors import EvaluationError
from core.interactions.log import History, InteractionLog

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]


def is_installed(package: str) -> bool:
    """Whether a package can be imported; it is not imported for that."""
    return importlib.util.find_spec(package) is not None


def import_peer(module: str) -> Any:
    """A module of a peer.

    Raises:
        EvaluationError: Its package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as exc:
        raise EvaluationError(
            f"It needs {exc.name}, which is not installed. Install it with: pip install -r requirements-peers.txt"
        ) from exc


@contextmanager
def contained() -> Iterator[None]:
    """Keeps in what peers do to the whole process: lines on the standard output, warnings, seeds."""
    import torch

    cudnn, state = torch.backends.cudnn, np.random.get_state()
    switches = {name: getattr(cudnn, name) for name in ("enabled", "deterministic", "benchmark")}
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)
        for name, value in switches.items():
            setattr(cudnn, name, value)


def find_liked(likes: "csr_array", *, least: int = 2, most: int = sys.maxsize) -> NDArray[np.int64]:
    """Items that somebody liked, (K,): peers know no others.

    Args:
        likes: (U, N).
        least: Items without which the peer fails.
        most: Items that its memory is enough for.

    Raises:
        EvaluationError: There are fewer or more.
    """
    liked = np.flatnonzero(np.asarray(likes.sum(axis=0)).ravel() > 0)
    if len(liked) < least:
        raise EvaluationError(f"It learns from at least {least} liked items, and the log has {len(liked)}.")
    if len(liked) > most:
        raise EvaluationError(f"It would take tens of gigabytes for {len(liked):,} liked items; {most:,} are its most.")
    return liked


def spread_scores(scores: NDArray[np.float32], known: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Scores of the known items, (B, K), in their places among all, (B, count); the others lie below them."""
    below = scores.min(axis=1, keepdims=True) - 1
    found = np.repeat(below, count, axis=1).astype(np.float32)
    found[:, known] = scores
    return found


class ExpectsPeople:
    """Base of peers that score nobody who was not in their fit: the tested people's histories join it, never targets.

    That favours them: what those people had before is among what they learned from.
    """

    transductive = True

    def __init__(self) -> None:
        self._expected: tuple[History, ...] = ()

    def expect(self, histories: Sequence[History]) -> None:
        """Those who will be asked about, before the fit."""
        self._expected = tuple(histories)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Scores of all items, (B, N); popularity for a person who liked nothing.

        Raises:
            ValueError: A history was not among those expected.
        """
        scores = np.tile(self._popularity, (len(histories), 1))
        for place, history in enumerate(histories):
            if history.liked.any():
                key = _name_history(history)
                if key not in self._rows:
                    raise ValueError("expect(histories) comes before fit: this person was not in it")
                scores[place] = self._score_person(self._rows[key])
        return scores

    def _join_people(self, log: InteractionLog) -> "csr_array":
        """Likes of the fit's people, then of those expected, (U, N), who liked anything."""
        from scipy.sparse import csr_array, vstack

        self._popularity = like_counts(log)
        expected = {_name_history(one): one for one in self._expected if one.liked.any()}
        fitted = log_matrix(log)
        fitted = fitted[np.diff(fitted.indptr) > 0]
        self._rows = {key: fitted.shape[0] + place for place, key in enumerate(expected)}
        return csr_array(vstack([fitted, history_matrix(tuple(expected.values()), fitted.shape[1])]))

    def _score_person(self, row: int) -> NDArray[np.float32]:
        """Scores of all items for a row of the fit, (N,)."""
        raise NotImplementedError


def _name_history(history: History) -> bytes:
    return np.unique(history.items[history.liked]).tobytes()
