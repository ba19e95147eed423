"""Reading moments, whatever way a log writes them, a column at a time."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.interactions.log import NO_TIME

#: Numbers below are seconds since the epoch, then milliseconds, microseconds, nanoseconds.
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (float("inf"), 1e9))
DAY = 86_400
#: A time of day alone.
CLOCK = r"(?i)\d{1,2}:\d\d(:\d\d([.,]\d+)?)?( ?[ap]\.?m\.?)?"
#: The first second of the year 10000.
_END = 253_402_300_800
#: Only behind a time of day: "24-10-2015" ends in no zone.
_ZONE = r"(:\d\d(?:[.,]\d+)?)\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
_CLOCKS = ("", " %H:%M:%S%.f", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d %b %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y",
         "%d %B %Y", "%b %d %Y", "%B %d %Y")  # fmt: skip
#: Either day/month or month/day; which of them can only be told from a whole column.
_MONTH_FIRST, _DAY_FIRST = "%m/%d/%Y", "%d/%m/%Y"


#: Other ways to write a day, and the one that is read: "Tue, 05 Mar 2024 10:00", "Fri Aug 25 13:55:02 2017" (with the
#: zone before the year cut out), "May-01-24", "05/01/24", "01.05.24".
_WRITTEN = (
    (r"^\p{L}{3,9}, ", ""),
    (r"^\p{L}{3} (\p{L}{3}) (\d{1,2}) (\d\d:\d\d:\d\d)(?: [+-]\d{4})? (\d{4})$", "${1} ${2}, ${4} ${3}"),
    (r"^(\p{L}{3})-(\d{1,2})-(\d{2})( |$)", "${1} ${2}, 20${3}${4}"),
    (r"^(\d{1,2}[/-]\d{1,2}[/-])(\d{2})( |$)", "${1}20${2}${3}"),
    (r"^(\d{1,2}\.\d{1,2}\.)(\d{2})( |$)", "${1}20${2}${3}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedTimes:
    """A column of moments.

    Attributes:
        seconds: Since the epoch, `NO_TIME` where the cell is empty or not understood, (N,).
        unreadable: Cells that hold something which is no moment, (N,).
        ambiguous: Whether the column could be read as day/month and as month/day.
    """

    seconds: NDArray[np.int64]
    unreadable: NDArray[np.bool_]
    ambiguous: bool = False


def parse_times(cells: pl.Series, *, day_first: bool = False) -> ParsedTimes:
    """Read a column of moments.

    Understood are numbers (seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by their
    size; 20240131 and 20240131235959 are dates), ISO 8601 with and without a zone, and the usual dates of spreadsheets.
    A moment without a zone is taken as UTC. Moments before 1970 are not understood.

    Args:
        cells: Texts without surrounding spaces, "" where there is none, (N,).
        day_first: Whether 01/02/2024 is taken as the first of February where no other cell tells.
    """
    seconds = _parse_numbers(cells)
    texts = (seconds == NO_TIME) & (cells != "").to_numpy()
    ambiguous = False
    if texts.any():
        parsed, ambiguous = _parse_texts(cells.filter(pl.Series(texts)), day_first=day_first)
        seconds[texts] = parsed
    unreadable = (seconds == NO_TIME) & (cells != "").to_numpy()
    return ParsedTimes(seconds=seconds, unreadable=unreadable, ambiguous=ambiguous)


def join_clock(days: pl.Series, clocks: pl.Series) -> pl.Series:
    """Moments from a column of days and one of times of day; a day without a time of day stays as it is.

    Args:
        days: Texts without surrounding spaces, (N,).
        clocks: The same; spreadsheets put a date of their own before a time of day, which is left out, (N,).
    """
    day = days.str.replace(r"[ T]00:00(:00([.,]0+)?)?$", "").str.replace(r"^(\d{4})(\d{2})(\d{2})$", "${1}-${2}-${3}")
    clock = clocks.str.extract(rf"(?:^|[ T])({CLOCK})$", 1).str.replace_all(r"(?i)([ap])\.?m\.?$", " ${1}m")
    clock = clock.str.replace(r"  +", " ").str.replace(r"^(\d):", "0${1}:").str.to_uppercase()
    joined = (day + " " + clock).fill_null("")
    return pl.select(pl.when((days == "") | (joined == "")).then(days).otherwise(joined)).to_series()


def _parse_numbers(cells: pl.Series) -> NDArray[np.int64]:
    compact = cells.str.contains(r"^(19|20)\d{6}(\d{6})?$").to_numpy()
    numbers = cells.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    seconds = np.full(len(cells), NO_TIME, np.int64)
    good = np.isfinite(numbers) & (numbers >= 0) & ~compact
    size = numbers[good]
    divisor = np.select([size < bound for bound, _ in _UNITS], [unit for _, unit in _UNITS])
    size = np.floor(size / divisor)
    seconds[good] = np.where(size < _END, size, NO_TIME).astype(np.int64)
    return seconds


def _parse_texts(cells: pl.Series, *, day_first: bool) -> tuple[NDArray[np.int64], bool]:
    """Seconds of each text, and whether days and months could be swapped."""
    cells = cells.str.replace(r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", "${1}-${2}-${3}T${4}:${5}:${6}")
    cells = cells.str.replace(r"^[A-Z][a-z]{2,8}, +(\d)", "${1}")  # the weekday of e-mail
    cells = cells.str.replace(r"^(\d{1,2})/([A-Z][a-z]{2})/(\d{4}):", "${1} ${2} ${3} ")  # web servers
    zones = cells.str.extract(_ZONE, 2)
    plain = cells.str.replace(_ZONE, "${1}").str.replace(r"(\d)T(\d)", "${1} ${2}")
    plain = plain.str.replace(r"^(\d{4})[/.年](\d{1,2})[/.月](\d{1,2})日?", "${1}-${2}-${3}")
    plain = plain.str.replace(r"(\d\d:\d\d:\d\d),(\d)", "${1}.${2}")
    plain = plain.str.replace(r"^(\d{4})(\d{2})(\d{2})((\d{2})(\d{2})(\d{2}))?$", "${1}-${2}-${3} ${5}:${6}:${7}")
    for pattern, written in _WRITTEN:
        plain = plain.str.replace(pattern, written)
    plain = plain.str.strip_suffix(" ::").str.replace(r"^(\d{1,2})-(\d{1,2})-(\d{4})", "${1}/${2}/${3}")
    formats = list(_DAYS)
    slashed = plain.filter(plain.str.contains(r"^\d{1,2}/\d{1,2}/\d{4}"))
    ambiguous = False
    if len(slashed):
        parts = slashed.str.extract_groups(r"^(\d+)/(\d+)/").struct.unnest().cast(pl.Int64)
        first, second = (int(parts.to_series(n).max()) for n in (0, 1))  # type: ignore[arg-type]
        ambiguous = first <= 12 and second <= 12
        formats.append(_DAY_FIRST if first > 12 or (ambiguous and day_first) else _MONTH_FIRST)
    seconds = _try_formats(plain, [day + clock for day in formats for clock in _CLOCKS]) - _read_offsets(zones)
    return np.where((seconds >= 0) & (seconds < _END), seconds, NO_TIME), ambiguous


def _try_formats(texts: pl.Series, formats: list[str]) -> NDArray[np.int64]:
    """Seconds in the first of the formats that fits each text; a large negative number where none does."""
    seconds = np.full(len(texts), -(2**40), np.int64)
    left = np.arange(len(texts))
    for form in formats:
        found = texts.str.to_datetime(form, strict=False, time_unit="us").dt.epoch("s").to_numpy()
        fits = ~np.isnan(found)
        seconds[left[fits]] = found[fits].astype(np.int64)
        left, texts = left[~fits], texts.filter(pl.Series(~fits))
        if not len(left):
            break
    return seconds


def _read_offsets(zones: pl.Series) -> NDArray[np.int64]:
    """Seconds that a zone is ahead of UTC, 0 where none is written."""
    parts = zones.str.extract_groups(r"^([+-])(\d{2}):?(\d{2})?$").struct.unnest()
    sign = parts.to_series(0).replace_strict({"+": 1, "-": -1}, default=0, return_dtype=pl.Int64)
    hours, minutes = (parts.to_series(n).cast(pl.Int64).fill_null(0) for n in (1, 2))
    return (sign * (hours * 3600 + minutes * 60)).fill_null(0).to_numpy()
