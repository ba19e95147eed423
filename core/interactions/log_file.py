"""A log file with its columns settled, as a run carries it: what was guessed once is not guessed anew."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.catalog.read.choices import FileChoices, OpenedFile, open_file
from core.catalog.read.read import preview_table
from core.catalog.shape.used_columns import UsedColumns, find_used_columns
from core.catalog.table import ReadOptions
from core.errors import MappingError
from core.interactions.aliases import LOG_TARGETS
from core.kept import read_kept

if TYPE_CHECKING:
    from core.interactions.read import ReadLog


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """A log that is ready to be read.

    Attributes:
        opened: The file, and how it is read.
        targets: Each of `LOG_TARGETS` to its column, "" for none.
        columns: The same as a person wants to see it.
    """

    opened: OpenedFile
    targets: Mapping[str, str]
    columns: UsedColumns

    @property
    def table(self) -> Path:
        """Where the table lies."""
        return self.opened.staged.table

    def reading(self) -> dict[str, Any]:
        """How the table is read, as JSON values for `read_log_file`."""
        return {"options": asdict(self.opened.options), "columns": dict(self.targets)}


def open_log(
    path: Path,
    uploads: Path,
    item_ids: Collection[str],
    *,
    choices: FileChoices | None = None,
    overrides: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    accept_suggestions: bool = True,
) -> LogFile:
    """Find out how a log is read and what its columns are, without reading it.

    Args:
        path: A table file, or a ZIP file with one.
        uploads: Folder to extract to.
        item_ids: Of the catalogue.
        choices: What a person says about the file.
        overrides: Target to column, as a person asks; an empty column leaves the target without one.
        accept_suggestions: Whether columns are used that only look like it.

    Raises:
        CatalogFileError: The file cannot be read as a table, or a choice does not fit it.
        ArchiveError: The ZIP file cannot be read.
        MappingError: No column holds the user or the item, or an override names an unknown one.
    """
    from core.interactions.suggest_mapping import suggest_log_mapping

    opened = open_file(path, uploads, choices or FileChoices())
    preview = preview_table(opened.staged.table, opened.options)
    suggested = suggest_log_mapping(preview.columns, preview.rows, item_ids)
    wanted = dict(overrides)
    mapping = suggested.build(wanted, accept_suggestions=accept_suggestions)
    by_column = {column: target for target, column in mapping.columns.items()}
    chosen = {getattr(mapping, target) for target in wanted}
    return LogFile(
        opened=opened,
        targets={target: getattr(mapping, target) for target in LOG_TARGETS},
        columns=find_used_columns(suggested.columns, by_column, chosen),
    )


def read_log_file(table: Path, reading: Mapping[str, Any], item_ids: Sequence[str]) -> "ReadLog":
    """Read a log of which something can be used.

    Args:
        table: A plain table file.
        reading: As `LogFile.reading`; empty finds everything out and takes what only looks like it.
        item_ids: Ids of the catalogue's items, in its order.

    Raises:
        CatalogFileError: The file cannot be read as a table, or is too large.
        MappingError: No column is known to hold the user or the item, or no row can be used; the message says why.
        JobError: Another version wrote down how the table is read.
    """
    from core.interactions.read import read_log

    if reading:
        options, columns = read_kept(_read_reading, reading)
        found = read_log(table, item_ids, overrides=columns, options=options)
    else:
        found = read_log(table, item_ids, accept_suggestions=True)
    if not len(found.log):
        raise MappingError(explain_nothing(found))
    return found


def _read_reading(reading: Mapping[str, Any]) -> tuple[ReadOptions, dict[str, str]]:
    return ReadOptions(**reading["options"]), dict(reading["columns"])


def explain_nothing(found: "ReadLog") -> str:
    """Why no row of a log can be used, and what to do."""
    if not found.rows:
        return "The log holds no rows. Export it again."
    errors = [problem for problem in found.problems if problem.severity == "error"]
    reason = next((problem for problem in errors if not problem.row), errors[0] if errors else None)
    if reason is None:
        return f"{_none_of(found.rows)} Check its columns."
    if reason.row:
        return f"{_none_of(found.rows)} Row {reason.row}: {reason.message}"
    return f"{reason.message} Of the columns, “{found.mapping.item}” was taken for the item."


def _none_of(rows: int) -> str:
    return "The only row of the log cannot be used." if rows == 1 else f"None of the log's {rows:,} rows can be used."
