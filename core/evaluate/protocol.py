"""Splits that a figure may be taken from, and the measuring of one recommender on one split.

Never a look into the future: "time" cuts everyone at one moment, "users" fits on some people and tests on others.
"last" and "random" are the splits that many papers print; both let a model see what came later, so they are labelled
optimistic. Ranking is over all items that a person has not had; ties are broken by a fixed shuffle, since the order
of ids often follows age or popularity.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable, Recommender, is_transductive
from core.errors import CancelledError, EvaluationError, JobError, WishlightError
from core.evaluate.costs import FitCost, fit_counted, sum_costs
from core.evaluate.measured import Measured, Unmeasured
from core.interactions.log import History, InteractionLog
from core.metrics import ndcg_at, rank_top, recall_at, reciprocal_rank_at
from core.train.blocks import split_rows
from core.train.data import split_history
from core.train.held_out import hash_bucket

_log = logging.getLogger(__name__)
SplitName = Literal["time", "users", "last", "random"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
OPTIMISTIC = frozenset({"last", "random"})
FOLDS = 5
#: One item in so many is kept out of every fit and ranked apart.
COLD_SHARE = 10
#: A global cut must leave so many test users with a history, else people are held out.
LEAST_TEST_USERS = 100
#: The most liked share of the items; what lies beyond is the tail.
TAIL_BEYOND = 0.2
#: People with at most so many events count as newcomers.
NEWCOMER = 20
#: Ranks that are looked at.
DEPTH = 20
#: People who are scored together, and fewer where there are so many items that they would make more cells than that.
_BATCH, _CELLS = 64, 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One fit and the people it is tested on.

    Attributes:
        fit: What may be learned from.
        users: Number of each test person in the log, (B,).
        histories: What is known of them when they are tested; their items are masked.
        targets: Items each liked afterwards, (T,) each.
        cold: Items kept out of the fit, or without any event in it, ranked apart, (N,).
        apart: Whether cold items are left out of the main ranking.
    """

    fit: InteractionLog
    users: NDArray[np.int64]
    histories: tuple[History, ...]
    targets: tuple[NDArray[np.int64], ...]
    cold: NDArray[np.bool_]
    apart: bool

    @property
    def is_tail(self) -> NDArray[np.bool_]:
        """Items of the fit outside the fifth that is liked most, (N,)."""
        counts = np.bincount(self.fit.items[self.fit.liked], minlength=len(self.cold))
        order = np.argsort(-counts, kind="stable")
        tail = ~self.cold
        tail[order[: int(TAIL_BEYOND * (~self.cold).sum())]] = False
        return tail


def cold_items(item_ids: Sequence[str]) -> NDArray[np.bool_]:
    """A tenth of the items by the hash of their id, (N,)."""
    return np.array([hash_bucket(item, COLD_SHARE, salt="cold") == 0 for item in item_ids])


def choose_split(log: InteractionLog) -> SplitName:
    """The stricter of "time" and "users" that leaves enough people to test on."""
    if log.has_times and len(_split_time(log, cold_items(log.item_ids)).users) >= LEAST_TEST_USERS:
        return "time"
    return "users"


def build_splits(log: InteractionLog, name: SplitName, *, seed: int = 0) -> Iterator[Split]:
    """The folds of a split: five for "users", one for the others.

    Args:
        log: Everyone's events.
        name: One of `SPLITS`.
        seed: Of the choice of people or events.

    Raises:
        EvaluationError: The log has no times and the split needs them, or nobody is left to test on.
    """
    if name in ("time", "last") and not log.has_times:
        raise EvaluationError(f"The split “{name}” needs the time of every event. Use “users” or “random”.")
    found: Iterator[Split]
    if name == "users":
        people = np.unique(log.users)
        folds = np.random.default_rng([seed, 5]).permutation(len(people)) % FOLDS
        found = (leave_people_out(log, people[folds == fold]) for fold in range(FOLDS))
    else:
        cold = cold_items(log.item_ids)
        found = iter([_split_time(log, cold) if name == "time" else _split_events(log, cold, name, seed)])
    tested = 0
    for one in found:  # each when it is asked for: it holds most of the log once more
        tested += len(one.users)
        if len(one.users):
            yield one
    if not tested:
        raise EvaluationError("Nobody is left to test on: people need a history and something they liked after it.")


