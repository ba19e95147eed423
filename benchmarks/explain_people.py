"""Explanations of suggestions to people: what they cost, and whether their ranks are those that `recommend` gives.

    python -m benchmarks.explain_people --home FOLDER --catalog Movies

People of the log are drawn by a seed; what is explained is the first suggestion, and the tenth. Each removal from a
history, and each nearest flip, is then asked of `recommend` by itself and compared. The first explanation loads the
models and folds the words; it is not counted.
"""

import argparse
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.explain.people.person_explanation import PersonExplanation
from core.home import open_home
from core.work.recommend import Person, find_person, suggest_to
from core.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    workspace = Workspace(open_home(options.home))
    catalog = workspace.catalogs.find(options.catalog)
    users = workspace.interactions.first_users(catalog.id, 1_000_000)
    picked = np.random.default_rng(options.seed).choice(len(users), options.people + 1, replace=False)
    found, right, suggested = [], [], []
    for at, number in enumerate(picked.tolist()):
        person = find_person(workspace, users[number], catalog.name)
        began = time.perf_counter()
        page = suggest_to(workspace, person, 10)
        seconds = time.perf_counter() - began
        one = workspace.person_explainer.explain(catalog, person.version, person.history, page[-(at % 2)].item_id)
        if at:
            found.append(one)
            suggested.append(seconds)
            right.extend(_check(workspace, person, one))
    _print(found, right, suggested)


def _check(workspace: Workspace, person: Person, found: PersonExplanation) -> list[bool]:
    """Whether `recommend` gives each rank that was said."""
    said = [((one.removed,), one.rank) for one in found.counterfactuals]
    if found.nearest_flip is not None:
        said.append((found.nearest_flip.changed, found.nearest_flip.rank))
    return [rank is not None and _last(workspace, person, removed, rank) == found.item_id for removed, rank in said]


def _last(workspace: Workspace, person: Person, removed: Collection[str], rank: int) -> str:
    """The item that `recommend` gives this rank, for the person without these items."""
    item_ids = workspace.open_version(person.version).item_ids
    rows = [item_ids.index(one) for one in removed]
    changed = replace(person, history=person.history.take(~np.isin(person.history.items, rows)))
    return suggest_to(workspace, changed, rank)[-1].item_id


def _print(found: list[PersonExplanation], right: list[bool], suggested: list[float]) -> None:
    history = int(np.median([one.history for one in found]))
    print(f"{len(found)} people with {history} items in their history (median)")
    print("| | p50, ms | p95, ms |\n|---|---|---|")
    for name, seconds in (("suggestions", suggested), ("explanation", [one.seconds for one in found])):
        print(f"| {name} | {1000 * np.quantile(seconds, 0.5):.0f} | {1000 * np.quantile(seconds, 0.95):.0f} |")
    print(f"ranks that `recommend` gives as well: {sum(right)} of {len(right)}")
    print(f"nearest flips found: {sum(one.nearest_flip is not None for one in found)} of {len(found)}")
    print(f"largest error of the sum {max(one.completeness for one in found):.1e}, ", end="")
    print(f"largest drift {max(abs(one.drift) for one in found):.1e}")


if __name__ == "__main__":
    main()
