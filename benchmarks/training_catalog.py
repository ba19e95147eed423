"""Does training on a catalogue alone help, and what does it cost elsewhere?

    python -m benchmarks.training_catalog --data ../shared/data --keep FOLDER

`fashion`: 8,213 products with pictures of 60 x 80 pixels, trained with the preset on titles that are not held out; a
tenth of the titles chooses the best epoch and the blend, another tenth is reported. The grocery photos then show what
was forgotten: the tuned fusion reads them as the untrained one did.

`grocery`: 81 products; a photo of a shop's shelf is to find its product among the 81 texts (title and description). The
fusion is tuned on the data set's own train list, the epoch and the blend are chosen on its
validation list, and its test list is reported.

Tokens are kept in FOLDER: a second run need not read the pictures again.
"""

import argparse
import csv
import itertools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.catalog.schema import Item
from core.device import choose_device
from core.encode.loading import load_encoder
from core.encode.registry import find_backbone
from core.encode.towers import load_towers
from core.evaluate.answer import Answer
from core.evaluate.catalog_report import TASKS
from core.evaluate.help_report import CatalogHelp
from core.evaluate.verdict import measure_difference
from core.model.inference import read_items
from core.parts import extract_tokens
from core.store.items import PictureLink, StoredItem
from core.tokens.item_tokens import ItemTokens, load_tokens, save_tokens
from core.train.config import TrainConfig, preset_config
from core.train.data import build_data
from core.train.run import Trained, set_gates, train
from core.work.material import build_table


def read_fashion(folder: Path) -> tuple[list[Item], list[Path | None]]:
    rows = list(csv.DictReader((folder / "products.csv").open(encoding="utf-8")))
    items = [
        Item(
            item_id=row["id"],
            title=row["title"],
            category=(row["masterCategory"], row["subCategory"], row["articleType"]),
            attributes={"Colour": (row["baseColour"],), "Usage": (row["usage"],)},
        )
        for row in rows
    ]
    return items, [folder / row["image"] for row in rows]


def read_grocery(folder: Path) -> tuple[list[Item], list[Path | None], list[str]]:
    """Photos as items: the picture is the photo, the words are the product's; the list each photo is in."""
    rows = list(csv.DictReader((folder / "classes.csv").open(encoding="utf-8")))
    products = {int(row["Class ID (int)"]): row for row in rows}
    items, pictures, lists = [], [], []
    for name in ("train", "val", "test"):
        for line in (folder / f"{name}.txt").read_text("utf-8").splitlines():
            path, number, _ = (part.strip() for part in line.split(","))
            items.append(product_item(folder, products[int(number)], path))
            pictures.append(folder / "images" / path)
            lists.append(name)
    return items, pictures, lists


def product_item(folder: Path, row: dict[str, str], item_id: str) -> Item:
    text = folder / row["Product Description Path (str)"].lstrip("/")
    title = row["Class Name (str)"].replace("-", " ")
    return Item(
        item_id=item_id,
        title=title,
        description=text.read_text("utf-8", errors="replace").strip(),
        category=(row["Coarse Class Name (str)"].replace("-", " "),),
    )


def tokens_of(name: str, items: Sequence[Item], pictures: Sequence[Path | None], keep: Path) -> ItemTokens:
    folder = keep / name
    if missing := [path for path in pictures if path is None or not path.is_file()]:
        raise SystemExit(f"{len(missing)} pictures of {name} are missing, the first is {missing[0]}")
    if not folder.exists():
        towers = load_towers(find_backbone("embedded"), keep / "models")
        save_tokens(extract_tokens(towers, store_items(items, pictures), Path, lambda *_: None), folder)
    return load_tokens(folder)


def store_items(items: Sequence[Item], pictures: Sequence[Path | None]) -> list[StoredItem]:
    """Items with their pictures, as a catalogue would hold them; a picture goes by its path."""
    return [
        StoredItem(id=row, catalog_id=0, item=item, pictures=(PictureLink(source="", picture=str(path)),))
        for row, (item, path) in enumerate(zip(items, pictures, strict=True))
    ]


