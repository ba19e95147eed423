"""Gates that maps over pictures must pass, for any model: each function measures one and prints it."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr
from torch.nn.functional import interpolate

from benchmarks.intervals import bootstrap_interval
from core.encode.pictures import Pixels
from core.encode.towers import Towers
from core.explain.pictures.faithfulness import aid, deletion_insertion, order_cells, quick_deletion_test
from core.explain.pictures.picture import PictureExplainer, ReadPictures
from core.explain.pictures.scene import Fill
from core.explain.pictures.scores import FusedScore, Score

#: Steps of a curve. Where a picture hardly matters, its ratio explodes; it counts for no more than `_MOST`.
_STEPS, _MOST = 10, 5.0
#: Pictures on which weights are randomised and passes are timed; the slow reference is measured on every third.
_CHECKED, _REFERENCE, _EVERY = 8, "the same on 512", 3
Grid = NDArray[np.floating]
Way = Callable[[Pixels, Score], Grid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A picture with what is asked of it.

    Attributes:
        pixels: As the tower wants it, (S, S, 3).
        own: The score for a need that the picture meets.
        other: The score for the need of another picture.
    """

    pixels: Pixels
    own: Score
    other: Score


class Remembered:
    """A picture tower that reads each picture once: maps of one picture share most of what they cover."""

    def __init__(self, read: ReadPictures) -> None:
        self._read = read
        self.known: dict[bytes, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}

    def __call__(self, pixels: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        keys = [hashlib.blake2b(one.tobytes(), digest_size=16).digest() for one in pixels]
        new = {key: row for row, key in enumerate(keys) if key not in self.known}
        if new:
            found = zip(*self._read(pixels[list(new.values())]), strict=True)
            self.known.update(zip(new, found, strict=True))
        joint, cells = zip(*(self.known[key] for key in keys), strict=True)
        return np.stack(joint), np.stack(cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is measured.

    Attributes:
        towers: Of the model.
        read: The same picture tower, faster; for everything but seconds and gradients.
        cases: One a picture.
        attention: Whether the model has attention to map.
        seed: Of random maps, collages and weights.
    """

    towers: Towers
    read: ReadPictures
    cases: Sequence[Case]
    attention: bool
    seed: int

    def open(self, fill: Fill = "blur") -> PictureExplainer:
        return PictureExplainer(self.towers, fill=fill, read=self.read)


def ways_of(explainer: PictureExplainer, *, attention: bool, seed: int) -> Mapping[str, Way]:
    """Every way to make a map, by its name in the table."""
    side, rng = explainer.cells, np.random.default_rng(seed)
    ways: dict[str, Way] = {
        "random": lambda _pixels, _score: rng.random((side, side)),
        "centre prior": lambda _pixels, _score: centre_prior(side),
        "GradCAM (captum)": lambda pixels, score: grad_cam(explainer, pixels, score),
    }
    if attention:
        ways |= {
            "raw attention, last block of the fusion": lambda pixels, score: raw_attention(explainer, pixels, score),
            "rollout of the fusion": explainer.rollout,
            "GAME of the fusion": explainer.game,
            "attention x gradient of the fusion": explainer.attention,
        }
    return ways | {
        f'{explainer.fast_method} ("fast")': explainer.fast,
        'sampled Shapley values ("faithful")': lambda pixels, score: explainer.faithful(pixels, score)[0],
        'regression on 128 random masks ("audit")': explainer.audit,
        _REFERENCE: lambda pixels, score: explainer.audit(pixels, score, masks=512),
    }


def chosen_ways(explainer: PictureExplainer) -> Mapping[str, Way]:
    """The ways that are tried where none is asked for."""
    return {"fast": explainer.fast, "audit": explainer.audit}


def centre_prior(side: int) -> Grid:
    """A map that knows nothing but that things stand in the middle."""
    place = (np.arange(side) - (side - 1) / 2) / side
    return np.exp(-(place[:, None] ** 2 + place[None] ** 2) / 0.1).astype(np.float32)


def grad_cam(explainer: PictureExplainer, pixels: Pixels, score: Score) -> Grid:
    """captum's GradCAM at the last feature map."""
    from captum.attr import LayerGradCam

    tokens = explainer._tokens
    inputs = torch.from_numpy(pixels.copy())[None].float().requires_grad_()
    cam = LayerGradCam(lambda pictures: score(*tokens(pictures)), tokens.visual.trunk.conv_head)
    return cam.attribute(inputs)[0, 0].detach().numpy()


def raw_attention(explainer: PictureExplainer, pixels: Pixels, score: Score) -> Grid:
    """What [CLS] takes from each cell in the fusion's last block, the mean over heads."""
    tower, reads = explainer._read(pixels, score)
    return tower.take_patches(reads[-1].weights[0].mean(0)[0]).numpy()


def enlarge(grid: Grid, side: int) -> Grid:
    """A map at another number of cells, so that all maps are measured on the same ones."""
    if len(grid) == side:
        return grid
    fine = interpolate(torch.from_numpy(grid.copy())[None, None].float(), size=(side, side), mode="bilinear")
    return fine[0, 0].numpy()


def measure_aid(bench: Bench) -> None:
    """Print AID beside a random map's with both fills, the share that passes the quick test, and seconds."""
    found = {fill: _collect_aid(bench, fill) for fill in ("blur", "mean")}
    seconds = _collect_seconds(bench)
    print(
        "| way | AID above random, blurred | AID above random, mean colour | both above 0.2 | passed | seconds a map |"
    )
    print("|---|---|---|---|---|---|")
    for name in seconds:
        cells, met = [], True
        for areas, _ in found.values():
            # Paired: both maps are measured on the same picture.
            random = np.array(areas["random"])[:: _EVERY if name == _REFERENCE else 1]
            difference = np.clip(np.array(areas[name]) - random, -_MOST, _MOST)
            low, high = bootstrap_interval(difference, seed=bench.seed)
            cells.append(f"{difference.mean():.2f} ({low:.2f} to {high:.2f})")
            met = met and low > 0.2
        passed = np.mean(found["blur"][1][name])
        print(f"| {name} | {' | '.join(cells)} | {'yes' if met else 'no'} | {passed:.2f} | {seconds[name]:.2f} |")


def _collect_aid(bench: Bench, fill: Fill) -> tuple[dict[str, list[float]], dict[str, list[bool]]]:
    explainer = bench.open(fill)
    ways = ways_of(explainer, attention=bench.attention, seed=bench.seed)
    areas, passed = ({name: [] for name in ways} for _ in range(2))
    for at, case in enumerate(bench.cases):
        masked = explainer.score_of_masks(case.pixels, case.own)
        for name, way in ways.items():
            if name == _REFERENCE and at % _EVERY:
                continue
            grid = enlarge(way(case.pixels, case.own), explainer.cells)
            areas[name].append(aid(deletion_insertion(masked, order_cells(grid), _STEPS)))
            passed[name].append(quick_deletion_test(masked, grid, seed=bench.seed)[1])
    return areas, passed


def _collect_seconds(bench: Bench) -> dict[str, float]:
    """Of one picture, with the tower as it makes maps for people and without the test."""
    ways = ways_of(PictureExplainer(bench.towers), attention=bench.attention, seed=bench.seed)
    return {name: _time(partial(way, bench.cases[0].pixels, bench.cases[0].own)) for name, way in ways.items()}


def _time(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def measure_pointing(bench: Bench) -> None:
    """Print how often the strongest quarter of a 2 x 2 collage's map is that of the need's own picture."""
    explainer, rng = bench.open(), np.random.default_rng(bench.seed)
    hits: dict[str, list[bool]] = {name: [] for name in chosen_ways(explainer)}
    for first, case in enumerate(bench.cases):
        others = rng.choice([at for at in range(len(bench.cases)) if at != first], 3, replace=False)
        place = int(rng.integers(4))
        collage = build_collage([bench.cases[at].pixels for at in np.insert(others, place, first).tolist()])
        for name, way in chosen_ways(explainer).items():
            hits[name].append(point(way(collage, case.own)) == place)
    for name, found in hits.items():
        low, high = bootstrap_interval(np.array(found, float), seed=bench.seed)
        print(f"pointing, {name}: {np.mean(found):.2f} ({low:.2f} to {high:.2f}), chance 0.25, {len(found)} collages")


def build_collage(pictures: Sequence[Pixels]) -> Pixels:
    """Four pictures (S, S, 3), row by row, as one of their size."""
    side = len(pictures[0])
    collage = Image.new("RGB", (side, side))
    for quarter, pixels in enumerate(pictures):
        small = Image.fromarray(pixels).resize((side // 2, side // 2), Image.Resampling.LANCZOS)
        collage.paste(small, ((quarter % 2) * (side // 2), (quarter // 2) * (side // 2)))
    return np.asarray(collage)


def point(grid: Grid) -> int:
    """The quarter with most positive mass; cells across the middle count to both sides."""
    fine = np.kron(np.maximum(grid, 0), np.ones((2, 2)))
    half = len(fine) // 2
    masses = [fine[:half, :half], fine[:half, half:], fine[half:, :half], fine[half:, half:]]
    return int(np.argmax([mass.sum() for mass in masses]))


def measure_needs(bench: Bench) -> None:
    """Print how alike the maps of one picture for two needs are."""
    explainer = bench.open()
    for name, way in chosen_ways(explainer).items():
        pairs = [(way(case.pixels, case.own).ravel(), way(case.pixels, case.other).ravel()) for case in bench.cases]
        found = [float(np.corrcoef(*pair)[0, 1]) for pair in pairs]
        print(f"two needs, {name}: mean correlation {np.mean(found):.2f} over {len(found)} pictures")


def measure_completeness(bench: Bench) -> None:
    """Print by how much the parts of integrated gradients miss the effect of the whole picture."""
    explainer = bench.open()
    errors = np.array([explainer.faithful(case.pixels, case.own)[1] for case in bench.cases])
    share = (errors < 0.1).mean()
    print(
        f"completeness of faithful: median {np.median(errors):.3f}, below 0.1 on {share:.2f} of {len(errors)} pictures"
    )


def measure_speed(bench: Bench) -> None:
    """Print what a fast map costs beside one forward pass."""
    explainer = PictureExplainer(bench.towers)
    whole, times = np.ones((1, 1, 1), np.float32), []
    for case in bench.cases[:_CHECKED]:
        masked = explainer.score_of_masks(case.pixels, case.own)
        times.append((_time(partial(explainer.fast, case.pixels, case.own)), _time(partial(masked, whole))))
    fast, forward = np.median(times, axis=0)
    print(f"fast beside one forward pass: {fast / forward:.1f} times")


def measure_randomised(bench: Bench) -> None:
    """Print whether maps change when the weights are random: they must, or they do not speak of the model."""
    explainer = bench.open()
    towers = replace(bench.towers, model=deepcopy(bench.towers.model))
    randomise(towers.model.visual, bench.seed)
    random = PictureExplainer(towers)
    for name, way in chosen_ways(explainer).items():
        rhos = []
        for case in bench.cases[:_CHECKED]:
            after = chosen_ways(random)[name](case.pixels, randomise_score(case.own, bench.seed))
            rhos.append(abs(spearmanr(way(case.pixels, case.own).ravel(), after.ravel()).statistic))
        verdict = "passes" if np.mean(rhos) < 0.4 else "fails"
        print(f"random weights, {name}: |rho| {np.mean(rhos):.2f} on average of {len(rhos)} pictures: {verdict}")


def randomise(module: torch.nn.Module, seed: int) -> None:
    """Draw every weight anew, as wide as it was."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            if weight.ndim > 1:
                weight.copy_(torch.randn(weight.shape, generator=generator) * weight.std())


def randomise_score(score: Score, seed: int) -> Score:
    """The same score of a fusion with random weights, its gates as they are; a plain score has no weights."""
    if not isinstance(score, FusedScore):
        return score
    network = deepcopy(score.network)
    randomise(network.fusion, seed)
    return replace(score, network=network)


def measure_all(bench: Bench) -> None:
    """Print every gate."""
    measure_aid(bench)
    measure_pointing(bench)
    measure_needs(bench)
    measure_completeness(bench)
    measure_speed(bench)
    measure_randomised(bench)
