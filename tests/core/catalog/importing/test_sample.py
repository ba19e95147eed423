"""The sample catalogue as it is shipped."""

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from core.catalog.importing import sample
from core.catalog.importing.sample import SAMPLE_FOLDER, sample_spec
from core.catalog.read.read import detect, read_table
from core.catalog.schema import Item
from core.errors import CatalogFileError

#: Start of a row's licence to the start of the names of its texts.
LICENCES = {
    "MIT": ("eshop", "zava"),
    "CC BY 4.0 (picture), BSD-3-Clause (text)": ("spree",),
    "CC BY 3.0": ("sweethome3d",),
    "CC0 1.0": ("sweethome3d",),
    "AFL-3.0": ("luma",),
}


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
    assert 450 <= len(validated.items) <= 560


def test_credits_are_neither_pictures_nor_attributes(items: list[Item], rows: list[dict[str, str]]):
    spec = sample_spec(backbone="fake")
    assert set(spec.mapping.targets) == set(rows[0])
    assert {spec.mapping.targets[name] for name in ("source", "author", "licence", "changes")} == {""}
    assert {name for item in items for name in item.attributes} == {"Colour", "Material"}


def test_ids_and_titles_are_unique(items: list[Item]):
    assert len({item.item_id for item in items}) == len(items)
    assert len({item.title.casefold() for item in items}) == len(items)


def test_nothing_is_invented(items: list[Item]):
    for item in items:
        assert len(item.category) >= 2, item.title
        assert not item.availability, item.title
        if item.item_id.startswith("sh3d-"):
            assert (item.price, item.currency, item.description) == (None, "", ""), item.title
        else:
            assert item.price is not None, item.title
            assert item.price > 0, item.title
            assert item.currency == "USD", item.title
            assert len(item.description) >= 30, item.title


def test_texts_are_clean(items: list[Item]):
    assert not [item.title for item in items if "&" in "".join(item.attributes.get("Material", ()))]
    assert not [
        item.title for item in items if any("/" in level and level != "Ski/boarding" for level in item.category)
    ]


def test_no_category_fills_the_shop(items: list[Item]):
    tops = Counter(item.category[0] for item in items)
    assert len(tops) >= 8
    assert max(tops.values()) < len(items) / 3


def test_the_first_page_shows_all_kinds(items: list[Item]):
    assert len({item.category[0] for item in items[-24:]}) >= 7


def test_every_item_has_one_square_picture_that_opens(items: list[Item]):
    for item in items:
        assert len(item.pictures) == 1, item.title
        with Image.open(SAMPLE_FOLDER / item.pictures[0]) as image:
            image.load()
            assert image.format == "WEBP"
            assert image.width == image.height <= 448


def test_pictures_are_light_and_all_in_use(items: list[Item]):
    pictures = {path.relative_to(SAMPLE_FOLDER).as_posix(): path for path in (SAMPLE_FOLDER / "pictures").iterdir()}
    assert set(pictures) == {item.pictures[0] for item in items}
    assert sum(path.stat().st_size for path in SAMPLE_FOLDER.rglob("*") if path.is_file()) < 15_000_000


def test_every_row_is_credited_and_its_licence_text_is_there(rows: list[dict[str, str]]):
    texts = [path.name for path in (SAMPLE_FOLDER / "licenses").iterdir()]
    for row in rows:
        assert all(row[name] for name in ("source", "author", "licence", "changes")), row["id"]
        (starts,) = (starts for licence, starts in LICENCES.items() if row["licence"].startswith(licence))
        assert any(text.startswith(starts) for text in texts), row["licence"]
    assert len({row["source"] for row in rows}) == len(rows)


def test_missing_sample_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sample, "SAMPLE_FOLDER", tmp_path)
    with pytest.raises(CatalogFileError, match="sample is missing"):
        sample_spec(backbone="fake")
