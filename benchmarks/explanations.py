"""Can maps over pictures be trusted?

    python -m benchmarks.explanations --data ../shared/data --keep FOLDER --pictures 24

Pictures of three kinds (fashion at 224 pixels, groceries' catalogue pictures, drawings of the sample), drawn by a seed;
the need is each picture's own title. For each way of making a map:

- AID: insertion area minus deletion area over the effect of the whole picture, by ten steps, where deleted cells are
  blurred or get the mean colour; as the paired difference to a random map with a 95 % interval over pictures. A picture
  whose effect is below a hundredth of a standard deviation of all of them says nothing and is left out.
- passed: share of the pictures on which the map passes the quick deletion test.
- pointing: four pictures in a 2 x 2 collage, the need is one title: is most of the map's positive mass in its quarter?
- two needs: correlation of the maps of one picture for its own title and for another's.
- completeness of integrated gradients, and seconds beside one forward pass.

The maps take the fill that they are measured with. Nothing is chosen here: the embedded model is taken as it is.
"""

import argparse
import csv
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from core.encode.item_tokens import embed_texts, read_pixels
from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.explain.faithfulness import aid, deletion_insertion, order_cells, quick_deletion_test
from core.explain.picture import PictureExplainer
from core.explain.scores import plain_score
from core.metrics import bootstrap_interval

STEPS = 10
SAMPLE = Path("assets/sample")


def read_titles(data: Path) -> dict[str, list[tuple[str, Path]]]:
    """Kind of pictures to titles and files."""
    fashion = csv.DictReader((data / "fashion" / "products.csv").open(encoding="utf-8"))
    large = ((row["title"], data / "fashion" / "images_224" / Path(row["image"]).name) for row in fashion)
    grocery = csv.DictReader((data / "grocery" / "classes.csv").open(encoding="utf-8"))
    icons = (
        (row["Class Name (str)"].replace("-", " "), data / "grocery" / row["Iconic Image Path (str)"].lstrip("/"))
        for row in grocery
    )
    sample = csv.DictReader((SAMPLE / "products.csv").open(encoding="utf-8"))
    drawn = ((row["title"], SAMPLE / row["image"]) for row in sample)
    kinds = {"fashion": large, "grocery": icons, "sample": drawn}
    return {kind: [(title, path) for title, path in rows if path.is_file()] for kind, rows in kinds.items()}


def centre_prior(side: int) -> np.ndarray:
    """A map that knows nothing but that things stand in the middle."""
    place = (np.arange(side) - (side - 1) / 2) / side
    return np.exp(-(place[:, None] ** 2 + place[None] ** 2) / 0.1).astype(np.float32)


def grad_cam(explainer: PictureExplainer, pixels: np.ndarray, score) -> np.ndarray:
    """captum's GradCAM at the last feature map, at the explainer's grid."""
    from captum.attr import LayerAttribution, LayerGradCam

    tokens = explainer._tokens
    layer = tokens.visual.trunk.conv_head

    def forward(inputs: torch.Tensor) -> torch.Tensor:
        return score(*tokens(inputs))

    inputs = torch.from_numpy(pixels.copy())[None].float().requires_grad_()
    found = LayerGradCam(forward, layer).attribute(inputs)
    grid = LayerAttribution.interpolate(found, (explainer.cells, explainer.cells), "bilinear")
    return grid[0, 0].detach().numpy()


def ways_of(explainer: PictureExplainer, rng: np.random.Generator) -> dict[str, Callable]:
    side = explainer.cells
    return {
        "random": lambda _pixels, _score: rng.random((side, side)),
        "centre prior": lambda _pixels, _score: centre_prior(side),
        "GradCAM (captum)": lambda pixels, score: grad_cam(explainer, pixels, score),
        "fast": explainer.fast,
        "faithful": lambda pixels, score: explainer.faithful(pixels, score)[0],
        "audit, 128 masks": explainer.audit,
    }


def measure_aid(towers, chosen: list[tuple[str, np.ndarray, np.ndarray]], seed: int) -> None:
    """Print AID and the quick test by way and fill."""
    print("| way | fill | AID above random | 95 % interval | passed | seconds |\n|---|---|---|---|---|---|")
    for fill in ("blur", "mean"):
        explainer = PictureExplainer(towers, fill=fill)
        ways = ways_of(explainer, np.random.default_rng(seed))
        values = {name: [] for name in ways}
        passed, seconds = {name: [] for name in ways}, {name: [] for name in ways}
        for _, pixels, target in chosen:
            score = plain_score(torch.from_numpy(target))
            masked = explainer.score_of_masks(pixels, score)
            for name, way in ways.items():
                began = time.monotonic()
                grid = way(pixels, score)
                seconds[name].append(time.monotonic() - began)
                values[name].append(aid(deletion_insertion(masked, order_cells(grid), STEPS)))
                if fill == "blur":
                    passed[name].append(quick_deletion_test(masked, grid, seed=seed)[1])
        base = np.array(values["random"])
        for name, found in values.items():
            difference = np.clip(np.array(found) - base, -5, 5)  # where a picture hardly matters, ratios explode
            low, high = bootstrap_interval(difference, seed=seed)
            share = f"{np.mean(passed[name]):.2f}" if passed[name] else "–"
            median = statistics.median(seconds[name])
            print(f"| {name} | {fill} | {difference.mean():.2f} | {low:.2f} to {high:.2f} | {share} | {median:.2f} |")


