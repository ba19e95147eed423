"""Can maps over pictures be trusted, with the embedded model?

    python -m benchmarks.explanations --data ../shared/data --keep FOLDER --pictures 24

Pictures of three kinds (fashion at 224 pixels, groceries' catalogue pictures, pictures of the sample), drawn by a seed;
the need is each picture's own title. For each way of making a map:

- AID: insertion area minus deletion area over the effect of the whole picture, by ten steps, where deleted cells are
  blurred or get the mean colour; as the paired difference to a random map with a 95 % interval over pictures. Where a
  picture hardly matters this ratio explodes, so that no difference counts for more than five.
- passed: share of the pictures on which the map passes the quick deletion test.
- pointing: four pictures in a 2 x 2 collage, the need is one title: is most of the map's positive mass in its quarter?
- two needs: correlation of the maps of one picture for its own title and for another's.
- completeness of integrated gradients, and seconds beside one forward pass.
- random weights: rank correlation of the maps with those of the same model with random weights, below 0.4 to pass.

The maps take the fill that they are measured with. Nothing is chosen here: the embedded model is taken as it is.
`benchmarks.explanations_fusion` measures a trained version, `benchmarks.counterfactuals` whether ranks are true.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.explanation_gates import Bench, Case, Remembered, measure_all
from core.device import choose_device
from core.encode.registry import find_backbone
from core.encode.towers import Towers, load_towers
from core.explain.pictures.scores import plain_score
from core.tokens.item_tokens import PICTURE_GRID, embed_texts, read_pixels
from core.tokens.token_runtime import TokenRuntime

SAMPLE = Path("assets/sample")


def read_titles(data: Path) -> Mapping[str, list[tuple[str, Path]]]:
    """Kind of pictures to titles and files."""
    fashion = csv.DictReader((data / "fashion" / "products.csv").open(encoding="utf-8"))
    large = ((row["title"], data / "fashion" / "images_224" / Path(row["image"]).name) for row in fashion)
    grocery = csv.DictReader((data / "grocery" / "classes.csv").open(encoding="utf-8"))
    icons = (
        (row["Class Name (str)"].replace("-", " "), data / "grocery" / row["Iconic Image Path (str)"].lstrip("/"))
        for row in grocery
    )
    sample = csv.DictReader((SAMPLE / "products.csv").open(encoding="utf-8"))
    shipped = ((row["title"], SAMPLE / row["image"]) for row in sample)
    kinds = {"fashion": large, "grocery": icons, "sample": shipped}
    return {kind: [(title, path) for title, path in rows if path.is_file()] for kind, rows in kinds.items()}


def pick(kinds: Mapping[str, list[tuple[str, Path]]], each: int, seed: int) -> list[tuple[str, Path]]:
    """So many pictures of each kind."""
    rng, rows = np.random.default_rng(seed), []
    for kind, found in kinds.items():
        rows += [found[at] for at in rng.choice(len(found), each, replace=False).tolist()]
        print(f"{kind}: {each} of {len(found)} pictures")
    return rows


def build_cases(towers: Towers, rows: Sequence[tuple[str, Path]]) -> list[Case]:
    """Pictures that can be read, with their own titles and those of the next picture."""
    read = [(title, read_pixels(towers, path)) for title, path in rows]
    known = [(title, pixels) for title, pixels in read if pixels is not None]
    scores = [plain_score(torch.from_numpy(one)) for one in embed_texts(towers, [title for title, _ in known])]
    others = scores[1:] + scores[:1]
    return [
        Case(pixels=pixels, own=own, other=other) for (_, pixels), own, other in zip(known, scores, others, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    towers = load_towers(find_backbone("embedded"), options.keep / "models")
    cases = build_cases(towers, pick(read_titles(options.data), options.pictures // 3, options.seed))
    print(f"{len(cases)} pictures, seed {options.seed}")
    read = Remembered(TokenRuntime(towers, choose_device(), grid=PICTURE_GRID).read_pictures)
    measure_all(Bench(towers=towers, read=read, cases=cases, attention=False, seed=options.seed))


if __name__ == "__main__":
    main()