def print_answer(name: str, answer: Answer) -> None:
    print(f"\n{name}: {answer.tested} held-out titles; {answer.recommendation}")
    print("| what | measure | before | trained | ratio |\n|---|---|---|---|---|")
    values = {(row.name, row.metric): row for row in answer.rows}
    for task, metric in itertools.product(TASKS, ("recall@10", "mrr", "accuracy")):
        before, after = values.get((f"{task}, before", metric)), values.get((f"{task}, trained", metric))
        if before and after:
            ratio = after.value / max(before.value, 1e-9)
            spread = f"({after.low:.3f} to {after.high:.3f})"
            print(f"| {task} | {after.metric} | {before.value:.3f} | {after.value:.3f} {spread} | {ratio:.1f} |")


def photo_hits(trained: Trained, tokens: ItemTokens, titles: Sequence[str], texts: np.ndarray, names: Sequence[str]):
    """1 where the nearest of the products' texts is the photo's own, from the picture alone."""
    pictures = read_items(trained.model, tokens, only="picture").vectors[:, trained.model.config.place("picture")]
    found = (pictures @ texts.T).argmax(axis=1)
    return np.array([names[place] == title for place, title in zip(found, titles, strict=True)], float)


def compare_photos(name: str, trained: Trained, tokens: ItemTokens, titles: list[str], encode) -> None:
    names = sorted(set(titles))
    texts = encode(names)
    after = photo_hits(trained, tokens, titles, texts, names)
    gates = trained.model.fusion.gate.detach().clone()
    set_gates(trained.model, gates * 0)
    before = photo_hits(trained, tokens, titles, texts, names)
    set_gates(trained.model, gates)
    found = measure_difference(after, before)
    print(
        f"{name}: photo to product, top-1 among {len(names)}, {len(titles)} photos: before {before.mean():.4f}, after "
        f"{after.mean():.4f} (difference {found.low:+.4f} to {found.high:+.4f})"
    )


def train_in_a_folder(data, config: TrainConfig) -> Trained:
    with tempfile.TemporaryDirectory() as folder:
        return train(data, config, choose_device("cpu"), Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("fashion", "grocery"))
    options = parser.parse_args()
    config = preset_config(options.preset, seed=options.seed)
    encode = load_encoder("embedded", options.keep / "models").encode_texts
    photos, paths, lists = read_grocery(options.data / "grocery")
    photo_tokens = tokens_of("grocery", photos, paths, options.keep)
    test = np.flatnonzero(np.array(lists) == "test")
    titles = [photos[row].title for row in test]
    if options.only != "grocery":
        items, pictures = read_fashion(options.data / "fashion")
        tokens = tokens_of("fashion", items, pictures, options.keep)
        help_ = CatalogHelp(build_table(store_items(items, pictures), tokens), config)
        began = time.monotonic()
        trained = train_in_a_folder(help_.build_data(tokens), config)
        print(f"fashion: {time.monotonic() - began:.0f} s, blend {trained.blend}, {trained.steps} steps")
        print_answer("fashion", help_.measure(trained, tokens, encode))
        compare_photos("forgotten by fashion", trained, photo_tokens.take(test), titles, encode)
    if options.only != "fashion":
        fit = np.flatnonzero(np.array(lists) != "test")
        stored = store_items(photos, paths)
        table = build_table([stored[row] for row in fit], photo_tokens.take(fit))
        held = np.array([lists[row] == "val" for row in fit])
        data = build_data(photo_tokens.take(fit), table.titles, table.categories)
        data = replace(data, validation_items=held)
        began = time.monotonic()
        trained = train_in_a_folder(data, config)
        print(f"grocery: {time.monotonic() - began:.0f} s, blend {trained.blend}, {trained.steps} steps")
        for name in ("val", "test"):  # presets are chosen by the first, the second is reported
            rows = np.flatnonzero(np.array(lists) == name)
            words = [photos[row].title for row in rows]
            compare_photos(f"grocery {name} list", trained, photo_tokens.take(rows), words, encode)


if __name__ == "__main__":
    main()
