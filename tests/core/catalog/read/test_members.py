"""Tables of a ZIP file are told from what lies beside them."""

import zipfile
from pathlib import Path

import pytest

from core.catalog.read.intake import list_tables, stage_file
from core.errors import CatalogFileError

TABLE = "id,title,price\n1,Red cup,5\n2,Blue cup,6\n"
READ_ME = "Hello,\n\nthese are our products, with pictures.\nPlease ask us, if something is missing.\n\nBest, Anna\n"
LICENCE = "MIT License\n\nCopyright (c) 2024, Anna\n\nPermission is hereby granted, free of charge, to any person\n"
LETTER = "Dear all,\nBest wishes, Anna\nSo long, Bob\n"


def pack(folder: Path, members: dict[str, str | bytes]) -> Path:
    path = folder / "shop.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "beside",
    [
        {"readme.txt": READ_ME},
        {"LICENSE.txt": LICENCE, "readme.txt": LETTER},
        {"a.txt": "", "notes.csv": ""},
        {"package.json": '{"version": "1.0", "author": "Anna"}'},
        {"__MACOSX/._products.csv": "x", ".DS_Store": "x", "readme.txt": "Stock of today"},
        {"readme.txt": "Produits à la carte – été\n".encode("cp1252")},
    ],
)
@pytest.mark.parametrize("name", ["products.csv", "Products.txt"])
def test_what_is_no_table_is_passed_over(tmp_path: Path, name: str, beside: dict[str, str | bytes]) -> None:
    path = pack(tmp_path, {**beside, name: TABLE})
    assert list_tables(path) == (name,)
    assert stage_file(path, tmp_path).table.read_text() == TABLE


def test_several_tables_are_named_with_how_to_choose(tmp_path: Path) -> None:
    lines = '{"user_id": "a", "item_id": "1"}\n'
    path = pack(tmp_path, {"products.csv": TABLE, "stock.txt": TABLE, "log.jsonl": lines, "readme.txt": READ_ME})
    with pytest.raises(CatalogFileError, match=r"log\.jsonl, products\.csv, stock\.txt.*on the page, or with --sheet"):
        stage_file(path, tmp_path)
    assert stage_file(path, tmp_path, member="stock.txt").table.read_text() == TABLE


def test_a_table_of_other_names_is_still_a_table(tmp_path: Path) -> None:
    rows = "".join(f"Ware {n};{n};Lager {n}\n" for n in range(5))
    assert list_tables(pack(tmp_path, {"export.txt": rows, "readme.txt": READ_ME})) == ("export.txt",)


def test_a_text_that_stands_alone_is_left_to_the_reader(tmp_path: Path) -> None:
    assert list_tables(pack(tmp_path, {"readme.txt": READ_ME})) == ("readme.txt",)
