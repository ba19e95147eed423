"""Problems of many rows at once: listed row by row up to a limit, counted beyond it."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.catalog.schema import Problem, Severity
from core.catalog.table import build_problem
from core.interactions.columns import MAX_LISTED


@dataclass(slots=True, kw_only=True)
class RowProblems:
    """Gathers the problems of a log.

    Attributes:
        numbers: Number of each record of the file, (N,).
        found: What was gathered so far.
    """

    numbers: NDArray[np.int64]
    found: list[Problem] = field(default_factory=list)

    def add_rows(
        self,
        rows: NDArray[np.bool_],
        cells: pl.Series,
        name: str,
        code: str,
        message: str,
        *,
        severity: Severity = "error",
    ) -> None:
        """Note the same problem for each of these records.

        Args:
            rows: Which records, (N,).
            cells: Their texts, (N,).
            name: The target concerned.
            code: A short stable name.
            message: One sentence that says what to do.
            severity: "error" leaves the row out.
        """
        places = np.flatnonzero(rows)
        for place in places[:MAX_LISTED].tolist():
            number = int(self.numbers[place])
            self.found.append(build_problem(number, name, code, str(cells[place]), message, severity=severity))
        if len(places) > MAX_LISTED:
            self.add_file(name, code, str(len(places)), f"{len(places):,} rows have the same problem. {message}")

    def add_file(self, name: str, code: str, value: str, message: str, *, severity: Severity = "warning") -> None:
        """Note a problem of the whole file."""
        self.found.append(build_problem(0, name, code, value, message, severity=severity))
