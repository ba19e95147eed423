"""What a person says about a file, against what is found out."""

import zipfile
from pathlib import Path

import pytest

from core.catalog.read.choices import FileChoices, open_file
from core.catalog.read.read import preview_table
from core.errors import CatalogFileError
from tests.core.catalog.read.test_read import write_xlsx, xlsx_row


def read(path: Path, **choices: object) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns and rows of a file."""
    opened = open_file(path, path.parent, FileChoices(**choices))  # type: ignore[arg-type]
    table = preview_table(opened.staged.table, opened.options)
    return table.columns, [row.cells for row in table.rows]


def write_book(path: Path, **sheets: list[list[str]]) -> Path:
    write_xlsx(path, {n: [xlsx_row(at, *row) for at, row in enumerate(rows, 1)] for n, rows in sheets.items()})
    return path


def test_what_is_said_is_taken_and_the_rest_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Winter list\n\nid|name;full\n1|a;b\n2|c;d\n")
    assert read(path, delimiter="|", header_row=3) == (("id", "name;full"), [("1", "a;b"), ("2", "c;d")])
    assert read(path, delimiter=";", header_row=3)[0] == ("id|name", "full")
    assert read(path, delimiter="|", header_row=4, no_header=True) == (
        ("column_1", "column_2"),
        [("1", "a;b"), ("2", "c;d")],
    )


def test_a_separator_finds_its_own_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("made by us\n\nid\tname, colour\tprice\n" + "".join(f"{n}\ta, b\t{n}\n" for n in range(9)))
    assert read(path, delimiter="tab")[0] == ("id", "name, colour", "price")


def test_an_encoding_finds_its_own_layout(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id;name\n1;Größe\n".encode("cp1252"))
    assert read(path, encoding="cp1252") == (("id", "name"), [("1", "Größe")])
    assert read(path, encoding="cp1251")[1] == [("1", "GrцЯe")]
    path.write_bytes(b"\xef\xbb\xbfid;name\n1;x\n")
    assert read(path, encoding="UTF8")[0] == ("id", "name"), "a byte order mark is no letter"


def test_a_sheet_is_named_by_a_person(tmp_path: Path) -> None:
    path = write_book(tmp_path / "a.xlsx", First=[["id", "name"], ["1", "a"]], Second=[["sku", "title"], ["2", "b"]])
    assert read(path, sheet="Second") == (("sku", "title"), [("2", "b")])
    assert read(path, sheet=" second")[0] == ("sku", "title")
    with pytest.raises(CatalogFileError, match=r'no sheet "Third".* First, Second'):
        read(path, sheet="Third")


def test_a_table_of_an_archive_and_a_sheet_in_it(tmp_path: Path) -> None:
    book = write_book(tmp_path / "b.xlsx", One=[["id", "name"], ["1", "a"]], Two=[["sku", "title"], ["2", "b"]])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one.csv", "id,name\n1,a\n")
        archive.writestr("deep/two.csv", "sku,title\n2,b\n")
        archive.write(book, "b.xlsx")
    path = tmp_path / "a.zip"
    assert read(path, sheet="deep/two.csv")[0] == read(path, sheet="TWO.csv")[0] == ("sku", "title")
    assert read(path, sheet="b.xlsx/Two")[0] == ("sku", "title")
    with pytest.raises(CatalogFileError, match=r"no “three.csv”.*--sheet: .*one.csv"):
        read(path, sheet="three.csv")
    with zipfile.ZipFile(tmp_path / "single.zip", "w") as archive:
        archive.write(book, "b.xlsx")
    assert read(tmp_path / "single.zip", sheet="Two")[0] == ("sku", "title")


@pytest.mark.parametrize(
    ("choices", "advice"),
    [
        ({"encoding": "klingon"}, "no known encoding"),
        ({"encoding": "hex"}, "no known encoding"),
        ({"encoding": "ascii"}, "ascii"),
        ({"delimiter": "\n"}, "separator is one to"),
        ({"delimiter": "much too long"}, "separator is one to"),
        ({"sheet": "Prices"}, "no workbook"),
        ({"header_row": -1}, "counted from 1"),
        ({"header_row": 99}, r"line 99|header"),
    ],
)
def test_what_cannot_be_is_a_sentence(tmp_path: Path, choices: dict[str, object], advice: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name\n1,größe\n")
    with pytest.raises(CatalogFileError, match=advice):
        read(path, **choices)


def test_a_choice_that_a_format_does_not_have_is_a_sentence(tmp_path: Path) -> None:
    book = write_book(tmp_path / "a.xlsx", One=[["id", "name"], ["1", "a"]])
    document = tmp_path / "a.json"
    document.write_text('[{"id": 1, "name": "a"}]')
    for path, choices, option in (
        (book, {"encoding": "utf-8"}, "--encoding"),
        (book, {"delimiter": ","}, "--delimiter"),
        (document, {"delimiter": ","}, "--delimiter"),
        (document, {"header_row": 2}, "header row"),
    ):
        with pytest.raises(CatalogFileError, match=option):
            read(path, **choices)
    with pytest.raises(CatalogFileError, match="There is no file"):
        read(tmp_path / "none.csv", sheet="x")
    with pytest.raises(CatalogFileError, match="There is no file"):
        read(tmp_path)
