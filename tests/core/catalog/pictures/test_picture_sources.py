from pathlib import Path

import pytest

from core.catalog.pictures.picture_sources import PictureFolder, PictureSources
from core.errors import PictureError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "chosen"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "a.jpg").write_bytes(b"a")
    (root / "deep" / "er" / "B.jpg").write_bytes(b"b")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    return root


@pytest.mark.parametrize(
    ("reference", "data"),
    [("a.jpg", b"a"), ("/a.jpg", b"a"), ("./a.jpg", b"a"), ("deep\\er\\B.jpg", b"b"), ("other/b.JPG", b"b"),
     ("deep/../a.jpg", b"a")],
)  # fmt: skip
def test_finds_files_inside(folder: Path, reference: str, data: bytes) -> None:
    assert PictureFolder(folder).read(reference) == data


@pytest.mark.parametrize("reference", ["../secret.jpg", "link.jpg", "deep/../../secret.jpg", "..\\secret.jpg"])
def test_never_opens_anything_outside(folder: Path, reference: str) -> None:
    with pytest.raises(PictureError) as caught:
        PictureFolder(folder).read(reference)
    assert caught.value.code in ("outside_folder", "missing")


def test_an_absolute_path_is_read_as_one_inside(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PictureError) as caught:
        PictureFolder(folder).read(str(tmp_path / "secret.jpg"))
    assert caught.value.code == "missing"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("file:///etc/passwd", "bad_url"),
        ("ftp://host/a.jpg", "bad_url"),
        ("data:image/png;base64,A", "bad_data"),
        ("data:image/png;base64,<!>", "bad_data"),
        ("data:image/png;base64," + "A" * 50 * 2**20, "too_large"),
        ("http://example.org/a.jpg", "not_fetched"),
        ("a\0.jpg", "missing"),
        ("x" * 5000, "missing"),
        ("", "missing"),
    ],
)
def test_says_why_a_reference_is_not_read(folder: Path, reference: str, code: str) -> None:
    with pytest.raises(PictureError) as caught:
        PictureSources(folder=PictureFolder(folder)).read(reference)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "reference",
    ["data:image/png;base64,/+8A", "DATA:image/png;charset=utf-8;base64,_-8A", "data:image/png;base64,%2F%2B8A",
     "data:image/png,%FF%EF%00"],
)  # fmt: skip
def test_a_picture_in_the_cell_is_decoded(reference: str) -> None:
    assert PictureSources().read(reference) == b"\xff\xef\x00"


def test_a_damaged_picture_in_the_cell_is_not_printed() -> None:
    with pytest.raises(PictureError) as caught:
        PictureSources().read("data:image/png;base64,%%%" + "A" * 1000)
    assert "AAAA" not in str(caught.value)


def test_a_name_written_as_in_an_address_is_found(folder: Path) -> None:
    (folder / "my shoe.jpg").write_bytes(b"shoe")
    assert PictureSources(folder=PictureFolder(folder)).read("my%20shoe.jpg") == b"shoe"


def test_without_a_folder_it_asks_for_one() -> None:
    with pytest.raises(PictureError) as caught:
        PictureSources().read("a.jpg")
    assert caught.value.code == "no_folder"
