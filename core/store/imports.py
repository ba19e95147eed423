"""How far imports have come."""

import json
from collections.abc import Mapping
from typing import Any

from core.store.database import Database, read_value


class Imports:
    """The repository of imports that can go on where they stopped."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, import_id: str, catalog_id: int, key: str) -> Mapping[str, Any] | None:
        """What was saved of a run; None for one that is new, or whose recipe or catalogue was another.

        Args:
            import_id: Of the run.
            catalog_id: What it imports into.
            key: Of its recipe.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "INSERT INTO imports(id, catalog_id, plan_hash) VALUES (?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
                "rows_done = CASE WHEN plan_hash = excluded.plan_hash AND catalog_id = excluded.catalog_id "
                "THEN rows_done ELSE 0 END, plan_hash = excluded.plan_hash, catalog_id = excluded.catalog_id "
                "RETURNING rows_done, report",
                (import_id, catalog_id, key),
            ).fetchone()
        found: Mapping[str, Any] | None = read_value(row["report"]) if row["rows_done"] else None
        return found

    def save(self, import_id: str, rows_done: int, state: Mapping[str, Any], *, finished: bool) -> None:
        """Keep how far a run is; part of the caller's transaction when one is open."""
        self._database.connection.execute(
            "UPDATE imports SET rows_done = ?, report = ?, finished = ? WHERE id = ?",
            (rows_done, json.dumps(state), finished, import_id),
        )
