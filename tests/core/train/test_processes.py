"""Two processes on one machine learn what one learns from the same batches."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.errors import TrainError
from core.train.config import TrainConfig
from core.train.memory_limits import find_batch, halve_batch, is_out_of_memory, keep_batch, read_batch
from core.train.processes import Ranks, join_ranks

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
import torch
from core.cli.command import end_process
from core.device import choose_device
from core.train.config import TrainConfig
from core.train.data import build_data
from core.train.processes import RankDoneError
from core.train.run import train
from tests.core.train.conftest import ITEMS, make_log, make_tokens

torch.set_num_threads(1)
config = TrainConfig(
    epochs=2, people=4, items=16, bank=32, alone=8, targets=32, width=16, layers=1, history=8, dropout=0.0,
    modality_dropout=0.0, accumulate=int(sys.argv[2]),
)
data = build_data(make_tokens(), [f"title {{item}}" for item in range(ITEMS)], [""] * ITEMS, log=make_log())
try:
    train(data, config, choose_device("cpu"), Path(sys.argv[1]))
except RankDoneError:
    pass
end_process(0)
"""


def run(folder: Path, *, processes: int, accumulate: int) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    script = folder / "script.py"
    script.write_text(SCRIPT.format(root=str(ROOT)))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    start = command if processes > 1 else [sys.executable]
    out = folder / f"out-{processes}"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*start, str(script), str(out), str(accumulate)],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return load_file(out / "last.safetensors")


@pytest.mark.long
def test_two_processes_learn_what_one_learns_in_two_goes(tmp_path) -> None:
    alone = run(tmp_path, processes=1, accumulate=2)
    together = run(tmp_path, processes=2, accumulate=1)
    # The bias of keys shifts all logits alike and changes nothing, so its gradient is rounding alone.
    weights = [name for name in alone if name.startswith("model.") and not name.endswith("key.bias")]
    assert weights
    for name in weights:
        torch.testing.assert_close(together[name], alone[name], rtol=1e-3, atol=1e-4, msg=name)


def test_alone_nothing_is_shared_or_averaged(monkeypatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    ranks = join_ranks()
    one = torch.nn.Parameter(torch.ones(2))
    ranks.average_gradients([one])
    assert ranks == Ranks() and ranks.is_first and one.grad is None
    assert ranks.share(json) is json


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    tried: list[int] = []

    def try_step(config: TrainConfig) -> None:
        tried.append(config.items)
        if config.items > 16:
            raise torch.OutOfMemoryError("too much")

    found = find_batch(TrainConfig(items=64, alone=32, people=16, targets=128), try_step)
    assert tried == [64, 32, 16]
    assert (found.items, found.alone, found.people, found.targets, found.accumulate) == (16, 16, 4, 32, 4)


def test_there_is_a_smallest_batch() -> None:
    from core.errors import TrainError

    with pytest.raises(TrainError, match="two items"):
        halve_batch(TrainConfig(items=2, alone=2))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("x"), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), True),
        (RuntimeError("shapes do not match"), False),
    ],
)
def test_running_out_of_memory_is_known_on_any_device(error, expected) -> None:
    assert is_out_of_memory(error) is expected


def test_a_run_goes_on_with_the_batch_that_it_began_with(tmp_path: Path) -> None:
    """A card with less memory free would halve it, and the steps would be others."""
    asked = TrainConfig(items=64, alone=32)
    assert read_batch(tmp_path, asked) is None
    keep_batch(tmp_path, halve_batch(asked))
    assert read_batch(tmp_path, asked) == halve_batch(asked)
    (tmp_path / "batch.json").write_text("[]")
    with pytest.raises(TrainError, match="cannot be read"):
        read_batch(tmp_path, asked)
