"""The data doctor: what to know about a log before training on it, and before believing a number measured on it.

It reads only the log and the item table. What it cannot see: whether times are when people acted or when rows were
written, and whether a column of the catalogue (stock, rank, sales) was filled in after the fact.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.baselines.recommender import ItemTable
from core.interactions.log import EVENT_TYPES, NO_TIME, InteractionLog
from core.wording import count_noun

MIN_USERS, MIN_LIKED = 50, 5
#: Rank correlation of item order and first event from which on the order tells the time; chance stays below it.
ORDER_CORRELATION, ORDER_DEVIATIONS = 0.3, 4.0
ROBOT_SHARE = 0.2
UNKNOWN_SHARE = 0.1
SINGLE_SHARE = 0.5
#: Above this share of impossible times the times as a whole are wrong.
WRONG_TIMES_SHARE = 0.01
YEAR_1990 = 631_152_000
DAY = 86_400
SHOWN = 5

FindingSeverity = Literal["ok", "warning", "error"]
_ORDER: tuple[FindingSeverity, ...] = ("error", "warning", "ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check.

    Attributes:
        code: A short stable name.
        severity: "error" makes what is learned or measured wrong, "warning" makes it weaker, "ok" is a clean bill.
        message: One sentence that says what to do, or what is fine.
        examples: A few ids or values concerned.
    """

    code: str
    severity: FindingSeverity
    message: str
    examples: tuple[str, ...] = ()


def examine(log: InteractionLog, items: ItemTable, *, now: int, unknown_events: int) -> tuple[Finding, ...]:
    """Check a log before training.

    Args:
        log: As read.
        items: The catalogue that the log's items are numbered by.
        now: Seconds since the epoch; events more than a day later are in the future.
        unknown_events: Events that were left out since the catalogue has no such item.

    Returns:
        One finding a check that could be made, errors first, then warnings.

    Raises:
        ValueError: The log is numbered by another catalogue.
    """
    if log.item_ids != items.item_ids:
        raise ValueError("the log is numbered by other items than the table")
    found = [_check_unknown(log, unknown_events)]
    if len(log):
        found += [_check_amount(log), _check_single(log), _check_robot(log), _check_repeated(log), _check_times(log)]
        found += [*_check_ratings(log), *_check_moments(log, now), *_check_order(log)]
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.severity)))


def _check_unknown(log: InteractionLog, unknown: int) -> Finding:
    total = len(log) + unknown
    if not len(log):
        message = "The log holds no event with an item of this catalogue; check which column holds the item ids."
        return Finding(code="unknown_items", severity="error", message=message)
    share = unknown / total
    if share > UNKNOWN_SHARE:
        message = f"{share:.0%} of the events name items that the catalogue does not have; import those items first."
        return Finding(code="unknown_items", severity="warning", message=message)
    message = f"{1 - share:.1%} of the events name items of the catalogue."
    return Finding(code="unknown_items", severity="ok", message=message)


def _check_amount(log: InteractionLog) -> Finding:
    active = int((np.bincount(log.users[log.liked], minlength=1) >= MIN_LIKED).sum())
    if active < MIN_USERS:
        message = (
            f"Only {active} users have {MIN_LIKED} or more liked events ({MIN_USERS} are needed), so training on the "
            "log will probably not beat popularity; train on the catalogue alone instead."
        )
        return Finding(code="little_data", severity="warning", message=message)
    people = count_noun(active, "user has", "users have")
    message = f"{people} {MIN_LIKED} or more liked events, enough to try training on the log."
    return Finding(code="little_data", severity="ok", message=message)


def _check_single(log: InteractionLog) -> Finding:
    counts = np.bincount(log.users)
    counts = counts[counts > 0]
    share = float((counts == 1).mean())
    if share > SINGLE_SHARE:
        message = (
            f"{share:.0%} of the users have one event only, which leaves nothing to predict; map another column if "
            "these are sessions of the same people."
        )
        return Finding(code="single_events", severity="warning", message=message)
    return Finding(code="single_events", severity="ok", message=f"{1 - share:.0%} of the users have several events.")


def _check_robot(log: InteractionLog) -> Finding:
    counts = np.bincount(log.users)
    busiest = int(counts.argmax())
    share = float(counts[busiest] / len(log))
    # Of a handful of people one always holds much.
    if share > max(ROBOT_SHARE, 2 / int((counts > 0).sum())):
        message = f"One user holds {share:.0%} of all events; delete these rows if it is a robot, a test or a till."
        return Finding(code="robot", severity="warning", message=message, examples=(log.user_ids[busiest],))
    return Finding(code="robot", severity="ok", message=f"The busiest user holds {share:.1%} of the events.")


