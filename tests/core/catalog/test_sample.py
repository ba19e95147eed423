"""The sample catalogue as it is shipped."""

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from core.catalog import sample
from core.catalog.read import detect, read_table
from core.catalog.sample import SAMPLE_FOLDER, sample_spec
from core.catalog.schema import Item
from core.errors import CatalogFileError

ALLOWED_LICENCES = ("Public domain", "CC0", "CC BY", "CC BY-SA")


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return [parsed.item for parsed in sample_spec(backbone="fake").build().items]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    path = SAMPLE_FOLDER / "products.csv"
    table = read_table(path, detect(path).options)
    return [dict(zip(table.columns, row.cells, strict=True)) for row in table.rows]


def test_every_row_is_taken_without_a_warning():
    validated = sample_spec(backbone="fake").build()
    assert validated.rejected == ()
    assert validated.problems == ()
    assert 400 <= len(validated.items) <= 600


def test_columns_are_mapped_as_a_person_would(items: list[Item]):
    targets = sample_spec(backbone="fake").mapping.targets
    assert targets["colour"] == "attribute:Colour"
    assert targets["material"] == "attribute:Material"
    assert targets["image"] == "pictures"
    assert {targets["licence"], targets["source"]} == {""}
    assert all(set(item.attributes) == {"Colour", "Material"} for item in items)


def test_ids_and_titles_are_unique(items: list[Item]):
    assert len({item.item_id for item in items}) == len(items)
    assert len({item.title.casefold() for item in items}) == len(items)
    assert len({item.description for item in items}) == len(items)


def test_every_item_is_complete(items: list[Item]):
    for item in items:
        assert len(item.category) == 2, item.title
        assert item.price is not None, item.title
        assert item.price > 0, item.title
        assert item.currency == "EUR", item.title
        assert item.availability, item.title
        assert item.brand, item.title
        assert item.tags, item.title
        assert len(item.description) >= 30, item.title


def test_no_category_fills_the_shop(items: list[Item]):
    tops = Counter(item.category[0] for item in items)
    assert len(tops) >= 12
    assert max(tops.values()) < len(items) / 4


def test_every_item_has_one_picture_that_opens(items: list[Item]):
    for item in items:
        assert len(item.pictures) == 1, item.title
        with Image.open(SAMPLE_FOLDER / item.pictures[0]) as image:
            image.load()
            assert image.format == "WEBP"
            assert max(image.size) <= 384


def test_pictures_are_light_and_all_in_use(items: list[Item]):
    pictures = {path.relative_to(SAMPLE_FOLDER).as_posix(): path for path in (SAMPLE_FOLDER / "pictures").iterdir()}
    assert set(pictures) == {item.pictures[0] for item in items}
    assert sum(path.stat().st_size for path in pictures.values()) < 8_000_000


def test_licences_are_free_and_sources_named(rows: list[dict[str, str]]):
    assert all(row["licence"].startswith(ALLOWED_LICENCES) for row in rows)
    assert len({row["source"] for row in rows}) == len(rows)


def test_missing_sample_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sample, "SAMPLE_FOLDER", tmp_path)
    with pytest.raises(CatalogFileError, match="sample is missing"):
        sample_spec(backbone="fake")
