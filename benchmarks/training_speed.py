"""What the training loop costs beside the model itself.

    python -m benchmarks.training_speed --home FOLDER --catalog Movies --interactions ratings.csv

An epoch of the loop (drawing batches, learning rates, clipping, fresh item vectors, validation, checkpoint) against a
bare PyTorch loop of the same model over the same steps, whose batches were built before the clock started: forward,
losses, backward, AdamW. Tokens are cached for both. Both run in turns in one process; the ratio is of the medians.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from core.device import choose_device
from core.home import open_home
from core.interactions.read import read_log
from core.model.losses import weigh_losses
from core.model.tasks import run_tasks
from core.progress import silent
from core.train.config import TrainConfig, preset_config
from core.train.data import TrainData, build_data
from core.train.loop import Trainer, peak_memory_mb
from core.train.run import build_model
from core.work.material import load_material
from core.workspace import Workspace


def time_loop(data: TrainData, config: TrainConfig) -> float:
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(build_model(data.tokens, data, config), data, config, choose_device("cpu"), Path(folder))
        began = time.monotonic()
        trainer.run()
        return time.monotonic() - began


def time_bare(data: TrainData, config: TrainConfig) -> float:
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(build_model(data.tokens, data, config), data, config, choose_device("cpu"), Path(folder))
        vectors = trainer.refresh()
        steps = [trainer.builder.build(number, vectors) for number in range(trainer.steps)]
        model = trainer.model.train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate)
        began = time.monotonic()
        for step in steps:
            optimizer.zero_grad(set_to_none=True)
            weigh_losses(run_tasks(model, step, tuple(config.tasks)), config.tasks).backward()
            optimizer.step()
        return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--interactions", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    material = load_material(Workspace(open_home(options.home)), options.catalog, silent)
    log = read_log(options.interactions, material.table.item_ids).log
    data = build_data(material.tokens, material.table.titles, material.table.categories, log=log)
    print(f"{len(log):,} events of {len(log.user_ids):,} people, {len(material.stored):,} items, seed 0")
    print("| preset | steps an epoch | bare loop, s | Wishlight, s | ratio | memory, MB |\n|---|---|---|---|---|---|")
    for preset in ("quick", "balanced"):
        config = preset_config(preset).with_tasks(has_log=True, has_categories=False, has_pairs=True)
        config = TrainConfig.from_json(config.to_json() | {"epochs": 1})
        bare, whole = [], []
        for _ in range(options.turns):
            bare.append(time_bare(data, config))
            whole.append(time_loop(data, config))
        steps = len(log) // (config.history * config.people)
        first, second = statistics.median(bare), statistics.median(whole)
        memory = peak_memory_mb(choose_device("cpu"))
        print(
            f"| {preset} | about {steps} | {first:.1f} | {second:.1f} | {second / first:.2f} | {memory:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
