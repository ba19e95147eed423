"""How much of people x items is held at a time: as much as a fixed number of cells, however many there are of both."""

from collections.abc import Iterator

#: 64 MB of float32; what computes on them makes some copies.
CELLS = 16_000_000


def split_rows(rows: int, width: int, *, cells: int | None = None, most: int | None = None) -> Iterator[slice]:
    """Stretches of rows of this width that have at most so many cells (`CELLS`) and rows, one row at least."""
    step = max((CELLS if cells is None else cells) // max(width, 1), 1)
    step = step if most is None else min(step, most)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
