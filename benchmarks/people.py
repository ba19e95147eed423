"""Suggesting to new people, over several logs: every model on the same people, paired, with what it costs.

    python -m benchmarks.people --data FOLDER --home FOLDER --logs movies music gifts-small --people outer --seeds 5
        --models fusion ease item-knn popularity

`--people inner` is what everything is chosen on: five folds of the people whose ids do not hash into the first two
fifths. `--people outer` is what is reported: both of those fifths, each fitted on everybody else (`core.evaluate.
nested`). `--split time` cuts everyone at one moment instead, where that leaves enough people. A tenth of the items, by
hash, is in no fit and ranked apart ("cold").

Catalogues that the home lacks are imported. Each log, seed and model is measured once and kept under `--keep`, so that
a run can be stopped and gone on with, and several processes can share a folder, each on logs of its own; `--tables`
prints what is kept and measures nothing, which joins slow models run with fewer seeds to the others. Nothing there says
which state of the code it was measured with: take a new folder when that has changed.
"""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.people_tables import print_tables
from core.baselines.recommender import Recommender
from core.baselines.registry import build_baseline
from core.errors import CatalogNotFoundError, EvaluationError
from core.evaluate.fusion import FusionRecommender
from core.evaluate.measured import Measured, Unmeasured
from core.evaluate.nested import inner_log, outer_splits
from core.evaluate.protocol import LEAST_TEST_USERS, Split, build_splits, try_measure
from core.files import written_whole
from core.interactions.log import InteractionLog
from core.interactions.log_file import read_log_file
from core.library import Wishlight
from core.progress import silent
from core.train.config import DEFAULT_PRESET, PRESETS
from core.train.settings import resolve_settings
from core.work.compare import ALL_MODELS
from core.work.material import Material, load_material


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A log and its catalogue below the data folder; `images` is where pictures are, "" for none."""

    catalog: str
    items: str
    log: str
    images: str = ""


SOURCES: Mapping[str, Source] = {
    "movies": Source(catalog="Movies", items="movies/items.csv", log="movies/ratings.csv", images="movies"),
    "music": Source(catalog="Music", items="music/artists.dat", log="music/user_artists.dat"),
    "gifts-small": Source(
        catalog="GiftsS", items="online_retail/items_small.csv", log="online_retail/interactions_small.csv"
    ),
    "gifts-medium": Source(
        catalog="GiftsM", items="online_retail/items_medium.csv", log="online_retail/interactions_medium.csv"
    ),
}
#: What is taken of tables that are no CSV: names alone, and play counts.
_COLUMNS = {"music/artists.dat": ("id", "title"), "music/user_artists.dat": ("user_id", "item_id", "plays")}


def main() -> None:
    options = read_options()
    for name in options.logs:
        folder = options.keep / f"{name}-{options.people}-{options.split}"
        folder.mkdir(parents=True, exist_ok=True)
        if not options.tables:
            try:
                measure_log(SOURCES[name], folder, options)
            except EvaluationError as exc:
                print(f"\n{name}, {options.people} people, split {options.split}: {exc}")
                continue
        print_tables(folder, read_runs(folder, options), read_failures(folder, options))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="default: the folder measured-people of the home")
    parser.add_argument("--logs", nargs="+", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--people", choices=("inner", "outer"), default="inner")
    parser.add_argument("--split", choices=("users", "time"), default="users")
    parser.add_argument("--models", nargs="+", choices=ALL_MODELS, default=list(ALL_MODELS), metavar="MODEL")
    parser.add_argument("--seeds", type=int, default=5, help="from 0 on, of folds and models alike")
    parser.add_argument("--preset", choices=PRESETS, default=DEFAULT_PRESET, help="of the fusion")
    parser.add_argument("--tables", action="store_true", help="measure nothing, print what is kept")
    options = parser.parse_args()
    options.keep = options.keep or options.home / "measured-people"
    return options


def measure_log(source: Source, folder: Path, options: argparse.Namespace) -> None:
    """Measure what is not kept yet.

    Raises:
        EvaluationError: Nobody, or too few, can be tested.
    """
    todo = [
        (seed, model)
        for seed in range(options.seeds)
        for model in options.models
        if not kept_at(folder, model, seed, options).exists()
    ]
    if not todo:
        return
    material, log = open_source(source, options)
    splits: tuple[int, list[Split]] = (-1, [])
    for seed, model in todo:
        if seed != splits[0]:
            splits = (seed, find_splits(log, options, seed))
            write_facts(folder, splits[1], len(material.stored), options)
        report = progress(f"{folder.name} {model} {seed}")
        found = try_measure(
            model, builder(model, material, options.preset, seed), splits[1], material.table, progress=report
        )
        path = kept_at(folder, model, seed, options)
        if isinstance(found, Unmeasured):
            path.with_suffix(".txt").write_text(found.reason, encoding="utf-8")
        else:
            save_measured(found, path)
            path.with_suffix(".txt").unlink(missing_ok=True)


def open_source(source: Source, options: argparse.Namespace) -> tuple[Material, InteractionLog]:
    """A catalogue, imported where it is missing, and its log."""
    items, log = (plain_table(options.data, name, options.keep) for name in (source.items, source.log))
    wishlight = Wishlight(options.home)
    try:
        wishlight.workspace.catalogs.find(source.catalog)
    except CatalogNotFoundError:
        images = options.data / source.images if source.images else None
        wishlight.import_catalog(items, source.catalog, images=images)
    material = load_material(wishlight.workspace, source.catalog, silent)
    return material, read_log_file(log, {}, material.table.item_ids).log


def plain_table(data: Path, name: str, keep: Path) -> Path:
    """The file itself, or the columns that are taken of it as a CSV."""
    if name not in _COLUMNS:
        return data / name
    path, columns = keep / f"{Path(name).stem}.csv", _COLUMNS[name]
    with (data / name).open(encoding="utf-8", newline="") as file, written_whole(path, flush=False) as temporary:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        with temporary.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([columns, *(row[: len(columns)] for row in rows)])
    return path


def find_splits(log: InteractionLog, options: argparse.Namespace, seed: int) -> list[Split]:
    """The folds of these people.

    Raises:
        EvaluationError: Nobody can be tested, or a cut in time leaves too few.
    """
    found: Iterator[Split]
    if options.people == "outer":
        found = outer_splits(log, options.split)
    else:
        found = build_splits(inner_log(log), options.split, seed=seed)
    splits = list(found)
    tested = sum(len(split.users) for split in splits)
    if options.split == "time" and tested < LEAST_TEST_USERS:
        raise EvaluationError(f"A cut in time leaves {tested} people to test on; {LEAST_TEST_USERS} are needed.")
    return splits


def builder(model: str, material: Material, preset: str, seed: int) -> Callable[[], Recommender]:
    if model == "fusion":
        config = resolve_settings(preset, {}, {"seed": seed}, tunes=False)
        return lambda: FusionRecommender(material.tokens, config)
    return lambda: build_baseline(model, seed)


def progress(name: str) -> Callable[[str, int, int], None]:
    return lambda stage, done, total: print(f"{name}: {stage} {done} of {total}", file=sys.stderr, flush=True)


def write_facts(folder: Path, splits: list[Split], items: int, options: argparse.Namespace) -> None:
    """What the tables say of the test itself."""
    histories = [len(history) for split in splits for history in split.histories]
    facts = {
        "people": len(histories),
        "folds": len(splits),
        "history": int(np.median(histories)),
        "items": items,
        "cold_items": int(splits[0].cold.sum()),
        "preset": options.preset,
    }
    with written_whole(folder / "facts.json", flush=False) as temporary:
        temporary.write_text(json.dumps(facts), encoding="utf-8")


def kept_at(folder: Path, model: str, seed: int, options: argparse.Namespace) -> Path:
    name = f"fusion-{options.preset}" if model == "fusion" else model
    return folder / f"{name}-{seed}.npz"


def read_runs(folder: Path, options: argparse.Namespace) -> dict[str, list[Measured]]:
    """Model to its runs, one a seed; without the models that none is kept of."""
    paths = {
        model: [kept_at(folder, model, seed, options) for seed in range(options.seeds)] for model in options.models
    }
    runs = {model: [load_measured(path) for path in found if path.exists()] for model, found in paths.items()}
    return {model: found for model, found in runs.items() if found}


def read_failures(folder: Path, options: argparse.Namespace) -> dict[str, str]:
    """Model to why a run of it could not be measured."""
    paths = [
        (model, kept_at(folder, model, seed, options).with_suffix(".txt"))
        for model in options.models
        for seed in range(options.seeds)
    ]
    return {model: path.read_text("utf-8") for model, path in paths if path.exists()}


def save_measured(one: Measured, path: Path) -> None:
    """Keep a measurement with all its fields, there whole or not at all."""
    arrays, rest = {}, {}
    for field in fields(one):
        value = getattr(one, field.name)
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif field.name == "values":
            arrays |= {f"values/{metric}": found for metric, found in value.items()}
        else:
            rest[field.name] = value
    with written_whole(path, flush=False) as temporary, temporary.open("wb") as out:
        np.savez_compressed(out, rest=np.array(json.dumps(rest, default=plain)), **arrays)


def plain(value: Any) -> Any:
    """A value as JSON has it; what a fit chose is a dictionary when it is read again."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value.item()


def load_measured(path: Path) -> Measured:
    with np.load(path, allow_pickle=False) as file:
        rest = json.loads(str(file["rest"]))
        values = {name.removeprefix("values/"): file[name] for name in file.files if name.startswith("values/")}
        arrays = {name: file[name] for name in file.files if name != "rest" and not name.startswith("values/")}
    return Measured(**rest, **arrays, values=values)


if __name__ == "__main__":
    main()
