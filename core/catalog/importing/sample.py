"""The sample catalogue that ships with Wishlight."""

import csv
from pathlib import Path

from core.catalog.importing.spec import ImportSpec
from core.catalog.read.read import detect
from core.catalog.shape.mapping import ColumnMapping
from core.errors import CatalogFileError

SAMPLE_NAME = "Sample shop"
SAMPLE_FOLDER = Path(__file__).resolve().parents[3] / "assets" / "sample"
SAMPLE_NOTE = "Pictures made for demos, most of them rendered or generated."
#: Needs to show the sample with: the first rows of each were looked at.
SAMPLE_NEEDS = (
    "somewhere comfortable to sit",
    "a backpack for a long hike",
    "warm jacket for the winter",
    "grow vegetables in the garden",
)
#: What its columns are, said and not guessed: credits are neither pictures nor something to filter by.
_TARGETS = {
    "id": "id",
    "title": "title",
    "description": "description",
    "category": "category",
    "brand": "brand",
    "price": "price",
    "currency": "currency",
    "colour": "attribute:Colour",
    "material": "attribute:Material",
    "image": "pictures",
    "source": "",
    "author": "",
    "licence": "",
    "changes": "",
}


def sample_spec(*, backbone: str) -> ImportSpec:
    """The recipe that imports the sample.

    Raises:
        CatalogFileError: The sample is missing from this copy of Wishlight.
    """
    table = SAMPLE_FOLDER / "products.csv"
    if not table.is_file():
        raise CatalogFileError(f"The sample is missing ({table}). Get Wishlight again, or import a file of your own.")
    return ImportSpec(
        catalog=SAMPLE_NAME,
        backbone=backbone,
        table=table,
        options=detect(table).options,
        mapping=ColumnMapping(targets=_TARGETS),
        domain="goods",
        folder=SAMPLE_FOLDER,
        fetch=False,
    )


def list_sample_pictures(count: int) -> tuple[Path, ...]:
    """Pictures from all over the sample, to show what it holds; none where it is missing."""
    table = SAMPLE_FOLDER / "products.csv"
    if not table.is_file():
        return ()
    with table.open(encoding="utf-8", newline="") as file:
        named = [SAMPLE_FOLDER / row["image"] for row in csv.DictReader(file) if row["image"]]
    step = max(len(named) // count, 1)
    return tuple(path for path in named[step // 2 :: step] if path.is_file())[:count]
