"""Builds the sample catalogue: the pictures and products.csv from the choice in selection.csv.

Run with `python assets/sample/build.py` where the Debian package openclipart-png is installed. The same choice gives
the same files. Brand, price and availability are invented, from a hash of the id: drawings have none.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops

HERE = Path(__file__).resolve().parent
SELECTION, PICTURES, PRODUCTS = HERE / "selection.csv", HERE / "pictures", HERE / "products.csv"
#: First part of a source to the folder of the package that it comes from.
PACKAGES = {"openclipart": Path("/usr/share/openclipart/png")}
#: Longer than a facet, so that the automatic mapping leaves the column out of what items say of themselves.
LICENCES = {"openclipart": "Public domain (dedicated by the artist, as the package's copyright file says)"}

SIDE = 384  # pixels
QUALITY = 82
#: Blank border on each side as a share of the longer side of the drawing.
BORDER = 0.04
#: A pixel belongs to the drawing when a channel differs by more than this from white; softer shadows are cut off.
INK = 12

CURRENCY = "EUR"
#: Top category to its invented brands.
BRANDS = {
    "Animal Figures": ("Pebblo", "Larkspun", "Hoof & Hollow"),
    "Clothing": ("Fernhollow", "Sundrift", "Dapperling"),
    "Drinks": ("Morrowby", "Sipwell", "Kettlefen"),
    "Electronics": ("Voltivo", "Brightnook", "Halderon"),
    "Food": ("Maplewick", "Morrowby", "Crumbleton"),
    "Garden": ("Fernhollow", "Greenmoor", "Petalwise"),
    "Home": ("Oddmint", "Hollowell", "Brightnook"),
    "Kitchen": ("Kettlefen", "Oddmint", "Crumbleton"),
    "Music": ("Cadenzo", "Larkspun", "Tonewell"),
    "Party": ("Confettique", "Pebblo", "Sundrift"),
    "Pets": ("Pawberry", "Hoof & Hollow", "Hollowell"),
    "Sports": ("Stridemoor", "Sundrift", "Halderon"),
    "Stationery": ("Quillby", "Inkmoor", "Paperfen"),
    "Tools": ("Ironbeck", "Tinkermoor", "Greenmoor"),
    "Toy Vehicles": ("Wheelby", "Tinkermoor", "Pebblo"),
    "Toys": ("Pebblo", "Tinkermoor", "Larkspun"),
}
#: Category, or top category for the others, to the least and the highest price in euro.
PRICES = {
    "Animal Figures": (6, 35),
    "Clothing": (9, 55), "Clothing > Accessories": (6, 35), "Clothing > Jewellery": (60, 600),
    "Drinks": (1, 4),
    "Electronics": (19, 240), "Electronics > Accessories": (5, 60), "Electronics > Computers": (45, 900),
    "Electronics > Media": (1, 12), "Electronics > Screens": (70, 480),
    "Food": (1, 7), "Food > Cakes": (9, 39), "Food > Ready Meals": (4, 13), "Food > Meat and Eggs": (9, 40),
    "Garden": (5, 45), "Garden > Flowers": (2, 15), "Garden > Furniture": (60, 400), "Garden > Trees": (19, 120),
    "Home": (4, 60), "Home > Cleaning": (4, 30), "Home > Furniture": (35, 380), "Home > Lighting": (6, 60),
    "Kitchen": (5, 35), "Kitchen > Appliances": (25, 190), "Kitchen > Pots and Pans": (18, 120),
    "Music": (90, 950), "Music > Accessories": (9, 60), "Music > Percussion": (9, 190), "Music > Records": (6, 30),
    "Party": (2, 30), "Party > Balloons": (1, 9),
    "Pets": (6, 50),
    "Sports": (6, 45), "Sports > Cycling": (240, 1400),
    "Stationery": (2, 28), "Stationery > Paper": (1, 7), "Stationery > Pens and Pencils": (1, 15),
    "Tools": (4, 45), "Tools > Power Tools": (39, 180),
    "Toy Vehicles": (6, 45),
    "Toys": (4, 40), "Toys > Play Houses": (25, 160),
}  # fmt: skip
#: Most things are there, so that a need finds something to buy; some are not, so that the state shows.
STATES = ("in stock",) * 17 + ("preorder",) + ("out of stock",) * 2
COLUMNS = (
    "id", "title", "description", "category", "brand", "price", "currency", "availability", "colour", "material",
    "tags", "image", "licence", "source",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A drawing that was chosen, and what is said of it.

    Attributes:
        item_id: "S0001" and so on, in the order of the selection.
        source: Name of the package's folder, then the path within it.
        words: Title, category, colour, material, description and tags by the name of their column.
    """

    item_id: str
    source: str
    words: dict[str, str]

    @property
    def package(self) -> str:
        """The first part of the source."""
        return self.source.partition("/")[0]

    @property
    def drawing(self) -> Path:
        """Where the package has put the drawing."""
        return PACKAGES[self.package] / self.source.partition("/")[2]

    @property
    def picture(self) -> Path:
        """Where the catalogue has the picture."""
        return PICTURES / f"{self.item_id}.webp"