def leave_people_out(log: InteractionLog, people: NDArray[np.int64]) -> Split:
    """Fit on everybody else and test these people, (U,), of whom `core.train.data.split_history` says what is known."""
    cold = cold_items(log.item_ids)
    rows, histories, targets = [], [], []
    for person, history in zip(people.tolist(), log.histories(people), strict=True):
        begin, later = split_history(history)
        begin = begin.take(~cold[begin.items])
        if len(begin) and len(later):
            rows.append(person)
            histories.append(begin)
            targets.append(later)
    fit, users = log.take(~cold[log.items] & ~np.isin(log.users, people)), np.array(rows, np.int64)
    return Split(fit=fit, users=users, histories=tuple(histories), targets=tuple(targets), cold=cold, apart=True)


def split_files(fit: InteractionLog, test: InteractionLog) -> Split:
    """Fit on one log, test on the people of another, who are new; both over the same items.

    `core.train.data.split_history` says what is known of each test person. Items that the fit has not seen are cold,
    and compete with all others in the main ranking.
    """
    people = np.unique(test.users)
    parts = [split_history(history) for history in test.histories(people)]
    kept = [row for row, (begin, later) in enumerate(parts) if len(begin) and len(later)]
    return Split(
        fit=fit,
        users=people[kept],
        histories=tuple(parts[row][0] for row in kept),
        targets=tuple(parts[row][1] for row in kept),
        cold=np.bincount(fit.items, minlength=len(fit.item_ids)) == 0,
        apart=False,
    )


def measure(
    build: Callable[[], Recommender],
    splits: Sequence[Split],
    items: ItemTable,
    *,
    progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None,
) -> Measured:
    """Fit and test a recommender on every fold.

    Args:
        build: Makes a fresh one.
        splits: Folds.
        items: What is known of the items.
        progress: Called between folds and between batches of people.
    """
    parts: list[tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]] = []
    costs: list[FitCost] = []
    score_seconds = 0.0
    for number, split in enumerate(splits):
        recommender = build()
        progress(f"Fitting {recommender.name}", number, len(splits))
        costs.append(fit_counted(recommender, split.fit, items, split.histories))
        fitted = time.monotonic()
        parts.append(_measure_fold(recommender, split, {"tail": split.is_tail, **items.slices}))
        score_seconds += time.monotonic() - fitted
    progress(f"Fitting {recommender.name}", len(splits), len(splits))
    return Measured(
        name=recommender.name,
        users=np.concatenate([split.users for split in splits]),
        values={key: np.concatenate([values[key] for values, _ in parts]) for key in parts[0][0]},
        top=np.concatenate([top for _, top in parts]),
        score_seconds=score_seconds,
        transductive=is_transductive(recommender),
        **sum_costs(costs),
    )


def try_measure(
    name: str,
    build: Callable[[], Recommender],
    splits: Sequence[Split],
    items: ItemTable,
    *,
    progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None,
) -> Measured | Unmeasured:
    """As `measure`, with the reason in place of the values where the recommender of that name fails.

    Raises:
        CancelledError: A person wants the work to stop.
        JobError: Another worker has the job.
    """
    try:
        return measure(build, splits, items, progress=progress)
    except (CancelledError, JobError):
        raise
    except WishlightError as exc:
        return Unmeasured(name=name, reason=str(exc))
    except Exception as exc:
        _log.exception("%s cannot be measured", name)
        what = str(exc).strip().split("\n")[0][:200] or "no reason given"
        return Unmeasured(name=name, reason=f"It failed inside ({type(exc).__name__}: {what}).")


