"""Are the ranks of counterfactuals those that suggestions give?

    python -m benchmarks.counterfactuals --home FOLDER --catalog Fashion --pairs 30

Needs are titles of the catalogue, every third with something to avoid; the item is one of the first twenty suggestions,
or any of the catalogue for every fourth pair; drawn by a seed. Each need that an explanation names, without a word, or
as the nearest flip, is typed again, and the item has to stand where the explanation says.
"""

import argparse
from pathlib import Path

import numpy as np

from core.explain.explanation import Explanation
from core.home import open_home
from core.suggest.need import Need, split_avoid
from core.suggest.suggester import CANDIDATES
from core.workspace import Workspace


def rank_of(workspace: Workspace, catalog: str, typed: str, item_id: str) -> int | None:
    """Where an item stands for a need as a person types it; None where it is not suggested."""
    text, avoid = split_avoid(typed)
    need = Need(text=text, avoid=avoid, catalogs=(catalog,))
    page = workspace.suggester.suggest(need, limit=2 * CANDIDATES).page
    return next((one.rank for one in page if one.stored.item.item_id == item_id), None)


def list_claims(found: Explanation) -> list[tuple[str, int | None]]:
    """Needs and ranks that an explanation names."""
    claims = [(one.need, one.rank) for one in found.counterfactuals if one.need]
    return claims + ([(found.nearest_flip.need, found.nearest_flip.rank)] if found.nearest_flip else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    workspace = Workspace(open_home(options.home))
    catalog = workspace.catalogs.find(options.catalog)
    items = [stored.item for stored in workspace.items.iterate(catalog.id)]
    rng, claims, wrong, flips = np.random.default_rng(options.seed), 0, [], 0
    for at in range(options.pairs):
        first, second = (items[one] for one in rng.choice(len(items), 2, replace=False).tolist())
        typed = f"{first.title}, not {second.title.split()[0]}" if at % 3 == 0 else first.title
        text, avoid = split_avoid(typed)
        need = Need(text=text, avoid=avoid, catalogs=(catalog.name,))
        page = workspace.suggester.suggest(need, limit=20).page
        chosen = second.item_id if at % 4 == 0 else page[int(rng.integers(len(page)))].stored.item.item_id
        found = workspace.explainer.explain(catalog, need, chosen)
        flips += found.nearest_flip is not None
        for changed, rank in list_claims(found):
            claims += 1
            if (given := rank_of(workspace, catalog.name, changed, chosen)) != rank:
                wrong.append(f"“{changed}”, {chosen}: said {rank}, is {given}")
    model = catalog.version or catalog.backbone
    print(f"{catalog.name}: {len(items):,} items served by {model}, {options.pairs} pairs, seed {options.seed}")
    print(f"{claims} counterfactual needs, {flips} flips: {1 - len(wrong) / claims:.1%} of the ranks are true")
    for one in wrong:
        print(one)


if __name__ == "__main__":
    main()
