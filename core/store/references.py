"""What the rows of the database still refer to, and the removal of what none refers to any more."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.store.catalogs import find_jobs
from core.store.database import Database, read_value

#: What vectors of a version that is gone are called; their number stays taken, since others may remember it.
_GONE = "gone"
#: How an id of a version looks, for GLOB; a model's own name may hold a "+" too.
_VERSION = "[0-9a-f]" * 12


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """What a deletion has to know of a job.

    Attributes:
        id: Its id, also of its run and of its log.
        title: For the page.
        payload: What was asked for.
        state: Where it stands.
        has_catalog: Whether it is about one catalogue.
    """

    id: str
    title: str
    payload: Mapping[str, Any]
    state: str
    has_catalog: bool

    @property
    def is_live(self) -> bool:
        """Whether it is still to be finished."""
        return self.state in ("queued", "running")


class References:
    """Questions that a deletion asks the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count_pictures(self, catalog_id: int) -> tuple[int, int]:
        """Different pictures that a catalogue shows, and those of them that another one shows too."""
        row = self._database.connection.execute(
            """
            SELECT count(*) AS own, coalesce(sum(EXISTS(
                SELECT 1 FROM item_pictures p JOIN items i ON i.id = p.item
                WHERE p.picture = shown.picture AND i.catalog_id != :catalog
            )), 0) AS shared FROM (
                SELECT DISTINCT p.picture FROM item_pictures p JOIN items i ON i.id = p.item
                WHERE i.catalog_id = :catalog AND p.picture IS NOT NULL
            ) AS shown
            """,
            {"catalog": catalog_id},
        ).fetchone()
        return int(row["own"]), int(row["shared"])

    def is_shown(self, pictures: Sequence[str]) -> frozenset[str]:
        """Those of the pictures that an item of any catalogue shows."""
        rows = self._database.connection.execute(
            "SELECT DISTINCT picture FROM item_pictures WHERE picture IN (SELECT value FROM json_each(?))",
            (json.dumps(list(pictures)),),
        )
        return frozenset(row["picture"] for row in rows)

    def jobs(self) -> Iterator[JobRow]:
        """All jobs."""
        for row in self._database.connection.execute("SELECT * FROM jobs").fetchall():
            yield JobRow(
                id=row["id"],
                title=row["title"],
                payload=read_value(row["payload"]),
                state=row["state"],
                has_catalog=row["catalog_id"] is not None,
            )

    def jobs_of(self, catalog_id: int) -> frozenset[str]:
        """Ids of all jobs about a catalogue."""
        return frozenset(find_jobs(self._database.connection, catalog_id))

    def forget_job(self, job_id: str) -> None:
        """Remove the row of a job that has ended, and the report of its import."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM jobs WHERE id = ? AND state NOT IN ('queued', 'running')", (job_id,))
            connection.execute("DELETE FROM imports WHERE id = ?", (job_id,))

    def forget_version(self, version_id: str) -> bool:
        """Remove the row of a version, unless it serves; whether it did not."""
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "DELETE FROM versions WHERE id = ?1 AND NOT EXISTS(SELECT 1 FROM catalogs WHERE version = ?1)",
                (version_id,),
            )
        return cursor.rowcount == 1

    def forget_vectors(self, read_used: Callable[[], Mapping[str, Collection[str]]]) -> None:
        """Remove the vectors of what was read of no item that is there, and of versions that are gone.

        Args:
            read_used: Gives the content hashes that items have vectors by, each kind's; no item is written meanwhile.
        """
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE models SET version = '{_GONE} ' || id WHERE EXISTS(SELECT 1 FROM models base "
                "WHERE substr(models.version, 1, length(base.version) + 1) = base.version || '+' "
                "AND substr(models.version, length(base.version) + 2) GLOB ?1) AND NOT EXISTS(SELECT 1 FROM versions "
                "WHERE substr(models.version, -length(versions.id) - 1) = '+' || versions.id)",
                (_VERSION,),
            )
            connection.execute(
                f"DELETE FROM embeddings WHERE model IN (SELECT id FROM models WHERE version LIKE '{_GONE} %')"
            )
            used = read_used()
            rows = connection.execute("SELECT model, kind, content_hash FROM embeddings").fetchall()
            connection.executemany(
                "DELETE FROM embeddings WHERE model = ? AND kind = ? AND content_hash = ?",
                [tuple(row) for row in rows if row["content_hash"] not in used.get(row["kind"], ())],
            )

    def gone_models(self) -> frozenset[str]:
        """Numbers of the models whose version is gone, as names of files hold them."""
        rows = self._database.connection.execute(f"SELECT id FROM models WHERE version LIKE '{_GONE} %'")
        return frozenset(str(row["id"]) for row in rows)
