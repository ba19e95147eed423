"""Reading files: formats, dialects, damage; every trap has an answer worked out by hand."""

import base64
import gzip
import json
import struct
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.catalog.pictures.picture_sources import PictureSources
from core.catalog.read import delimited, formats, readers, structured, workbook
from core.catalog.read.read import ReadOptions, Table, detect, detect_layout, preview_table, read_table
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.catalog.table import parse_delimiter
from core.errors import CatalogFileError


def read_bytes(folder: Path, data: bytes, name: str = "items.csv") -> Table:
    path = folder / name
    path.write_bytes(data)
    return read_table(path, detect(path).options)


def codes(table: Table) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.code, problem.severity) for problem in table.problems]


def cells(table: Table) -> list[tuple[str, ...]]:
    return [row.cells for row in table.rows]


def write_xlsx(path: Path, sheets: dict[str, list[str]]) -> None:
    """A minimal workbook; each sheet is a list of the XML of its rows."""
    names = list(sheets)
    book = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(names, 1))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    links = "".join(
        f'<Relationship Id="r{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(names) + 1)
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r0" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{book}</sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'
        )
        for i, name in enumerate(names, 1):
            data = "".join(sheets[name])
            archive.writestr(
                f"xl/worksheets/sheet{i}.xml", f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>'
            )


def xlsx_row(number: int, *values: str | int | float | bool) -> str:
    parts = []
    for position, value in enumerate(values):
        ref = f"{chr(65 + position)}{number}"
        if isinstance(value, bool):
            parts.append(f'<c r="{ref}" t="b"><v>{int(value)}</v></c>')
        elif isinstance(value, str):
            parts.append(f'<c r="{ref}" t="inlineStr"><is><t>{value}</t></is></c>' if value else "")
        else:
            parts.append(f'<c r="{ref}"><v>{value}</v></c>')
    return f'<row r="{number}">{"".join(parts)}</row>'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in [("id", "name", "price"), ("007", "Tea, green", "1.5")][:1])
    body = delimiter.join(("007", '"Tea, green; hot|cold"', "1.5"))
    table = read_bytes(tmp_path, f"{text}\n{body}\n".encode())
    assert table.columns == ("id", "name", "price")
    assert cells(table) == [("007", "Tea, green; hot|cold", "1.5")]
    assert table.rows[0].number == 2


def test_one_column_is_a_table(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"name\nTeapot\nCup\n")
    assert table.columns == ("name",)
    assert cells(table) == [("Teapot",), ("Cup",)]


def test_excel_names_the_delimiter_in_a_first_line(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"sep=;\r\nid;name\r\n1;a,b\r\n")
    assert table.columns == ("id", "name")
    assert cells(table) == [("1", "a,b")]
    assert table.rows[0].number == 3


def test_row_numbers_are_physical_lines(tmp_path: Path) -> None:
    data = b'id,name\n1,"a\nb\nc"\n\n,\n2,d\n'
    table = read_bytes(tmp_path, data)
    assert [(row.number, row.cells) for row in table.rows] == [(2, ("1", "a\nb\nc")), (7, ("2", "d"))]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(tmp_path: Path, end: str) -> None:
    table = read_bytes(tmp_path, f'id,name{end}1,"a{end}b"{end}2,c{end}'.encode())
    assert [(row.number, row.cells) for row in table.rows] == [(2, ("1", "a\nb")), (4, ("2", "c"))]


