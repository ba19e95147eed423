"""What training on a long interaction log takes: memory and seconds of each stage, from the file to a suggestion.

    python -m benchmarks.log_memory --people 20000 200000

Each size runs in a process of its own, in a fresh data folder: a CSV of five events a person with planted taste (each
person has one of 50 tastes, and so have the items) and planted popularity is read and stored, examined, split, learned
from, measured, written as a version, activated, and asked for a suggestion; `run_train` is the very function that the
page calls. Items have tokens as the embedded model makes them (384 wide, 20 of 41 filled), drawn at random around their
taste, so no figure of quality means anything here. The peak is of resident memory within the stage, with Python, torch
and all that earlier stages left behind; pages of the token files that the system may drop at any time count as well.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.catalog.schema import Item
from core.children import peak_memory, reset_peak
from core.evaluate.doctor import examine
from core.home import open_home
from core.interactions.log_file import open_log
from core.parts import PARTS
from core.progress import silent
from core.store.catalogs import Catalog
from core.tokens.item_tokens import ItemTokens, ModalityTokens
from core.work import material
from core.work.activate import ActivateSpec, activate_version
from core.work.recommend import recommend_user
from core.work.store_log import store_log
from core.work.train_catalog import TrainSpec, run_train
from core.workspace import Workspace

_TASTES, _DIMENSION, _EVENTS = 50, 384, 5
_STATUS = Path("/proc/self/status")


class TextEncoder:
    """Texts as random vectors of their own: nothing here depends on what they say."""

    backbone, dimension, model_version, runtime = "embedded", _DIMENSION, "benchmark-1", "none"
    languages = frozenset({"en"})

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.random.default_rng(len(texts)).standard_normal((len(texts), _DIMENSION)).astype(np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@dataclass(slots=True)
class Meter:
    """Prints what each stage took."""

    began: float = field(default_factory=time.monotonic)
    peak: float = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        reset_peak()
        began = time.monotonic()
        yield
        self.print(name, time.monotonic() - began, peak_memory() / 2**20)

    def print(self, name: str, seconds: float, peak: float) -> None:
        self.peak = max(self.peak, peak)
        print(f"| {name} | {seconds:,.1f} | {peak:,.0f} |", flush=True)


@dataclass(slots=True)
class TrainingStages:
    """Splits a run by what it says that it does."""

    meter: Meter
    name: str = "read the log and the items, split"
    began: float = field(default_factory=time.monotonic)

    def __call__(self, stage: str, _done: int, _total: int) -> None:
        if stage != self.name:
            self.end()
            self.name = stage

    def end(self) -> None:
        self.meter.print(f"train: {self.name}", time.monotonic() - self.began, peak_memory() / 2**20)
        self.began = time.monotonic()
        reset_peak()


def make_items(workspace: Workspace, count: int) -> Catalog:
    """A catalogue of random items; a model that would read them is not loaded."""
    rng = np.random.default_rng(0)
    items = [
        Item(item_id=f"i{n:06}", title=f"thing {n}", description=f"taste {n % _TASTES}", category=(f"kind {n % 20}",))
        for n in range(count)
    ]
    catalog = workspace.catalogs.ensure("Large", domain="other", backbone="embedded")
    with workspace.database.transaction():
        workspace.items.upsert(catalog.id, [(item, ()) for item in items])
    centres = rng.standard_normal((_TASTES, _DIMENSION)).astype(np.float32)
    modalities = {}
    for name, part in PARTS.items():
        joint = centres[np.arange(count) % _TASTES] + rng.standard_normal((count, _DIMENSION), dtype=np.float32)
        joint /= np.linalg.norm(joint, axis=1, keepdims=True)
        shape = (count, len(part.segments))
        tokens = np.repeat(joint.astype(np.float16)[:, None], shape[1], axis=1)
        mask = np.tile(np.arange(shape[1]) % 2 == 0, (count, 1))
        modalities[name] = ModalityTokens(tokens=tokens, mask=mask, joint=joint)
    material.load_towers = lambda *_: None  # type: ignore[assignment,return-value]
    material.extract_tokens = lambda *_: ItemTokens(modalities=modalities)
    return catalog


def write_log(path: Path, people: int, items: int) -> None:
    """Five events a person, nine in ten of them of the person's taste, popular items more often."""
    rng = np.random.default_rng(1)
    each = items // _TASTES
    weights = 1 / np.arange(1, each + 1) ** 0.7
    rank = rng.choice(each, (people, _EVENTS), p=weights / weights.sum())
    own = rng.random((people, _EVENTS)) < 0.9
    taste = np.where(own, rng.integers(0, _TASTES, (people, 1)), rng.integers(0, _TASTES, (people, _EVENTS)))
    moments = 1_600_000_000 + rng.integers(0, 86_400 * 365, (people, _EVENTS))
    with path.open("w", encoding="utf-8") as out:
        out.write("user_id,item_id,event,timestamp\n")
        for person in range(people):
            chosen, times = rank[person] * _TASTES + taste[person], np.sort(moments[person])
            out.writelines(
                f"u{person},i{item:06},purchase,{moment}\n"
                for item, moment in zip(chosen.tolist(), times.tolist(), strict=True)
            )