def read_selection(path: Path = SELECTION) -> Iterator[Choice]:
    """The choice in its own order."""
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            source = row.pop("source")
            yield Choice(item_id=f"S{number:04d}", source=source, words=row)


def draw_picture(drawing: Path) -> Image.Image:
    """A drawing in the middle of a white square of at most `SIDE` pixels.

    Squares look alike in a grid, and nothing is lost to encoders that look at the middle of a picture. Small drawings
    are not enlarged: that would add bytes and no detail.

    Raises:
        OSError: The package is not installed, or the file is no picture.
    """
    with Image.open(drawing) as image:
        layered = image.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    ink = ImageChops.invert(flat).point(lambda level: 255 if level > INK else 0)
    flat = flat.crop(ink.getbbox())
    inner = round(SIDE * (1 - 2 * BORDER))
    flat.thumbnail((inner, inner), Image.Resampling.LANCZOS)
    side = min(SIDE, round(max(flat.size) / (1 - 2 * BORDER)))
    square = Image.new("RGB", (side, side), "white")
    square.paste(flat, ((side - flat.width) // 2, (side - flat.height) // 2))
    return square


def invent_number(item_id: str, what: str, below: int) -> int:
    """A number in [0, below) that depends on nothing but the id and what it is for."""
    digest = hashlib.sha256(f"{item_id} {what}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def invent_price(item_id: str, least: int, highest: int) -> str:
    """A price in euro within the range, "12.90"; low prices are the most frequent."""
    share = invent_number(item_id, "price", 1000) / 1000
    cents = ("49", "90", "95", "99")[invent_number(item_id, "cents", 4)]
    return f"{least + int((highest - least) * share**2)}.{cents}"


def build_product(choice: Choice) -> dict[str, str]:
    """The row of products.csv."""
    category = choice.words["category"]
    top = category.partition(" > ")[0]
    brands, (least, highest) = BRANDS[top], PRICES.get(category, PRICES[top])
    return choice.words | {
        "id": choice.item_id,
        "brand": brands[invent_number(choice.item_id, "brand", len(brands))],
        "price": invent_price(choice.item_id, least, highest),
        "currency": CURRENCY,
        "availability": STATES[invent_number(choice.item_id, "availability", len(STATES))],
        "image": choice.picture.relative_to(HERE).as_posix(),
        "licence": LICENCES[choice.package],
        # Without its ending: the automatic mapping would take a column of file names for further pictures.
        "source": choice.source.removesuffix(choice.drawing.suffix),
    }


def save_products(choices: Iterable[Choice], path: Path = PRODUCTS) -> None:
    """Write products.csv."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(build_product(choice) for choice in choices)


def save_pictures(choices: Iterable[Choice]) -> None:
    """Write every picture, and delete those that are no longer chosen."""
    PICTURES.mkdir(exist_ok=True)
    left_over = set(PICTURES.glob("*.webp"))
    for choice in choices:
        draw_picture(choice.drawing).save(choice.picture, quality=QUALITY, method=6)
        left_over.discard(choice.picture)
    for picture in left_over:
        picture.unlink()


def main() -> None:
    """Build everything."""
    choices = list(read_selection())
    save_pictures(choices)
    save_products(choices)
    size = sum(choice.picture.stat().st_size for choice in choices)
    print(f"{len(choices)} items, pictures of {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
