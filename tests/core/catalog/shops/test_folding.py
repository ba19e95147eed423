"""Rows at which the code of a layout fails cost themselves, never the file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from core.catalog.records import CellReader, Record, build_plain_records
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.catalog.shape.validate import build_items
from core.catalog.shops.conventions import find_fold
from core.catalog.shops.folding import fold_rows
from core.catalog.table import Row
from tests.core.catalog.read.test_read import read_bytes

ROWS = [Row(n, (f"{n}",)) for n in range(2, 30)]
READER = CellReader(("id",), {"id": "id"})


def _fold_unless(bad: Sequence[set[str]]) -> object:
    def fold(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
        there = {row.cells[0] for row in rows}
        if any(together <= there for together in bad):
            raise KeyError("odd")
        return build_plain_records(rows, reader)

    return fold


@pytest.mark.parametrize(
    ("bad", "lost"),
    [
        ([], []),
        ([{"7"}], [7]),
        ([{"2"}, {"29"}], [2, 29]),
        ([{"5", "9"}], [9]),
        ([{"3"}, {"5", "9"}, {"10", "11", "20"}], [3, 9, 20]),
    ],
)
def test_the_rows_that_fail_are_left_out(bad: Sequence[set[str]], lost: list[int]) -> None:
    folded = fold_rows(_fold_unless(bad), ROWS, READER, {})  # type: ignore[arg-type]
    assert [row.number for row, _ in folded.failed] == lost
    assert [record.row for record in folded.records] == [row.number for row in ROWS if row.number not in lost]


def test_a_product_that_cannot_be_folded_is_rejected_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"Handle,Title,Vendor,Variant Price,Image Src\na,Tea,N,5,\nb,Cup,N,7,\nc,Pot,N,9,\n"
    table = read_bytes(tmp_path, data)
    mapping = suggest_mapping(table.columns, table.rows).build()
    real = find_fold("shopify")
    assert mapping.convention == "shopify" and real

    def fold(rows: Sequence[Row], reader: CellReader, roles: Mapping[str, str]) -> list[Record]:
        if any("Cup" in row.cells for row in rows):
            raise IndexError("odd")
        return real(rows, reader, roles)

    monkeypatch.setattr("core.catalog.shape.validate.find_fold", lambda _name: fold)
    validated = build_items(table, mapping, domain="goods")
    assert [parsed.item.title for parsed in validated.items] == ["Tea", "Pot"]
    (rejected,) = validated.rejected
    assert (rejected.row.number, rejected.problems[0].code) == (3, "unreadable_row")
