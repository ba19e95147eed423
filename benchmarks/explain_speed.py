"""How long a whole explanation takes beside the suggestion that it explains.

    python -m benchmarks.explain_speed --home FOLDER --catalog Fashion

Needs are titles of the catalogue, drawn by a seed, which are longer than needs that people type; what is explained is
the first suggestion, and the tenth. Times are from the call to the explanation, without the map of the picture, which
is made on demand; each need is new to every cache but that of the loaded model.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from core.home import open_home
from core.suggest.need import Need, split_avoid
from core.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--needs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    workspace = Workspace(open_home(options.home))
    catalog = workspace.catalogs.find(options.catalog)
    titles = sorted({stored.item.title for stored in workspace.items.iterate(catalog.id)})
    picked = np.random.default_rng(options.seed).choice(len(titles), options.needs + 1, replace=False)
    suggested: list[float] = []
    explained: list[float] = []
    words: list[int] = []
    for at, number in enumerate(picked.tolist()):
        text, avoid = split_avoid(titles[number])
        need = Need(text=text, avoid=avoid, catalogs=(catalog.name,))
        began = time.perf_counter()
        page = workspace.suggester.suggest(need, limit=10).page
        middle = time.perf_counter()
        workspace.explainer.explain(catalog, need, page[0 if at % 2 else -1].stored.item.item_id)
        if at:  # the first one loads the model
            suggested.append(middle - began)
            explained.append(time.perf_counter() - middle)
            words.append(len(text.split()))
    p50, p95 = (float(np.quantile(explained, share)) for share in (0.5, 0.95))
    print(f"{catalog.items:,} items, {len(explained)} needs of {statistics.median(words):.0f} words (median)")
    print("| | p50, ms | p95, ms |\n|---|---|---|")
    print(f"| suggestion | {1000 * np.quantile(suggested, 0.5):.0f} | {1000 * np.quantile(suggested, 0.95):.0f} |")
    print(f"| explanation | {1000 * p50:.0f} | {1000 * p95:.0f} |")
    print(f"ratio of the medians: {p50 / statistics.median(suggested):.0f}")


if __name__ == "__main__":
    main()
