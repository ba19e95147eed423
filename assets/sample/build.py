"""Builds the sample catalogue: the pictures and products.csv from the choice in selection.csv.

Run with `python assets/sample/build.py --shop FOLDER --luma FOLDER`; README.md says what the two folders hold. The same
choice and the same folders give the same files. Nothing is added to what the sources say of an item: what has no
description or no price there has none here.
"""

import argparse
import csv
import html
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
SELECTION, PICTURES, PRODUCTS, LICENSES = (
    HERE / name for name in ("selection.csv", "pictures", "products.csv", "licenses")
)
#: Name of a source to its table.
TABLES = {"shop": "items.csv", "luma": "products.csv"}
SIDE = 448  # pixels
QUALITY = 82
LUMA_CREDIT = {
    "currency": "USD",
    "author": "Magento, Inc.",
    "licence": "AFL-3.0",
    "changes": "resized to at most 448 px",
}
COLUMNS = (
    "id", "title", "description", "category", "brand", "price", "currency", "colour", "material", "image", "source",
    "author", "licence", "changes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One item that was chosen.

    Attributes:
        row: Its row of products.csv.
        original: The picture in the source's folder.
    """

    row: Mapping[str, str]
    original: Path

    @property
    def picture(self) -> Path:
        """Where the sample has the picture."""
        return HERE / self.row["image"]


def read_products(folders: Mapping[str, Path]) -> Iterator[Product]:
    """The choice in its own order, with what the sources say.

    Raises:
        KeyError: An item of the choice is not in its source.
    """
    sources = {name: _read_source(folder / TABLES[name]) for name, folder in folders.items()}
    with SELECTION.open(encoding="utf-8", newline="") as file:
        for choice in csv.DictReader(file):
            row = sources[choice["source"]][choice["id"]]
            original = folders[choice["source"]] / row["image"]
            row = _complete_luma(row) if choice["source"] == "luma" else row
            changes = row["changes"].removesuffix(", re-encoded as JPEG") + ", on a white square, re-encoded as WebP"
            own = {"changes": changes, "image": f"pictures/{row['id']}.webp"}
            yield Product(row={column: (row | own).get(column, "") for column in COLUMNS}, original=original)


def _read_source(table: Path) -> dict[str, dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def _complete_luma(row: Mapping[str, str]) -> dict[str, str]:
    """Its own names of columns and separators made those of the others, and the credit, which its table leaves out.

    Shelves for campaigns ("Collections/Erin Recommends") say nothing of an item.
    """
    category = row["category"].partition("/Collections/")[0].replace("/", " > ")
    materials = html.unescape(row["material"]).split("|")
    source = f"https://github.com/magento/magento2-sample-data, product {row['id']}"
    own = {
        "category": category,
        "colour": row["color"],
        "material": "|".join(filter(None, materials)),
        "source": source,
    }
    return dict(row) | LUMA_CREDIT | own


def draw_picture(original: Path) -> Image.Image:
    """A picture in the middle of a white square of at most `SIDE` pixels; small ones are not enlarged.

    Squares look alike in a grid, and nothing is lost to encoders that look at the middle of a picture.
    """
    with Image.open(original) as image:
        flat = image.convert("RGB")
    flat.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    side = max(flat.size)
    square = Image.new("RGB", (side, side), "white")
    square.paste(flat, ((side - flat.width) // 2, (side - flat.height) // 2))
    return square


def save_pictures(products: list[Product]) -> None:
    """Write every picture, and delete those that are no longer chosen."""
    PICTURES.mkdir(exist_ok=True)
    left_over = set(PICTURES.glob("*.webp"))
    for product in products:
        draw_picture(product.original).save(product.picture, quality=QUALITY, method=6)
        left_over.discard(product.picture)
    for picture in left_over:
        picture.unlink()


def save_table(products: list[Product]) -> None:
    """Write products.csv."""
    with PRODUCTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(product.row for product in products)


def copy_licenses(folders: Mapping[str, Path]) -> None:
    """The licence texts of all sources, as they are."""
    LICENSES.mkdir(exist_ok=True)
    for name, folder in folders.items():
        for text in sorted((folder / "licenses").iterdir()):
            shutil.copyfile(text, LICENSES / (text.name if name == "shop" else f"{name}-{text.name}"))


def main() -> None:
    """Build everything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shop", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--luma", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    folders = {"shop": options.shop, "luma": options.luma}
    products = list(read_products(folders))
    save_pictures(products)
    save_table(products)
    copy_licenses(folders)
    size = sum(product.picture.stat().st_size for product in products)
    print(f"{len(products)} items, pictures of {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
