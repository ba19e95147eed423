"""The sample catalogue that ships with Wishlight."""

from pathlib import Path

from core.catalog.importing import ImportSpec
from core.catalog.read import detect, preview_table
from core.catalog.suggest_mapping import suggest_mapping
from core.errors import CatalogFileError

SAMPLE_NAME = "Sample shop"
SAMPLE_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "sample"
_CURRENCY = "EUR"


def sample_spec(*, backbone: str, name: str = SAMPLE_NAME) -> ImportSpec:
    """The recipe that imports the sample.

    Raises:
        CatalogFileError: The sample is missing from this copy of Wishlight.
    """
    table = SAMPLE_FOLDER / "products.csv"
    if not table.is_file():
        raise CatalogFileError(f"The sample is missing ({table}). Get Wishlight again, or import a file of your own.")
    options = detect(table).options
    preview = preview_table(table, options)
    return ImportSpec(
        catalog=name,
        backbone=backbone,
        table=table,
        options=options,
        mapping=suggest_mapping(preview.columns, preview.rows).build(accept_suggestions=True),
        domain="goods",
        currency=_CURRENCY,
        folder=SAMPLE_FOLDER,
        fetch=False,
    )
