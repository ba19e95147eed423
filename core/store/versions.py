"""Trained model versions: which there are, of which catalogue, and how well each does; the weights are in files."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import TrainError
from core.store.database import Database, read_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One trained version.

    Attributes:
        id: Unique; also the name of its folder.
        catalog_id: What it was trained on.
        title: For the page.
        backbone: Whose tokens it reads.
        has_log: Whether it knows people.
        metrics: What was measured, JSON values.
        created_at: ISO 8601 in UTC.
    """

    id: str
    catalog_id: int
    title: str
    backbone: str
    has_log: bool
    metrics: Mapping[str, Any]
    created_at: str


class Versions:
    """The registry of versions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, version_id: str, catalog_id: int, *, title: str, backbone: str, has_log: bool, metrics: Mapping[str, Any]
    ) -> None:
        """Write a version down; one that is there already is replaced, so that a resumed run may end twice.

        Raises:
            StoreError: The catalogue was deleted meanwhile, or the database cannot be written.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO versions(id, catalog_id, title, backbone, has_log, metrics) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (version_id, catalog_id, title, backbone, has_log, json.dumps(metrics)),
            )

    def note(self, version_id: str, more: Mapping[str, Any]) -> None:
        """Add to what was measured of a version, in place of what went by the same names."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT metrics FROM versions WHERE id = ?", (version_id,)).fetchone()
            if row is not None:
                metrics = json.dumps(read_value(row["metrics"]) | dict(more))
                connection.execute("UPDATE versions SET metrics = ? WHERE id = ?", (metrics, version_id))

    def list(self, catalog_id: int | None = None) -> tuple[Version, ...]:
        """Versions of a catalogue, or of all, newest first."""
        rows = self._database.connection.execute(
            "SELECT * FROM versions WHERE ? IS NULL OR catalog_id = ? ORDER BY created_at DESC, rowid DESC",
            (catalog_id, catalog_id),
        ).fetchall()
        return tuple(_read_version(row) for row in rows)

    def find(self, version_id: str, catalog_id: int | None = None) -> Version:
        """A version by its id, or by the start of it where only one begins so.

        Args:
            version_id: Id, or the start of one.
            catalog_id: Of the catalogue that it is a version of; None looks at all.

        Raises:
            TrainError: There is none, or several begin so.
        """
        versions = self.list(catalog_id)
        found = [one for one in versions if one.id == version_id]
        found = found or [one for one in versions if version_id and one.id.startswith(version_id)]
        if len(found) != 1:
            of = "" if catalog_id is None else " of this catalogue"
            problem = f"Several versions{of} begin with" if found else f"There is no version{of} called"
            raise TrainError(f"{problem} “{version_id}”. List them with: python -m core models.")
        return found[0]

    def activate(self, catalog_id: int, version_id: str, *, revision: int | None = None) -> bool:
        """Let a version serve its catalogue; "" goes back to the model without training.

        Args:
            catalog_id: The catalogue.
            version_id: Of a version that has vectors of all its items.
            revision: What it had vectors of; None for any.

        Returns:
            Whether the catalogue was still at that revision and the version still there; it stays as it is otherwise.
        """
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "UPDATE catalogs SET version = ?1, revision = revision + 1 "
                "WHERE id = ?2 AND revision = coalesce(?3, revision) "
                "AND (?1 = '' OR EXISTS(SELECT 1 FROM versions WHERE id = ?1))",
                (version_id, catalog_id, revision),
            )
        return cursor.rowcount == 1


def _read_version(row: sqlite3.Row) -> Version:
    values: dict[str, Any] = dict(row)
    return Version(**values | {"metrics": read_value(row["metrics"]), "has_log": bool(row["has_log"])})
