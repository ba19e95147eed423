"""Encoding speed, beside a plain open_clip loop over the same embedded model, in one run.

    python -m benchmarks.encoding

Both sides read the same files, decode them included. The plain loop is what open_clip's own readme shows: its
transform picture by picture, float32, one process; of batches of 8 and 32 the better one counts, and so it does for
texts, whose tokens open_clip pads to the whole context. Both sides run in turn, three times; the median counts.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.clipart import OPENCLIPART
from core.encode import load_encoder
from core.encode.embedded import load_embedded_model, prepare_embedded_folder
from core.encode.pictures import open_picture

ROUNDS = 3
WORDS = (
    "red",
    "blue",
    "warm",
    "small",
    "cheap",
    "wooden",
    "kids",
    "running",
    "kitchen",
    "garden",
    "shoe",
    "lamp",
    "mug",
    "hat",
)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Encoding speed beside plain open_clip.")
    parser.add_argument("--pictures", type=int, default=160)
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--models", type=Path, default=Path(".wishlight/models"))
    wishes = parser.parse_args()
    encoder = load_encoder("embedded", wishes.models, runtime="openvino")
    plain = PlainOpenClip(prepare_embedded_folder(wishes.models))
    with tempfile.TemporaryDirectory() as folder:
        kinds = write_pictures(Path(folder), wishes.pictures)
        print(f"{encoder.runtime_reason} {wishes.pictures} files a kind, {wishes.texts} texts, seed 0.\n")
        print("| what | plain open_clip, items/s | batch | Wishlight, items/s | ratio |\n|---|---|---|---|---|")
        for kind, paths in kinds.items():
            compare(kind, plain.encode_pictures, lambda rows: encoder.encode_pictures(rows).embeddings, paths)
    compare("texts of 3 to 7 words", plain.encode_texts, encoder.encode_texts, write_needs(wishes.texts))


class PlainOpenClip:
    """The loop of open_clip's readme."""

    def __init__(self, folder: Path) -> None:
        import open_clip

        _, _, self._transform = open_clip.create_model_and_transforms(
            f"local-dir:{folder}", load_weights=False, pretrained_text=False
        )
        self._model = load_embedded_model(folder)
        self._tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")

    def encode_pictures(self, paths: Sequence[Path], batch: int) -> Any:
        """Encode files to (N, D), unit-norm."""
        import torch

        rows = []
        with torch.inference_mode():
            for start in range(0, len(paths), batch):
                pixels = torch.stack([self._transform(Image.open(path)) for path in paths[start : start + batch]])
                rows.append(self._model.encode_image(pixels, normalize=True))
        return torch.cat(rows).numpy()

    def encode_texts(self, texts: Sequence[str], batch: int) -> Any:
        """Encode texts to (N, D), unit-norm."""
        import torch

        rows = []
        with torch.inference_mode():
            for start in range(0, len(texts), batch):
                tokens = self._tokenizer(list(texts[start : start + batch]))
                rows.append(self._model.encode_text(tokens, normalize=True))
        return torch.cat(rows).numpy()


def compare(kind: str, plain: Callable[..., Any], ours: Callable[..., Any], inputs: Sequence[Any]) -> None:
    """Print one row: items a second of both sides, and how alike their embeddings are."""
    few = inputs[: len(inputs) // 4]
    batch = max((8, 32), key=lambda size: len(few) / _seconds(lambda: plain(few, size)))
    ours(few)
    theirs_seconds, ours_seconds = [], []
    for _ in range(ROUNDS):
        theirs_seconds.append(_seconds(lambda: plain(inputs, batch)))
        ours_seconds.append(_seconds(lambda: ours(inputs)))
    slow, fast = (len(inputs) / statistics.median(seconds) for seconds in (theirs_seconds, ours_seconds))
    cosine = float((plain(few, batch) * ours(few)).sum(1).mean())
    print(f"| {kind} (mean cosine {cosine:.4f}) | {slow:.1f} | {batch} | {fast:.1f} | {fast / slow:.1f} |", flush=True)


def write_pictures(folder: Path, count: int) -> dict[str, list[Path]]:
    """Photo-like JPEG files, 640 x 480 and 1600 x 1200, and PNG files, 640 x 480, of drawings on soft grounds."""
    kinds = {"JPEG 640x480": (640, 480, "jpg"), "JPEG 1600x1200": (1600, 1200, "jpg"), "PNG 640x480": (640, 480, "png")}
    sources = [path for name in ("animals", "food") for path in sorted((OPENCLIPART / "png" / name).rglob("*.png"))]
    rng = np.random.default_rng(0)
    chosen = [sources[place] for place in rng.choice(len(sources), count, replace=False)]
    made: dict[str, list[Path]] = {kind: [] for kind in kinds}
    for number, source in enumerate(chosen):
        drawing = open_picture(source, side=400)
        for kind, (width, height, suffix) in kinds.items():
            path = folder / f"{width}-{number}.{suffix}"
            _compose(drawing, width, height, rng).save(path, quality=90)
            made[kind].append(path)
    return made


def write_needs(count: int) -> list[str]:
    """Short needs as people type them."""
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 8))) for _ in range(count)]


def _compose(drawing: Image.Image, width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """A drawing on a blurred ground with grain, so that a JPEG is as heavy to decode as a photo's."""
    ground = Image.fromarray(rng.integers(60, 220, (4, 5, 3), dtype=np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    fitted = drawing.copy()
    fitted.thumbnail((width * 3 // 4, height * 3 // 4))
    ground.paste(fitted, ((width - fitted.width) // 2, (height - fitted.height) // 2))
    grain = rng.normal(0, 6, (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(ground) + grain, 0, 255).astype(np.uint8))


def _seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
