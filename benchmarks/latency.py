"""From a need to its cards: time by catalogue size, against the sum of encoding the need and scanning the index.

    python -m benchmarks.latency [--sizes 1000 10000 100000]

Catalogues are made up: titles of 3 to 8 words, drawn by a Zipf law from 30,000 words, and clustered unit vectors with
the embedded model's dimension. Needs are real phrases. All three times are taken in the same run, in turn.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.catalog.schema import Item
from core.home import open_home
from core.suggest.need import Need
from core.suggest.query import build_query, embed_need
from core.suggest.suggester import CANDIDATES
from core.workspace import Workspace

SEED = 7
CHUNK = 2_000
REPEATS = 60
NEEDS = (
    "black leather formal shoes for men", "red summer dress", "something warm for the winter", "a gift for my mother",
    "waterproof boots for the city", "toy for a child who loves animals", "blue cotton shirt", "office chair",
    "running shoes size 42", "wooden table for six", "silver necklace", "bag for a laptop", "garden tools",
    "lamp for the bedroom", "green tea", "cheap headphones", "coffee machine", "a book about birds", "bicycle helmet",
    "kitchen knife",
)  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one step, one entry a repeat."""

    milliseconds: list[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        return float(np.percentile(self.milliseconds, 95))


def fill(workspace: Workspace, name: str, size: int, *, backbone: str = "embedded") -> None:
    """Write a made-up catalogue straight into the store."""
    rng = np.random.default_rng(SEED)
    encoder = workspace.encoder(backbone)
    catalog = workspace.catalogs.ensure(name, domain="goods", backbone=backbone)
    model = workspace.embeddings.model_number(encoder.model_version)
    words = [f"w{number:05d}" for number in range(30_000)]
    phrases = sorted({word for need in NEEDS for word in need.split()})
    words[5 : 5 + 20 * len(phrases) : 20] = phrases
    centres = rng.standard_normal((200, 2, encoder.dimension)).astype(np.float32)
    for start in range(0, size, CHUNK):
        count = min(CHUNK, size - start)
        parts = centres[rng.integers(0, len(centres), count)] + rng.standard_normal(
            (count, 2, encoder.dimension), dtype=np.float32
        )
        parts /= np.linalg.norm(parts, axis=-1, keepdims=True)
        ranks = np.minimum(rng.zipf(1.15, (count, 8)), len(words)) - 1
        lengths = rng.integers(3, 9, count)
        items = [
            Item(
                item_id=f"{start + at:08d}",
                title=" ".join(words[rank] for rank in ranks[at, : lengths[at]]),
                attributes={"Colour": (("Red", "Blue", "Green", "Black")[at % 4],)},
            )
            for at in range(count)
        ]
        with workspace.database.transaction():
            workspace.embeddings.put(model, "text", {item.text_hash(): parts[at, 1] for at, item in enumerate(items)})
            workspace.items.upsert(catalog.id, [(item, ()) for item in items])
    workspace.serving.write(workspace.catalogs.find(name))


def measure(workspace: Workspace, name: str) -> dict[str, Timing]:
    """Encoding, bare scan and the whole way, in turn."""
    catalog = workspace.catalogs.find(name)
    served = workspace.serving.of(catalog)
    encoder, index = served.encoder, served.index
    needs = [Need(text=text, catalogs=(name,)) for text in NEEDS]
    queries = [build_query(n, embed_need(n, served, None), served).vector for n in needs]
    times: dict[str, list[float]] = {"encode": [], "scan": [], "all": []}
    for repeat in range(REPEATS):
        at = repeat % len(needs)
        texts = [needs[at].text]
        times["encode"].append(_clock(lambda texts=texts: encoder.encode_texts(texts)))
        times["scan"].append(_clock(lambda at=at: index.search(queries[at], CANDIDATES)))
        times["all"].append(_clock(lambda at=at: workspace.suggester.suggest(needs[at])))
    return {step: Timing(found) for step, found in times.items() if found}


def _clock(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--models", type=Path, help="a folder with models that are built already")
    options = parser.parse_args()
    print(f"{len(NEEDS)} needs, {REPEATS} repeats, seed {SEED}, milliseconds\n")
    print("| items | encode p50 | scan p50 | need to cards p50 | p95 | cards / (encode + scan) |")
    print("|---|---|---|---|---|---|")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            home = open_home(folder)
            if options.models:
                home.models.rmdir()
                home.models.symlink_to(options.models.resolve())
            workspace = Workspace(home)
            fill(workspace, "made up", size)
            measure(workspace, "made up")
            found = measure(workspace, "made up")
            ratio = found["all"].p50 / (found["encode"].p50 + found["scan"].p50)
            print(
                f"| {size:,} | {found['encode'].p50:.1f} | {found['scan'].p50:.1f} | {found['all'].p50:.1f} | "
                f"{found['all'].p95:.1f} | {ratio:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