def run_one(people: int, items: int, preset: str) -> None:
    """Every stage of one size in this process."""
    with tempfile.TemporaryDirectory(prefix="wishlight-") as folder:
        home = open_home(Path(folder) / "home")
        workspace = Workspace(home, encoder_loader=lambda _name: TextEncoder())  # type: ignore[arg-type,return-value]
        catalog, path, meter = make_items(workspace, items), Path(folder) / "log.csv", Meter()
        write_log(path, people, items)
        print(f"\n{people:,} people x {items:,} items, {people * _EVENTS:,} rows of the log, preset {preset}")
        print("| stage | seconds | peak, MB |\n|---|---|---|", flush=True)
        with meter.stage("read the CSV and store it"):
            log = open_log(path, home.uploads, workspace.items.content_hashes(catalog.id))
            store_log(workspace, catalog, log.table, log.reading())
        with meter.stage("data doctor"):
            examine_stored(workspace, catalog)
        stages = TrainingStages(meter)
        reset_peak()
        trained = run_train(workspace, TrainSpec(catalog=catalog.name, preset=preset, device="cpu"), "0" * 12, stages)
        stages.end()
        with meter.stage("activate"):
            activate_version(workspace, ActivateSpec(version=trained.version), silent)
        with meter.stage("suggest to a person"):
            recommend_user(workspace, f"u{people // 2}", catalog.name, "", 10)
        print(f"| **whole** | **{time.monotonic() - meter.began:,.0f}** | **{meter.peak:,.0f}** |")
        print(f"\n{trained.recommendation}")


def examine_stored(workspace: Workspace, catalog: Catalog) -> None:
    stored = list(workspace.items.iterate(catalog.id))
    nothing = np.zeros((len(stored), _DIMENSION), np.float32)
    empty = ItemTokens(
        modalities={
            name: ModalityTokens(tokens=nothing[:, None], mask=np.zeros((len(stored), 1), bool), joint=nothing)
            for name in PARTS
        }
    )
    table = material.build_table(stored, empty)
    examine(workspace.interactions.load(catalog.id, table.item_ids), table, now=int(time.time()), unknown_events=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--preset", default="quick")
    options = parser.parse_args()
    if not _STATUS.exists():
        raise SystemExit("Peaks of single stages are read from /proc, which this system does not have.")
    if len(options.people) == 1:
        run_one(options.people[0], options.items, options.preset)
        return
    for people in options.people:  # a process each: memory that one left behind would count for the next
        command = [sys.executable, "-m", "benchmarks.log_memory", "--people", str(people)]
        subprocess.run(
            [*command, "--items", str(options.items), "--preset", options.preset], check=True, env=dict(os.environ)
        )


if __name__ == "__main__":
    main()
