import io
import zipfile
from pathlib import Path

import pytest

from core.catalog.read.intake import name_file, save_pictures, save_upload, stage_file
from core.catalog.read.read import detect
from core.errors import WishlightError


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("shop.csv", "shop.csv"),
        ("Mein Laden 2026.XLSX", "Mein Laden 2026.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\shop.csv.gz", "shop.csv.gz"),
        ("..", "file"),
        ("", "file"),
        (".csv", "file.csv"),
        ("a\0b\x1b[31m\n.csv", "ab[31m.csv"),
        ("\u202etxt.exe.csv", "txt.exe.csv"),
        ("🛒 商店.csv", "🛒 商店.csv"),
        ("x" * 400 + ".parquet", "x" * 150 + ".parquet"),
        ("界" * 200 + ".zip", "界" * 50 + ".zip"),
        ("shop." + "y" * 300, None),
    ],
)
def test_a_name_from_outside_is_one_safe_part(name: str, kept: str | None, tmp_path: Path) -> None:
    safe = name_file(name)
    assert kept is None or safe == kept
    assert "/" not in safe and len(safe.encode()) <= 200
    (tmp_path / safe).write_text("it can be written")


def test_an_upload_keeps_its_name_and_messages_say_it(tmp_path: Path) -> None:
    path = save_upload(io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"\0" * 64), "bad.csv", tmp_path)
    assert path.name == "bad.csv" and path.is_relative_to(tmp_path)
    assert save_upload(io.BytesIO(path.read_bytes()), "bad.csv", tmp_path) == path, "the same file lies there once"
    with pytest.raises(WishlightError, match=r"bad\.csv") as caught:
        detect(path)
    assert path.parent.name not in str(caught.value)


def test_a_table_of_an_archive_keeps_its_name(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("one/items.csv", "id,title\n1,Red\n")
        file.writestr("two/items.csv", "id,title\n1,Blue\n")
    archive.seek(0)
    path = save_upload(archive, "shop.zip", tmp_path)
    one = stage_file(path, tmp_path, name="shop.zip", member="one/items.csv")
    two = stage_file(path, tmp_path, name="shop.zip", member="two/items.csv")
    assert one.table.name == two.table.name == "items.csv" and one.table != two.table
    assert "Red" in one.table.read_text() and "Blue" in two.table.read_text()
    assert not list(tmp_path.glob("*.tmp"))


def test_a_picture_whose_name_no_disk_takes_is_told(tmp_path: Path) -> None:
    with pytest.raises(WishlightError, match=r"cannot be stored .* shorter name"):
        save_pictures([("ж" * 200 + ".png", io.BytesIO(b"x"))], tmp_path / "pictures")