def _measure_fold(
    recommender: Recommender, split: Split, kinds: Mapping[str, NDArray[np.bool_]]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    """Values of each person by metric, and their first items; targets of a kind, (N,), are measured apart as well."""
    values: dict[str, list[NDArray[np.float64]]] = {}
    tops = []
    for part in split_rows(len(split.users), len(split.cold), cells=_CELLS, most=_BATCH):
        scores = recommender.score(split.histories[part])
        masked = [history.items for history in split.histories[part]]
        found, top = _rank_people(scores, masked, split.targets[part], split, kinds)
        tops.append(top)
        new = np.array([len(history) <= NEWCOMER for history in split.histories[part]])
        found["newcomer_ndcg@10"] = np.where(new, found["ndcg@10"], np.nan)
        for key, one in found.items():
            values.setdefault(key, []).append(one)
    return {key: np.concatenate(found) for key, found in values.items()}, np.concatenate(tops)


def _rank_people(
    scores: NDArray[np.float32],
    masked: Sequence[NDArray[np.int64]],
    targets: Sequence[NDArray[np.int64]],
    split: Split,
    kinds: Mapping[str, NDArray[np.bool_]],
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    shown = ~split.cold if split.apart else np.ones(len(split.cold), bool)
    top = rank_shuffled(np.where(shown, scores, -np.inf).astype(np.float32), DEPTH, masked)
    known = [items[shown[items]] for items in targets]
    cold_top = rank_shuffled(np.where(split.cold, scores, -np.inf).astype(np.float32), DEPTH, masked)
    new = [items[split.cold[items]] for items in targets]
    apart = {name: ndcg_at(top, [items[kind[items]] for items in known], 10) for name, kind in kinds.items()}
    return {
        "ndcg@10": ndcg_at(top, known, 10),
        "recall@10": recall_at(top, known, 10),
        "recall@20": recall_at(top, known, 20),
        "mrr@10": reciprocal_rank_at(top[:, :10], known, 10),
        **{f"{name}_ndcg@10": values for name, values in apart.items()},
        "cold_ndcg@10": ndcg_at(cold_top, new, 10),
        "cold_recall@10": recall_at(cold_top, new, 10),
    }, top


def rank_shuffled(scores: NDArray[np.float32], k: int, masked: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """`rank_top` with ties in a fixed random order instead of the catalogue's."""
    order = np.random.default_rng(20_240_229).permutation(scores.shape[1])
    place = np.argsort(order)
    top = rank_top(scores[:, order], k, masked=[place[items] for items in masked])
    return np.where(top >= 0, order[top], -1)


def _split_time(log: InteractionLog, cold: NDArray[np.bool_]) -> Split:
    """Everyone is cut at the moment before which 90 % of all events lie; equal moments stay on the early side."""
    cut = np.quantile(log.times, 0.9) if len(log) else 0
    late = log.times > cut
    known = log.take(~late & ~cold[log.items])
    return _collect(known, log.take(late), cold)


def _split_events(log: InteractionLog, cold: NDArray[np.bool_], name: SplitName, seed: int) -> Split:
    """The last event of each person, or a tenth of all events at random."""
    if name == "last":
        late = np.r_[np.diff(log.users) != 0, True] if len(log) else np.zeros(0, bool)
    else:
        late = np.random.default_rng([seed, 6]).random(len(log)) < 0.1
    return _collect(log.take(~late & ~cold[log.items]), log.take(late), cold)


def _collect(known: InteractionLog, later: InteractionLog, cold: NDArray[np.bool_]) -> Split:
    people = np.intersect1d(known.users, later.users)
    rows, histories, targets = [], [], []
    pairs = zip(people.tolist(), known.histories(people), later.histories(people), strict=True)
    for person, begin, after in pairs:
        wanted = np.setdiff1d(after.items[after.liked], begin.items)
        if len(wanted):
            rows.append(person)
            histories.append(begin)
            targets.append(wanted)
    users = np.array(rows, np.int64)
    return Split(fit=known, users=users, histories=tuple(histories), targets=tuple(targets), cold=cold, apart=True)
