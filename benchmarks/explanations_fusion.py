"""Can maps over pictures be trusted, with a trained version?

    python -m benchmarks.explanations_fusion --home FOLDER --catalog Fashion --pictures 8

The version that serves the catalogue, which was trained without a log, and pictures of at least 200 pixels of items
whose titles it was tested on, so that training has seen neither; drawn by a seed. The need is an item's own title, and
the score is the fusion's, the item's words staying as they are. What is measured is what `benchmarks.explanations`
measures, and the maps of the fusion's own attention. Items that are unlike those that were learned from are left out:
there the fusion plays no part.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.explanation_gates import Bench, Case, Remembered, measure_all
from core.device import choose_device
from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.evaluate.verdict import LEAST_TESTED
from core.explain.pictures.scores import FusedScore
from core.home import open_home
from core.model.inputs import to_batch
from core.parts import PARTS
from core.store.catalogs import Catalog
from core.store.items import StoredItem
from core.suggest.need import Need, split_avoid
from core.tokens.item_tokens import PICTURE_GRID, ItemTokens, read_pixels
from core.tokens.token_runtime import TokenRuntime
from core.train.held_out import MOST_TEST_SHARE, group_items, hold_out, number_pictures, number_texts
from core.versions.bundle import Bundle, load_bundle, load_tuned_towers
from core.workspace import Workspace

_LEAST_SIDE = 200


def draw_held_out(workspace: Workspace, catalog: Catalog, count: int, seed: int) -> list[StoredItem]:
    """Items with a large picture whose titles the version was tested on."""
    stored = [one for one in workspace.items.iterate(catalog.id) if one.main_picture]
    titles = [one.item.title for one in stored]
    pictures = number_pictures([one.main_picture or "" for one in stored], len(stored))
    held = hold_out(
        titles, group_items(number_texts(titles), pictures), "test", least=LEAST_TESTED, share=MOST_TEST_SHARE
    )
    found = [
        one
        for one, is_held in zip(stored, held, strict=True)
        if is_held and min(Image.open(workspace.pictures.path(one.main_picture or "")).size) >= _LEAST_SIDE
    ]
    order = np.random.default_rng(seed).permutation(len(found))[:count]
    print(f"{catalog.name}: {catalog.items:,} items, {len(order)} of {len(found)} held-out items with a large picture")
    return [found[at] for at in order.tolist()]


def build_cases(
    workspace: Workspace, catalog: Catalog, bundle: Bundle, runtime: TokenRuntime, drawn: Sequence[StoredItem]
) -> list[Case]:
    """Items that the fusion speaks of, with their own titles as needs and those of the next item."""
    find, items = workspace.pictures.path, [one.item for one in drawn]
    tokens = ItemTokens(
        modalities={name: part.extract(runtime, drawn, find, lambda *_: None) for name, part in PARTS.items()}
    )
    batches = [to_batch(tokens, np.array([row]), torch.device("cpu")) for row in range(len(items))]
    kept = [row for row, one in enumerate(batches) if bundle.network.fusion.familiarity(one).item() > 0]
    print(f"{len(items) - len(kept)} of them unlike what was learned from, left out")
    targets = {row: _target(workspace, catalog, items[row].title) for row in kept}
    cases = []
    for row, after in zip(kept, kept[1:] + kept[:1], strict=True):
        pixels = read_pixels(runtime.towers, find(drawn[row].main_picture or ""))
        own, other = (
            FusedScore(network=bundle.network, item=batches[row], target=targets[one]) for one in (row, after)
        )
        if pixels is not None:
            cases.append(Case(pixels=pixels, own=own, other=other))
    return cases


def _target(workspace: Workspace, catalog: Catalog, title: str) -> torch.Tensor:
    """What a need looks for in pictures and in texts, as suggestions weigh it, (2, D)."""
    text, avoid = split_avoid(title)
    vector = workspace.suggester.find_candidates(
        workspace.serving.of(catalog), Need(text=text, avoid=avoid)
    ).query.vector
    return torch.from_numpy(np.ascontiguousarray(vector))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    workspace = Workspace(open_home(options.home))
    catalog = workspace.catalogs.find(options.catalog)
    folder = workspace.home.versions / catalog.version
    if not catalog.version or (bundle := load_bundle(folder)).card["has_log"]:
        parser.error("a version that was trained without a log must serve the catalogue")
    towers = load_tuned_towers(folder, load_towers(find_backbone(catalog.backbone), workspace.home.models))
    runtime = TokenRuntime(towers, choose_device(), grid=PICTURE_GRID)
    drawn = draw_held_out(workspace, catalog, options.pictures, options.seed)
    cases = build_cases(workspace, catalog, bundle, runtime, drawn)
    gates = [round(one, 3) for one in bundle.network.fusion.gate.tolist()]
    print(f"{len(cases)} pictures, seed {options.seed}; gates {gates}")
    read = Remembered(runtime.read_pictures)
    measure_all(Bench(towers=towers, read=read, cases=cases, attention=True, seed=options.seed))


if __name__ == "__main__":
    main()
