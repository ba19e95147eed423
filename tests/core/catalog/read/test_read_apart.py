"""Files that would take the program's memory or life: they are read apart, and cost a sentence."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import polars as pl
import psutil
import pytest

from core.catalog.read import read_apart, split
from core.catalog.read.read import detect, read_plainly, read_table
from core.catalog.read.read_apart import stream_apart
from core.catalog.table import Kind, ReadOptions
from core.errors import CatalogFileError
from core.interactions.columns import read_cells
from tests.core.catalog.read.test_read import cells, write_xlsx, xlsx_row

pytestmark = pytest.mark.slow

Write = Callable[[Path], None]
HEAD = [xlsx_row(1, "id", "name"), xlsx_row(2, "1", "Boot")]


def rewrite(path: Path, old: bytes, new: bytes, *, move: tuple[str, str] = ("", "")) -> None:
    """Change what the parts of a workbook say, and where one lies."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).replace(old, new) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(move[1] if name == move[0] else name, data)


@pytest.mark.parametrize(
    "cell", ['s="0" r="XFD1048576"', "r='XFD1048576'", 's="0"\n r = "XFD1048576"', 'r="XFD20000"', 'r="xfd1048576"']
)
def test_a_cell_far_away_is_refused_however_it_is_written(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "far.xlsx"
    write_xlsx(path, {"Items": [*HEAD, f"<row r='3'><c {cell}><v>1</v></c></row>"]})
    with pytest.raises(CatalogFileError, match="stray cells"):
        detect(path)


def test_a_far_cell_is_refused_wherever_its_sheet_lies(tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    write_xlsx(path, {"Items": [*HEAD, '<row r="3"><c r="XFD1048576"><v>1</v></c></row>']})
    rewrite(path, b"worksheets/sheet1.xml", b"other/sheet1.xml", move=("xl/worksheets/sheet1.xml", "xl/other/s1.xml"))
    with pytest.raises(CatalogFileError, match="stray cells"):
        detect(path)


@pytest.fixture
def small_reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Readers that may take 700 MB, so that a test need not take more either."""
    read_apart.stop_idle()
    monkeypatch.setattr(read_apart, "MAX_MEMORY", 700 * 2**20)
    yield
    read_apart.stop_idle()


def write_shared(path: Path, length: int, cells: int) -> None:
    """A workbook with one long text that many cells name."""
    rows = [f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c><c r="B{n}"><v>1</v></c></row>' for n in range(3, cells + 3)]
    write_xlsx(path, {"Items": [*HEAD, *rows]})
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    link = f'<Relationship Id="rs" Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    rewrite(path, b'.xml"/></Relationships>', b'.xml"/>' + link.encode())
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}"><si><t>{"x" * length}</t></si></sst>')


def write_deep(path: Path) -> None:
    """JSON of some kB, packed, that takes gigabytes as objects."""
    path.write_bytes(gzip.compress(b"[" + b'{"a":[[],[],[],[]]},' * 2_000_000 + b"{}]", 1))


@pytest.mark.parametrize(
    ("name", "write", "kind"),
    [
        ("shared.xlsx", lambda path: write_shared(path, 300_000, 8_000), "xlsx"),
        ("deep.json.gz", write_deep, "jsonl"),
    ],
)
@pytest.mark.usefixtures("small_reader")
def test_a_bomb_kills_its_reader_only(
    tmp_path: Path, name: str, write: Write, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    write(path)
    before = psutil.Process().memory_info().rss
    with pytest.raises(CatalogFileError, match="wants more memory than 700 MB"):
        read_table(path, ReadOptions(kind=kind, sheet="Items"))
    assert psutil.Process().memory_info().rss - before < 50 * 2**20
    after = tmp_path / "after.xlsx"
    write_xlsx(after, {"Items": HEAD})
    assert cells(read_table(after, detect(after).options)) == [("1", "Boot")]


@pytest.mark.usefixtures("small_reader")
def test_what_the_program_itself_takes_is_not_the_readers(tmp_path: Path) -> None:
    path = tmp_path / "small.xlsx"
    write_xlsx(path, {"Items": HEAD})
    ballast = b"x" * (720 * 2**20)
    for _ in range(3):
        assert cells(read_table(path, detect(path).options)) == [("1", "Boot")]
    assert len(ballast) > read_apart.MAX_MEMORY


def test_what_comes_back_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps({"id": "1", "name": "x" * 5_000}) + "\n")
    monkeypatch.setattr(read_apart, "MAX_ANSWER", 4_000)
    with pytest.raises(CatalogFileError, match="of text"):
        read_table(path, ReadOptions(kind="jsonl"))


def test_work_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "shared.xlsx"
    write_shared(path, 100, 200_000)
    started = time.monotonic()
    with pytest.raises(CatalogFileError, match="takes more than"):
        list(stream_apart(read_plainly, asdict(ReadOptions(kind="xlsx", sheet="Items")), None, path=path, seconds=0.2))
    assert time.monotonic() - started < 5


def test_the_reader_is_kept_for_the_next_file_and_is_gone_with_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"id": "1"}\n')
    code = (
        "import sys, time; from pathlib import Path; from core.catalog.read.read import detect, read_table\n"
        f"path = Path({str(path)!r}); read_table(path, detect(path).options); print('read', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"read\n"
        (child,) = psutil.Process(parent.pid).children(recursive=True)
        os.kill(parent.pid, signal.SIGKILL)
        child.wait(timeout=3)


def test_logs_in_parquet_are_read_apart(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pl.DataFrame({"u": [1.0, 2.0], "i": ["a", " b "]}).write_parquet(path)
    found = read_cells(path, ReadOptions(kind="parquet"), {"user": "u", "item": "i"})
    assert found.cells.rows() == [("1", "a"), ("2", "b")]


def test_one_endless_line_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "MAX_LINE", 1_000_000)
    for text in ("," * 3_000_000, "x" * 3_000_000, '"' * 3_000_001, "id,name\n" + "," * 3_000_000):
        path = tmp_path / "long.csv"
        path.write_text(text)
        with pytest.raises(CatalogFileError, match=r"longer than|columns"):
            read_table(path, detect(path).options)


@pytest.mark.parametrize("cell", ["x" * 3_000, "," * 3_000, '"' + "x" * 3_000, '"x\n' + "y" * 3_000])
def test_a_cell_at_the_limit_costs_no_more_than_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str
) -> None:
    monkeypatch.setattr(split, "MAX_FIELD", 3_100)
    monkeypatch.setattr(split, "MAX_LINE", 3_100)
    path = tmp_path / "long.csv"
    path.write_text(f"id,name\n1,Boot\n2,{cell}\n3,Lamp\n")
    assert cells(read_table(path, ReadOptions()))[0] == ("1", "Boot")
    assert read_cells(path, ReadOptions(), {"user": "id", "item": "name"}).cells.row(0) == ("1", "Boot")


def test_a_small_csv_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    path = tmp_path / "items.csv"
    path.write_text("id,name\n1,Boot\n")
    assert cells(read_table(path, detect(path).options)) == [("1", "Boot")]


def test_the_reader_loads_neither_models_nor_pages() -> None:
    code = (
        "import sys, core.catalog.read.read_apart, core.catalog.read.read; "
        "print({'torch', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