def _check_repeated(log: InteractionLog) -> Finding:
    order = np.lexsort((log.events, log.items, log.times, log.users))
    columns = [column[order] for column in (log.users, log.times, log.items, log.events)]
    again = order[1:][np.all([column[1:] == column[:-1] for column in columns], axis=0)]
    repeated = len(again)
    if not repeated:
        return Finding(code="repeated_events", severity="ok", message="No event is written down twice.")
    events = count_noun(repeated, "event repeats", "events repeat")
    message = f"{events} another of the same user, item, type and time; keep one row of each."
    shown = tuple(
        f"{log.user_ids[log.users[row]]}, {log.item_ids[log.items[row]]}, {EVENT_TYPES[log.events[row]]}"
        for row in np.sort(again)[:SHOWN].tolist()
    )
    return Finding(code="repeated_events", severity="warning", message=message, examples=shown)


def _check_times(log: InteractionLog) -> Finding:
    without = int((log.times == NO_TIME).sum())
    if not without:
        return Finding(code="times", severity="ok", message="Every event has its time.")
    if without == len(log):
        message = (
            "The log has no times, so only some users can be held out with their events in random order, which "
            "flatters every model; add a column of times if there is one."
        )
        return Finding(code="times", severity="warning", message=message)
    message = f"{without:,} of {len(log):,} events have no time, so no split by time is possible; fill or delete them."
    return Finding(code="times", severity="warning", message=message)


def _check_ratings(log: InteractionLog) -> list[Finding]:
    rated = (log.events == EVENT_TYPES.index("rating")) & np.isfinite(log.values)
    values = log.values[rated]
    if len(values) < 2:
        return []
    if (values == values[0]).all():
        message = "All ratings are equal and tell nothing about taste; check the column, or map none as the rating."
        return [Finding(code="equal_ratings", severity="warning", message=message, examples=(f"{values[0]:g}",))]
    message = f"Ratings go from {values.min():g} to {values.max():g}."
    return [Finding(code="equal_ratings", severity="ok", message=message)]


def _check_moments(log: InteractionLog, now: int) -> list[Finding]:
    known = log.times[log.times != NO_TIME]
    if not len(known):
        return []
    # A time without a zone is read as UTC, so the last hours may seem to lie ahead.
    wrong = known[(known > now + DAY) | (known < YEAR_1990)]
    if not len(wrong):
        return [Finding(code="impossible_times", severity="ok", message="All times lie between 1990 and now.")]
    events = count_noun(len(wrong), "event is", "events are")
    message = f"{events} dated in the future or before 1990; correct the times or their unit."
    shown = tuple(str(np.datetime64(second, "s")) for second in wrong[:SHOWN].tolist())
    severity: FindingSeverity = "error" if len(wrong) > WRONG_TIMES_SHARE * len(known) else "warning"
    return [Finding(code="impossible_times", severity=severity, message=message, examples=shown)]


def _first_times(log: InteractionLog) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items with a dated event, and the time of the first of each, (M,) both."""
    dated = log.times != NO_TIME
    first = np.full(len(log.item_ids), np.iinfo(np.int64).max)
    np.minimum.at(first, log.items[dated], log.times[dated])
    seen = np.flatnonzero(first < np.iinfo(np.int64).max)
    return seen, first[seen]


def _check_order(log: InteractionLog) -> list[Finding]:
    seen, first = _first_times(log)
    if len(seen) < 3 or first.min() == first.max():
        return []
    orders = {"order in the catalogue": seen}
    ids = [log.item_ids[item] for item in seen.tolist()]
    if all(text.isascii() and text.isdigit() and len(text) < 19 for text in ids):
        orders["ids"] = np.array(ids, np.int64)
    name, value = max(((name, _correlate(order, first)) for name, order in orders.items()), key=lambda o: abs(o[1]))
    if abs(value) < ORDER_CORRELATION or abs(value) * np.sqrt(len(seen) - 1) < ORDER_DEVIATIONS:
        message = (
            f"The order of the items does not tell the time (rank correlation {abs(value):.2f} with first events)."
        )
        return [Finding(code="order_tells_time", severity="ok", message=message)]
    message = (
        f"The items' {name} follow{'s' if name != 'ids' else ''} the time of their first event (rank correlation "
        f"{value:.2f}), so a model given ids could peek at the future; keep ids out of every model and of ties."
    )
    return [Finding(code="order_tells_time", severity="warning", message=message)]


def _correlate(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    from scipy.stats import rankdata  # type: ignore[import-untyped]

    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])
