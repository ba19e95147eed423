"""Which of several columns of dates and times tell when an event was: the finest, joined from two where it must be."""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.catalog.aliases import fold_header
from core.interactions.aliases import find_exact_target
from core.interactions.log import NO_TIME
from core.interactions.times import CLOCK, DAY, parse_times

#: Share of the rows where a finer time has to fall on the day of the coarser one to be the same moment.
_SAME = 0.8
#: Words of such names, without accents; none is an English one ("client", "data") as well.
_DAYS_FIRST = frozenset({
    "datum", "bestelldatum", "kaufdatum", "uhrzeit", "kunde", "kunden", "kundennr", "kundennummer", "artikel",
    "artikelnr", "artikelnummer", "bestellung", "nutzer", "benutzer", "menge", "bewertung",
    "commande", "achat", "heure", "acheteur", "utilisateur", "produit", "quantite",
    "fecha", "hora", "cliente", "usuario", "comprador", "articulo", "producto", "pedido", "cantidad",
    "ora", "utente", "acquirente", "articolo", "prodotto", "ordine", "quantita",
    "klant", "klantnummer", "gebruiker", "koper", "aantal", "besteldatum", "aankoopdatum",
    "klient", "klienta", "uzytkownik", "produktu", "zamowienia", "zakupu", "ilosc", "godzina",
})  # fmt: skip


def choose_moment(columns: Sequence[str], samples: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Column to "time" or "clock".

    A column that tells the time of day is taken before one that tells the day alone, when both mean the same day: what
    was changed later is another moment. A day and a time of day in two columns are joined.

    Args:
        columns: Those whose names are known to hold times, the most usual name first.
        samples: Some cells of each, row by row, "" where one is empty.
    """
    clocks = [column for column in columns if _is_clock(column, samples[column])]
    dates = [column for column in columns if column not in clocks]
    if not dates:
        return dict.fromkeys(columns[:1], "time")
    first, *others = dates
    seconds = _read(samples[first])
    if _is_fine(seconds):
        return {first: "time"}
    finer = next((column for column in others if _is_finer(_read(samples[column]), seconds)), "")
    if finer:
        return {finer: "time"}
    return {first: "time"} | dict.fromkeys(clocks[:1], "clock")


def _is_clock(column: str, cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return all(map(re.compile(CLOCK).fullmatch, filled)) if filled else find_exact_target(column) == "clock"


def _read(cells: Sequence[str]) -> NDArray[np.int64]:
    return parse_times(pl.Series(cells, dtype=pl.String)).seconds


def _is_fine(seconds: NDArray[np.int64]) -> bool:
    return bool((seconds[seconds != NO_TIME] % DAY != 0).any())


def _is_finer(other: NDArray[np.int64], seconds: NDArray[np.int64]) -> bool:
    """Whether a column tells the same days as another, and the time of day too; (N,) each, row by row."""
    both = (other != NO_TIME) & (seconds != NO_TIME)
    if not both.any() or not _is_fine(other[both]):
        return False
    # A zone can move a moment over midnight.
    return bool((np.abs(other[both] // DAY - seconds[both] // DAY) <= 1).mean() >= _SAME)


def names_days_first(columns: Iterable[str]) -> bool:
    """Whether the names of a log's columns are of a language that writes the day before the month."""
    return any(_DAYS_FIRST & set(fold_header(column).split()) for column in columns)