def test_long_and_broken_rows_are_errors_and_stay_as_read(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,name,size\n1,a,S\n2,b,c,M\n3,d,L\n4,e\n")
    assert codes(table) == [(3, "wrong_width", "error"), (5, "wrong_width", "error")]
    assert table.rows[1].cells == ("2", "b", "c", "M")


def test_a_row_short_of_cells_that_may_be_empty_is_padded(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,name,note\n1,a,\n2,b\n3,c,x\n")
    assert codes(table) == [(3, "wrong_width", "warning")]
    assert table.rows[1].cells == ("2", "b", "")


def test_a_line_break_without_quotes_makes_two_errors(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,name,note\n1,a,\n2,red\nshirt,\n3,c,x\n4,d,y\n")
    assert codes(table) == [(3, "wrong_width", "error"), (4, "wrong_width", "error")]


def test_extra_empty_cells_are_cut_with_a_warning(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,name\n1,a\n2,b,,\n3,c\n")
    assert codes(table) == [(3, "wrong_width", "warning")]
    assert table.rows[1].cells == ("2", "b")


def test_an_unclosed_quote_costs_one_row_and_not_the_rest(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b'id,name\n1,a\n2,"b\n3,c\n4,d\n')
    assert codes(table) == [(3, "bad_quotes", "error")]
    assert cells(table) == [("1", "a"), ("2", '"b'), ("3", "c"), ("4", "d")]
    assert [row.number for row in table.rows] == [2, 3, 4, 5]


def test_a_stray_quote_is_kept_with_a_warning(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b'id\tname\n1\t"Weird Al" Yankovic\n2\t"5" screen"\n')
    assert codes(table) == [(2, "bad_quotes", "warning"), (3, "bad_quotes", "warning")]
    assert cells(table) == [("1", '"Weird Al" Yankovic'), ("2", '5" screen')]


def test_a_quote_that_swallowed_rows_is_flagged(tmp_path: Path) -> None:
    lines = "".join(f"{n},x\n" for n in range(60))
    table = read_bytes(tmp_path, f'id,name\n1,"a\n{lines}"\n2,b\n'.encode())
    assert (2, "long_cell", "warning") in codes(table)


def test_nul_bytes_are_left_out_and_reported(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,name\n1,a\x00b\n")
    assert cells(table) == [("1", "ab")]
    assert codes(table) == [(0, "nul_removed", "warning")]


def test_repeated_and_empty_headers_get_names(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"id,name,name,,name_2\n1,a,b,c,d\n")
    assert table.columns == ("id", "name", "name_3", "column_4", "name_2")
    assert [problem.code for problem in table.problems] == ["duplicate_header", "empty_header"]


def test_a_file_without_header_is_noticed(tmp_path: Path) -> None:
    table = read_bytes(tmp_path, b"1,Teapot,19.90\n2,Cup,4.50\n")
    assert table.columns == ("column_1", "column_2", "column_3")
    assert table.rows[0].number == 1


def test_lines_before_the_table_are_skipped_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(b"Stock report\n\nid,name,price\n" + b"".join(b"%d,item,5\n" % n for n in range(8)))
    found = detect(path)
    assert found.options.header_row == 3
    assert [problem.code for problem in found.problems] == ["skipped_lines"]
    table = read_table(path, found.options)
    assert table.columns == ("id", "name", "price")
    assert table.rows[0].number == 4


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("gb18030", "红色的棉质衬衫"),
        ("big5", "紅色的棉質襯衫"),
        ("cp932", "赤いシャツです"),
        ("cp949", "빨간 셔츠입니다"),
        ("cp1252", "Chemise d'été à carreaux"),
        ("cp1251", "Красная рубашка"),
        ("utf-16", "红色"),
    ],
)
def test_text_in_every_encoding_comes_back(tmp_path: Path, encoding: str, name: str) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(f"id,name\n001,{name}\n".encode(encoding))
    found = detect(path)
    assert cells(read_table(path, found.options)) == [("001", name)]
    guessed = [problem.code for problem in found.problems]
    assert guessed == ([] if encoding == "utf-16" else ["guessed_encoding"])


def test_a_guess_is_said_with_the_likeliest_and_how_to_choose(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes("id,name\n1,Żółta miska\n2,Krzesło dębowe\n".encode("cp1250"))
    (problem,) = detect(path).problems
    assert problem.message.startswith(
        "The file does not say how its letters are encoded. It is read as cp1250 (Central European), so a line reads "
        "“1,Żółta miska”. Next likeliest: "
    )
    assert "iso8859-2 (Central European, ISO)" in problem.message and "--encoding" in problem.message


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_put_together_from_two_encodings_keeps_both(tmp_path: Path, kind: str) -> None:
    start, end = ('{"id": "', '"}') if kind == "jsonl" else ("", "")
    middle = '", "name": "' if kind == "jsonl" else ","
    lines = ["" if kind == "jsonl" else "id,name", *(f"{start}{n}{middle}café{end}" for n in range(20))]
    data = [line.encode("cp1252" if n == 12 else "utf-8") for n, line in enumerate(lines)]
    path = tmp_path / f"items.{kind}"
    path.write_bytes(b"\n".join(data))
    found = detect(path)
    assert [problem.code for problem in found.problems] == ["mixed_encoding"]
    assert {row[1] for row in cells(read_table(path, found.options))} == {"café"}


def test_the_wrong_encoding_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes("id,name\n1,café\n".encode("cp1252"))
    with pytest.raises(CatalogFileError, match="utf-8"):
        read_table(path, ReadOptions(encoding="utf-8"))
    assert detect_layout(path, ReadOptions(encoding="cp1252")).delimiter == ","


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    assert cells(read_bytes(tmp_path, gzip.compress(b"id;name\n01;a\n"), "items.csv.gz")) == [("01", "a")]


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_BYTES", 10_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"id,name\n" + b"1,a\n" * 10_000))
    with pytest.raises(CatalogFileError, match="unpacks to more"):
        read_table(path, ReadOptions())


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(b"id,name\n" * 500)[:-12])
    with pytest.raises(CatalogFileError, match="damaged gzip"):
        read_table(path, ReadOptions())


@pytest.mark.parametrize(
    ("name", "data", "advice"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b" \r\n\n", "is empty"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "save it as .xlsx"),
        ("a.dbf", b"\x03\x5f\x07\x1a rows", "save it as CSV"),
        ("a.sql", b"insert into t values (1);", "export the table"),
        ("a.csv", b"\x89PNG\r\n\x1a\n....", "is a picture"),
        ("a.csv", b"%PDF-1.7", "PDF"),
        ("a.csv", b"SQLite format 3\x00", "Export the table"),
        ("a.csv", b"<!DOCTYPE html><html>", "web page"),
        ("a.csv", bytes(range(256)) * 4, "binary"),
        ("a.csv", b"PK\x03\x04 broken", "damaged ZIP"),
        ("a.parquet", b"PAR1 broken PAR1", "damaged Parquet"),
        ("a.jsonl", b"[1, 2", "not valid JSON"),
    ],
)
def test_what_is_no_table_is_refused_with_advice(tmp_path: Path, name: str, data: bytes, advice: str) -> None:
    with pytest.raises(CatalogFileError, match=advice):
        read_bytes(tmp_path, data, name)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogFileError, match="cannot be opened"):
        detect(tmp_path / "gone.csv")


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_ROWS", 3)
    with pytest.raises(CatalogFileError, match="more than 3 rows"):
        read_bytes(tmp_path, b"id,name\n1,a\n2,b\n3,c\n4,d\n")


def test_too_many_cells_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two megabytes of packed commas are a billion cells."""
    monkeypatch.setattr(delimited, "MAX_CELLS", 5)
    with pytest.raises(CatalogFileError, match="more than 5 cells"):
        read_bytes(tmp_path, gzip.compress(b"id,name\n1,a\n2,b\n3,c\n"), "items.csv.gz")


def test_a_preview_stops_early(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(b"id,name\n" + b"1,a\n" * 80)
    short = preview_table(path, ReadOptions(), limit=5)
    assert (len(short.rows), short.truncated) == (5, True)
    assert not preview_table(path, ReadOptions(), limit=80).truncated


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ({"delimiter": ""}, "separator is one to 8 characters"),
        ({"delimiter": "a\n"}, "separator is one to 8 characters"),
        ({"delimiter": '"'}, "have to differ"),
        ({"quotechar": "ab"}, "one character each"),
        ({"escapechar": '"'}, "have to differ"),
        ({"delimiter": "::", "escapechar": ":"}, "have to differ"),
        ({"header_row": 0}, "counted from 1"),
        ({"encoding": "klingon"}, "no known encoding"),
        ({"encoding": "hex"}, "no known encoding"),
        ({"encoding": "\0"}, "no known encoding"),
    ],
)
def test_options_that_cannot_be_are_told_in_a_sentence(wrong: dict[str, Any], advice: str) -> None:
    with pytest.raises(CatalogFileError, match=advice):
        replace(ReadOptions(), **wrong)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(",", ","), ("tab", "\t"), ("\\t", "\t"), ("Semicolon", ";"), ("::", "::"), ("\\t\\t", "\t\t"), ("space", " ")],
)
def test_a_separator_is_read_as_people_type_it(typed: str, meant: str) -> None:
    assert parse_delimiter(typed) == meant


def test_options_saved_before_there_were_more_of_them_are_read() -> None:
    saved = {"kind": "xlsx", "encoding": "utf-8", "delimiter": ",", "quotechar": '"'}
    assert ReadOptions(**saved, has_header=True, header_row=2, sheet="A") == ReadOptions(
        kind="xlsx", header_row=2, sheet="A"
    )


def test_xlsx_reads_as_text(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    rows = [
        xlsx_row(1, "id", "name", "price", "new"),
        xlsx_row(2, "007", "茶壶", 20, True),
        xlsx_row(4, 8, "Cup", 4.5, False),
    ]
    write_xlsx(path, {"Empty": [], "Items": rows})
    found = detect(path)
    assert found.sheets == ("Items", "Empty")
    table = read_table(path, found.options)
    assert table.columns == ("id", "name", "price", "new")
    assert [(row.number, row.cells) for row in table.rows] == [
        (2, ("007", "茶壶", "20", "true")),
        (4, ("8", "Cup", "4.5", "false")),
    ]
    with pytest.raises(CatalogFileError, match='no sheet "Nope"'):
        read_table(path, replace(found.options, sheet="Nope"))


def test_an_xlsx_bomb_is_refused_whatever_it_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "book.xlsx"
    write_xlsx(path, {"Items": [xlsx_row(n, "a", "b") for n in range(1, 500)]})
    with zipfile.ZipFile(path) as archive:
        true_size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    lying = path.read_bytes().replace(struct.pack("<I", true_size), struct.pack("<I", 10))
    path.write_bytes(lying)
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 5_000)
    with pytest.raises(CatalogFileError, match="unpacks to more"):
        readers.detect(path)


def test_two_cells_far_apart_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    write_xlsx(path, {"Items": [xlsx_row(1, "id", "name"), far]})
    with pytest.raises(CatalogFileError, match="stray cells"):
        detect(path)


def test_cells_without_a_place_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_xlsx(path, {"Items": [xlsx_row(1, "id", "name"), f'<row r="2">{"<c><v>1</v></c>" * 2_001}</row>']})
    with pytest.raises(CatalogFileError, match="2,001 columns"):
        read_table(path, detect(path).options)


def test_parquet_reads_as_text(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    frame = pl.DataFrame(
        {
            "id": ["007", "8"],
            "price": [20.0, 4.5],
            "n": [1, None],
            "new": [True, False],
            "tags": [["a", "b"], []],
            "day": pl.Series(["2024-01-02", None]).str.to_date(),
        }
    )
    frame.write_parquet(path)
    table = read_table(path, detect(path).options)
    assert cells(table) == [
        ("007", "20", "1", "true", '["a", "b"]', "2024-01-02"),
        ("8", "4.5", "", "false", "", ""),
    ]
    assert [row.number for row in table.rows] == [1, 2]


def test_pictures_in_parquet_come_along_as_data_addresses(tmp_path: Path, save_picture: Callable[..., Path]) -> None:
    pictures = [save_picture(tmp_path / f"{colour}.png", colour).read_bytes() for colour in ("red", "blue")]
    path = tmp_path / "items.parquet"
    rows = {
        "id": ["1", "2", "3"],
        "title": ["Red", "Blue", "None"],
        "image": [{"bytes": pictures[0], "path": "red.png"}, {"bytes": pictures[1], "path": None}, None],
        "photo": [pictures[0], None, b"plain text"],
        "images": [[{"bytes": pictures[0], "path": None}], [], None],
        "poster": [{"bytes": None, "path": "a.png"}, None, None],
    }
    pl.DataFrame(rows).write_parquet(path)
    table = read_table(path, detect(path).options)
    addresses = [f"data:image/png;base64,{base64.b64encode(data).decode()}" for data in pictures]
    assert table.columns == ("id", "title", "image", "photo", "images", "poster")
    assert [row[2] for row in cells(table)] == [*addresses, ""]
    assert [row[3] for row in cells(table)] == [addresses[0], "", "plain text"]
    assert cells(table)[0][4:] == (json.dumps(addresses[:1]), "a.png")
    mapping = suggest_mapping(table.columns, table.rows).build(accept_suggestions=True)
    assert PictureSources().read(addresses[0]) == pictures[0] and "pictures" in mapping.targets.values()


def test_json_lines_are_flattened(tmp_path: Path) -> None:
    lines = [
        {
            "id": "007",
            "price": 1.50,
            "brand": {"name": "Acme"},
            "offers": [{"price": 3}],
            "tags": ["a", "b"],
            "new": True,
        },
        {"id": 8, "note": None},
    ]
    data = "\n".join(map(json.dumps, lines)) + "\n{broken\n"
    table = read_bytes(tmp_path, data.encode(), "items.jsonl")
    assert table.columns == ("id", "price", "brand.name", "offers.price", "tags", "new", "note")
    assert table.rows[0].cells == ("007", "1.5", "Acme", "3", '["a", "b"]', "true", "")
    assert table.rows[1].cells[0] == "8"
    assert codes(table) == [(3, "bad_json", "error")]


@pytest.mark.parametrize(
    "text",
    ['[{"id": "1"}, {"id": "2"}]', '{"products": [{"id": "1"},\n {"id": "2"}]}', '[\n{"id":"1"},\n{"id":"2"}\n]'],
)
def test_json_arrays_are_tables(tmp_path: Path, text: str) -> None:
    assert cells(read_bytes(tmp_path, text.encode(), "items.json")) == [("1",), ("2",)]


@pytest.mark.parametrize("depth", [900, 100_000])
def test_a_line_of_lists_within_lists_costs_itself(tmp_path: Path, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    lines = ['{"id": "1", "title": "Cup"}', f'{{"id": "2", "title": {nested}}}']
    table = read_bytes(tmp_path, "\n".join(lines).encode(), "items.jsonl")
    if depth < 1_000 and sys.version_info >= (3, 13):  # this Python goes deeper: the cell is the text that it is
        assert cells(table) == [("1", "Cup"), ("2", nested)] and codes(table) == []
    else:
        assert cells(table) == [("1", "Cup"), ("", "")] and codes(table) == [(2, "bad_json", "error")]


def test_half_characters_of_json_can_be_shown(tmp_path: Path) -> None:
    """A page cannot send them to a browser, wherever they stand."""
    first = '"\\ud800": [{"id": "\\udfff", "title": "a", "\\ud800": "b"}, "\\ud800"]'
    (tmp_path / "items.json").write_text(f'{{{first}, "b": [{{"id": "1", "title": "c"}}]}}')
    found = detect(tmp_path / "items.json")
    table = read_table(tmp_path / "items.json", found.options)
    assert table.columns[2] == "\ufffd" and len(table.rows) == 2
    json.dumps([asdict(found), asdict(table)], ensure_ascii=False).encode()


def test_json_too_large_for_one_array_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structured, "MAX_JSON_CHARS", 20)
    path = tmp_path / "items.json"
    path.write_bytes(b'[{"id": "1"}, {"id": "2"}]')
    with pytest.raises(CatalogFileError, match="JSON lines"):
        readers.detect(path)
