"""How much of people x items is held at a time: as much as a fixed number of cells, however many there are of both."""

from collections.abc import Iterator

#: 64 MB of float32; what computes on them makes some copies.
CELLS = 16_000_000


def split_rows(rows: int, width: int) -> Iterator[slice]:
    """Stretches of rows of this width that have at most `CELLS` cells, one row at least."""
    step = max(CELLS // max(width, 1), 1)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