def measure_pointing(towers, chosen: list[tuple[str, np.ndarray, np.ndarray]], seed: int) -> None:
    """Print how often the strongest quarter of a collage's map is that of the need's own picture."""
    explainer = PictureExplainer(towers)
    side, hits = towers.preparation.side, {"fast": [], "audit, 128 masks": []}
    rng = np.random.default_rng(seed)
    for first, (_, _, target) in enumerate(chosen):
        others = rng.choice([at for at in range(len(chosen)) if at != first], 3, replace=False)
        place = int(rng.integers(4))
        order = np.insert(others, place, first)
        collage = Image.new("RGB", (side, side))
        for quarter, at in enumerate(order.tolist()):
            small = Image.fromarray(chosen[at][1]).resize((side // 2, side // 2), Image.Resampling.LANCZOS)
            collage.paste(small, ((quarter % 2) * (side // 2), (quarter // 2) * (side // 2)))
        pixels, score = np.asarray(collage), plain_score(torch.from_numpy(target))
        for name, way in (("fast", explainer.fast), ("audit, 128 masks", explainer.audit)):
            hits[name].append(point(way(pixels, score)) == place)
    for name, found in hits.items():
        low, high = bootstrap_interval(np.array(found, float), seed=seed)
        print(f"pointing, {name}: {np.mean(found):.2f} ({low:.2f} to {high:.2f}), chance 0.25, {len(found)} collages")


def point(grid: np.ndarray) -> int:
    """The quarter with most positive mass; cells across the middle count to both sides."""
    fine = np.kron(np.maximum(grid, 0), np.ones((2, 2)))
    half = len(fine) // 2
    masses = [fine[:half, :half], fine[:half, half:], fine[half:, :half], fine[half:, half:]]
    return int(np.argmax([mass.sum() for mass in masses]))


def measure_rest(towers, chosen: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    """Print the correlation of two needs' maps, completeness, and ratios of time."""
    explainer = PictureExplainer(towers)
    alike = {"fast": [], "audit, 128 masks": []}
    errors, forward, fast = [], [], []
    for at, (_, pixels, target) in enumerate(chosen):
        own, other = (plain_score(torch.from_numpy(one)) for one in (target, chosen[(at + 1) % len(chosen)][2]))
        for name, way in (("fast", explainer.fast), ("audit, 128 masks", explainer.audit)):
            pair = [way(pixels, score).ravel() for score in (own, other)]
            alike[name].append(float(np.corrcoef(*pair)[0, 1]))
        errors.append(explainer.faithful(pixels, own)[1])
        masked = explainer.score_of_masks(pixels, own)
        began = time.monotonic()
        masked(np.ones((1, 1, 1), np.float32))
        forward.append(time.monotonic() - began)
        began = time.monotonic()
        explainer.fast(pixels, own)
        fast.append(time.monotonic() - began)
    for name, found in alike.items():
        print(f"two needs, {name}: mean correlation {np.mean(found):.2f} over {len(found)} pictures")
    print(
        f"completeness of faithful: median {np.median(errors):.3f}, below 0.1 on {np.mean(np.array(errors) < 0.1):.2f}"
    )
    print(f"fast beside one forward pass: {statistics.median(fast) / statistics.median(forward):.1f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    towers = load_towers(find_backbone("embedded"), options.keep / "models")
    rng = np.random.default_rng(options.seed)
    rows: list[tuple[str, Path]] = []
    for kind, found in read_titles(options.data).items():
        picked = rng.choice(len(found), options.pictures // 3, replace=False)
        rows += [found[at] for at in picked.tolist()]
        print(f"{kind}: {len(picked)} of {len(found)} pictures")
    targets = embed_texts(towers, [title for title, _ in rows])
    chosen = []
    for (title, path), target in zip(rows, targets, strict=True):
        pixels = read_pixels(towers, path)
        if pixels is not None:
            chosen.append((title, pixels, target))
    print(f"{len(chosen)} pictures, seed {options.seed}")
    measure_aid(towers, chosen, options.seed)
    measure_pointing(towers, chosen, options.seed)
    measure_rest(towers, chosen)


if __name__ == "__main__":
    main()
