import zipfile
from pathlib import Path

import pytest

from core.catalog.pictures import archive
from core.catalog.pictures.archive import Archive
from core.errors import ArchiveError, PictureError


def _zip(path: Path, members: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_finds_tables_and_pictures(tmp_path: Path) -> None:
    path = _zip(
        tmp_path / "a.zip",
        {
            "shop/products.csv": "id\n1\n",
            "shop/images/1.jpg": b"one",
            "shop/notes/deep.csv": "x",
            "__MACOSX/shop/._products.csv": b"",
            "shop/.DS_Store": b"",
        },
    )
    with Archive(path) as opened:
        assert opened.tables == ("shop/products.csv", "shop/notes/deep.csv")
        assert opened.read_picture("images/1.jpg", near="shop") == b"one"
        assert opened.read_picture("shop\\images\\1.JPG") == b"one"
        assert opened.read_picture("1.jpg") == b"one"
        opened.extract_table("shop/products.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "id\n1\n"


def test_a_file_name_that_occurs_twice_is_not_guessed(tmp_path: Path) -> None:
    with Archive(_zip(tmp_path / "a.zip", {"a/1.jpg": b"a", "b/1.jpg": b"b"})) as opened:
        with pytest.raises(PictureError) as caught:
            opened.read_picture("1.jpg")
        assert caught.value.code == "missing"
        assert opened.read_picture("b/1.jpg") == b"b"


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:/evil.csv", "..\\evil.csv"])
def test_members_that_leave_the_archive_are_not_there(tmp_path: Path, name: str) -> None:
    with Archive(_zip(tmp_path / "a.zip", {name: "x"})) as opened:
        assert opened.names == () and opened.tables == ()
        with pytest.raises(ArchiveError):
            opened.extract_table(name, tmp_path / "out.csv")


def test_links_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        info = zipfile.ZipInfo("link.csv")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    with Archive(path) as opened:
        assert opened.names == ()


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    bomb = b"\0" * (30 * 2**20)
    with Archive(_zip(tmp_path / "a.zip", {"bomb.csv": bomb, "bomb.jpg": bomb})) as opened:
        with pytest.raises(ArchiveError, match="far more"):
            opened.extract_table("bomb.csv", tmp_path / "out.csv")
        with pytest.raises(PictureError):
            opened.read_picture("bomb.jpg")


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1)
    with pytest.raises(ArchiveError, match="more than 1 files"):
        Archive(_zip(tmp_path / "a.zip", {"1": b"", "2": b""}))


def test_damage_and_passwords_are_said(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"PK nothing")
    with pytest.raises(ArchiveError, match="not a readable ZIP"):
        Archive(tmp_path / "no.zip")
    good = _zip(tmp_path / "good.zip", {"a.csv": "id\n" * 5000}).read_bytes()
    locked = bytearray(good)
    for marker in (b"PK\x03\x04", b"PK\x01\x02"):
        at = locked.index(marker) + (6 if marker == b"PK\x03\x04" else 8)
        locked[at] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(ArchiveError, match="password"):
        Archive(tmp_path / "locked.zip")
    broken = bytearray(good)
    broken[40:60] = b"\xff" * 20
    (tmp_path / "broken.zip").write_bytes(broken)
    with Archive(tmp_path / "broken.zip") as opened, pytest.raises(ArchiveError, match="damaged"):
        opened.extract_table("a.csv", tmp_path / "out.csv")
