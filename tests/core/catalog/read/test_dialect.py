"""How text is laid out: separators of several characters, escapes, headers and their absence."""

from pathlib import Path

import pytest

from core.catalog.read.dialect import detect_dialect
from core.catalog.read.read import ReadOptions, Table, detect, read_table
from tests.core.catalog.read.test_read import cells, codes, read_bytes


def read_text(folder: Path, text: str, name: str = "items.csv") -> Table:
    return read_bytes(folder, text.encode(), name)


RATINGS = "1::1193::5::978300760\n1::661::3::978302109\n2::1357::5::978298709\n"
FILMS = (
    "1::Toy Story (1995)::Animation|Children's|Comedy\n2::Star Wars: Episode IV, A New Hope (1977)::Action\n"
    "3::Waiting to Exhale (1995)::Comedy|Drama\n"
)


@pytest.mark.parametrize("separator", ["::", "||", ";;", "\t\t", "|~|", "^|^", "^"])
def test_a_separator_of_several_characters_is_found(tmp_path: Path, separator: str) -> None:
    rows = [("id", "title", "price"), ("1", "Tea & green, hot: now", "5"), ("2", "", "7"), ("3", 'Cup "big"', "8")]
    table = read_text(tmp_path, "".join(separator.join(row) + "\n" for row in rows))
    assert table.columns == rows[0]
    assert cells(table) == rows[1:]


@pytest.mark.parametrize("name", ["**Jo {}**", "u{} **x** <b>", "::Jo {}::", "==Jo {}=="])
def test_marks_in_every_cell_of_a_column_are_no_separator(tmp_path: Path, name: str) -> None:
    rows = "".join(f"{name.format(n % 30)},i{n % 7},click\n" for n in range(90))
    options = detect((tmp_path / "a.csv", (tmp_path / "a.csv").write_text(f"user,item,event\n{rows}"))[0]).options
    assert (options.delimiter, options.header_row, options.has_header) == (",", 1, True)


def test_a_long_separator_beside_decimal_commas_is_found(tmp_path: Path) -> None:
    table = read_text(tmp_path, "id::price\n1::5,0\n2::7,5\n3::8,0\n")
    assert table.columns == ("id", "price") and cells(table)[1] == ("2", "7,5")


def test_ratings_and_films_of_movielens(tmp_path: Path) -> None:
    ratings = read_text(tmp_path, RATINGS, "ratings.dat")
    assert ratings.columns == ("column_1", "column_2", "column_3", "column_4")
    assert cells(ratings)[0] == ("1", "1193", "5", "978300760")
    films = read_text(tmp_path, FILMS, "movies.dat")
    assert cells(films)[1] == ("2", "Star Wars: Episode IV, A New Hope (1977)", "Action")
    tabbed = read_text(tmp_path, RATINGS.replace("::", "\t"), "u.data")
    assert cells(tabbed) == cells(ratings)


def test_a_separator_within_quotes_is_text(tmp_path: Path) -> None:
    table = read_text(tmp_path, 'id::title\n1::"Tea :: green"\n2::Cup\n')
    assert cells(table) == [("1", "Tea :: green"), ("2", "Cup")]


def test_empty_cells_are_no_long_separator(tmp_path: Path) -> None:
    table = read_text(tmp_path, "id;title;note;price\n1;Tea;;5\n2;Cup;;7\n")
    assert table.columns == ("id", "title", "note", "price")


def test_backslashes_escape_quotes(tmp_path: Path) -> None:
    text = 'id,title,price\n1,"Shelf \\"Nord\\" white, oak",5\n2,"Plain",6\n3,"C:\\\\shop\\\\new",7\n'
    found = detect((tmp_path / "a.csv", (tmp_path / "a.csv").write_text(text))[0]).options
    assert found.escapechar == "\\"
    table = read_text(tmp_path, text)
    assert [row[1] for row in cells(table)] == ['Shelf "Nord" white, oak', "Plain", "C:\\shop\\new"]
    assert not table.problems


def test_a_dump_of_a_database(tmp_path: Path) -> None:
    text = "id\ttitle\tnote\n1\tTea\\\tgreen\tline\\none\n2\tCup\t\\N\n3\tPot\tboth\\\\ends\n"
    table = read_text(tmp_path, text)
    assert cells(table) == [("1", "Tea\tgreen", "line\none"), ("2", "Cup", ""), ("3", "Pot", "both\\ends")]


def test_backslashes_of_paths_are_kept(tmp_path: Path) -> None:
    text = 'id,title,image\n1,"Tea, green",C:\\new\\tea.jpg\n2,Cup,"C:\\dir\\"\n'
    table = read_text(tmp_path, text)
    assert [row[2] for row in cells(table)] == ["C:\\new\\tea.jpg", "C:\\dir\\"]


def test_quotes_behind_a_space_are_quotes(tmp_path: Path) -> None:
    assert cells(read_text(tmp_path, 'id, title\n1, "Tea, green"\n2, Cup\n')) == [("1", "Tea, green"), ("2", "Cup")]


@pytest.mark.parametrize(
    "preamble",
    [
        "Stock report\n",
        "Stock report of 2024,,\nShop,My shop,\n\n",
        "Exported,2024-05-01\nShop,My shop\n",
        "a,b,c\n",
        ",,\n,Price list,\n",
    ],
)
@pytest.mark.parametrize("rows", [2, 8])
def test_the_header_stands_below_other_lines(tmp_path: Path, preamble: str, rows: int) -> None:
    body = "".join(f"{n},Tea {n},5\n" for n in range(rows))
    table = read_text(tmp_path, f"{preamble}id,title,price\n{body}")
    assert table.columns == ("id", "title", "price")
    assert len(table.rows) == rows


def test_names_for_people_over_those_for_programs(tmp_path: Path) -> None:
    text = "Version=2\t\t\nProduct name\tBrand name\tPrice\ntitle\tbrand\tprice\nTea\tAcme\t5\nCup\tAcme\t7\n"
    assert read_text(tmp_path, text).columns == ("title", "brand", "price")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("SKU-1,Red shoe,Shoes,red,59.90\nSKU-2,Blue shoe,Shoes,blue,49\nSKU-3,Hat,Hats,red,9\n", False),
        ("Artikel,Farbe,Preis\nTee,rot,5\nTasse,blau,7\n", True),
        ("Artikel,Farbe\nTee,rot\nTasse,blau\n", True),
        ("196\t242\t3\t881250949\n186\t302\t3\t891717742\n", False),
        ("Bezeichnung,2023,Anzahl\nTee,yes,5\nTasse,no,7\n", True),
    ],
)
def test_whether_the_first_line_holds_names(tmp_path: Path, text: str, named: bool) -> None:
    path = tmp_path / "items.csv"
    path.write_text(text)
    found = detect(path)
    assert found.options.has_header is named
    assert [problem.code for problem in found.problems] == ([] if named else ["no_header"])


def test_a_person_overrides_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("x\n1#|#Tea\n2#|#Cup\n")
    table = read_table(path, ReadOptions(delimiter="#|#", header_row=2, has_header=False))
    assert (table.columns, cells(table)) == (("column_1", "column_2"), [("1", "Tea"), ("2", "Cup")])
    assert not codes(table)


@pytest.mark.parametrize("mark", ["~|~", "##", "=>", "<|>", ".."])
def test_a_separator_of_somebodys_own(mark: str) -> None:
    lines = [mark.join(cells) + "\n" for cells in (("id", "title", "price"), ("1", "Red cup", "5"), ("2", "Pot", "7"))]
    assert detect_dialect(lines).delimiter == mark
