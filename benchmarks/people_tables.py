"""Markdown tables of what `benchmarks.people` has measured."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.evaluate.measured import Measured, average_runs, compare_people
from core.metrics import coverage, gini

_COLUMNS = (
    "model", "seeds", "ndcg@10", "95 % interval", "by seed", "fusion leads by (paired)", "recall@10", "newcomers",
    "tail", "cold", "fusion leads on cold", "coverage@10", "Gini@10", "fits, s", "tuning, s", "peak, MB", "notes",
)  # fmt: skip
_MAIN = ("newcomer", "tail", "cold")


def print_tables(folder: Path, runs: Mapping[str, Sequence[Measured]], failed: Mapping[str, str]) -> None:
    """What is kept of one log, best model first."""
    if not runs:
        print(f"\n{folder.name}: nothing is kept.", *(f"{name}: {reason}" for name, reason in failed.items()))
        return
    facts = json.loads((folder / "facts.json").read_text("utf-8"))
    averages = {name: average_runs(found) for name, found in runs.items()}
    order = sorted(averages, key=lambda name: -(averages[name].mean("ndcg@10") or 0.0))
    best = averages[order[0]]
    print(
        f"\n{folder.name}: {facts['people']:,} people tested in {facts['folds']} "
        f"fold{'s' if facts['folds'] > 1 else ''}, {best.count('ndcg@10'):,} of them with a target that the fit knows; "
        f"histories of {facts['history']} events (median); {facts['items']:,} items, {facts['cold_items']:,} of them "
        f"in no fit; preset {facts['preset']}. People with a target: "
        f"{', '.join(f'{_name(metric)} {best.count(metric):,}' for metric in _apart(best))}.\n"
    )
    _print_row(_COLUMNS)
    _print_row(["---"] * len(_COLUMNS))
    for name in order:
        _print_row(_row(name, runs[name], averages, facts["items"]))
    for name, reason in failed.items():
        _print_row([name, *[""] * (len(_COLUMNS) - 2), f"not measured: {reason}"])
    _print_slices(order, averages)


def _row(name: str, runs: Sequence[Measured], averages: Mapping[str, Measured], items: int) -> list[str]:
    one, fusion = averages[name], averages.get("fusion")
    low, high = one.interval("ndcg@10") or (0.0, 1.0)
    seeds = [run.mean("ndcg@10") or 0.0 for run in runs]
    return [
        name,
        str(len(runs)),
        _number(one.mean("ndcg@10")),
        f"{low:.3f} to {high:.3f}",
        f"{min(seeds):.4f} to {max(seeds):.4f}",
        _lead(fusion, one, "ndcg@10"),
        _number(one.mean("recall@10")),
        *(_number(one.mean(f"{kind}_ndcg@10")) for kind in _MAIN),
        _lead(fusion, one, "cold_ndcg@10"),
        f"{coverage(one.top[:, :10], items):.3f}",
        f"{gini(one.top[:, :10], items):.3f}",
        f"{one.fit_seconds:,.1f}",
        *describe_run(runs),
    ]


def describe_run(runs: Sequence[Measured]) -> tuple[str, str, str]:
    """Seconds of tuning, most memory of a fit in MB, and notes: the one place that knows these fields."""
    tuning = float(np.mean([getattr(run, "tuning_seconds", 0.0) for run in runs]))
    peak = max((getattr(run, "peak", None) or 0 for run in runs), default=0)
    choices = [choice for run in runs for choice in getattr(run, "choices", ())]
    edges = sorted({edge for choice in choices for edge in choice["at_edge"]})
    notes = ["saw the test people's histories"] if any(getattr(run, "transductive", False) for run in runs) else []
    notes += [f"best at the edge of what was tried: {', '.join(edges)}"] if edges else []
    return f"{tuning:,.1f}" if tuning else "–", f"{peak / 2**20:,.0f}" if peak else "–", "; ".join(notes)


def _print_slices(order: Sequence[str], averages: Mapping[str, Measured]) -> None:
    """ndcg@10 of each kind of items and people, with its interval over the people who have a target of it."""
    best = averages[order[0]]
    kinds = [metric for metric in _apart(best) if best.count(metric)]
    print()
    _print_row(["ndcg@10", *(f"{_name(metric)} ({best.count(metric):,})" for metric in kinds), "cold recall@10"])
    _print_row(["---"] * (len(kinds) + 2))
    for name in order:
        one = averages[name]
        spans = [(one.mean(metric), one.interval(metric) or (np.nan, np.nan)) for metric in kinds]
        cells = [f"{_number(mean)} ({low:.3f} to {high:.3f})" for mean, (low, high) in spans]
        _print_row([name, *cells, _number(one.mean("cold_recall@10"))])


def _apart(one: Measured) -> list[str]:
    return [metric for metric in one.values if metric.endswith("_ndcg@10")]


def _name(metric: str) -> str:
    return metric.removesuffix("_ndcg@10").replace("_", " ")


def _lead(fusion: Measured | None, one: Measured, metric: str) -> str:
    if fusion is None or fusion is one:
        return "–"
    found = compare_people(fusion, one, metric=metric)
    return f"{found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})" if found.count else "–"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _print_row(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |")
