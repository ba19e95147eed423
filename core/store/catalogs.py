"""Catalogues: their names, domains and active backbones."""

import sqlite3
import time
from dataclasses import dataclass

from core.catalog.schema import Domain
from core.errors import CatalogNotFoundError, StoreError
from core.kept import find_catalog_name, fold_name
from core.store.database import Database, check_text, read_value

MAX_NAME_LENGTH = 80
#: What work says whose catalogue is gone.
DELETED = "The catalogue was deleted."
#: What such work is called on the list from then on.
DELETED_WORK = "Work on a deleted catalogue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A named set of items.

    Attributes:
        id: Database id.
        name: Unique, case-insensitively.
        domain: What kind of thing its items are.
        backbone: Name of the image-text model that serves it.
        revision: Grows with each write; what derived data compares itself with.
        items: Number of items.
        pictures: Number of usable pictures.
        version: Id of the trained version that serves it, "" for the backbone as it is.
    """

    id: int
    name: str
    domain: Domain
    backbone: str
    revision: int
    items: int
    pictures: int
    version: str = ""

    @property
    def state(self) -> tuple[int, int, str]:
        """What anything derived from it goes by: its id, which no other ever has as its name may, and what changes."""
        return self.id, self.revision, self.version

    @property
    def model_title(self) -> str:
        """What serves it, in words for the page."""
        return f"{self.backbone}, trained version {self.version}" if self.version else self.backbone

    def served_version(self, model_version: str) -> str:
        """Name of the vectors that serve it, from the encoder's own version."""
        return f"{model_version}+{self.version}" if self.version else model_version


class Catalogs:
    """The repository of catalogues."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> tuple[Catalog, ...]:
        """Every catalogue, oldest first."""
        rows = self._database.connection.execute("SELECT * FROM catalogs ORDER BY id").fetchall()
        return tuple(_read_catalog(row) for row in rows)

    def find(self, name: str) -> Catalog:
        """The catalogue of that name.

        Raises:
            CatalogNotFoundError: There is none; the message lists those there are.
        """
        check_text(name)
        row = self._database.connection.execute(
            "SELECT * FROM catalogs WHERE name = ?", (" ".join(name.split()),)
        ).fetchone()
        if row is None:
            names = ", ".join(f"“{catalog.name}”" for catalog in self.list())
            hint = f"There are: {names}." if names else "There is none yet: import a file or load the sample first."
            raise CatalogNotFoundError(f"There is no catalogue named “{name}”. {hint}")
        return _read_catalog(row)

    def ensure(self, name: str, *, domain: Domain, backbone: str) -> Catalog:
        """The catalogue of that name, created when missing; an existing one keeps its domain and backbone.

        Raises:
            StoreError: The name is empty or too long.
        """
        asked, name = name, " ".join(name.split())
        if not name or len(name) > MAX_NAME_LENGTH:
            raise StoreError(f"Give the catalogue a name of 1 to {MAX_NAME_LENGTH} characters.")
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO catalogs(name, domain, backbone) VALUES (?, ?, ?) ON CONFLICT(name) DO NOTHING",
                (name, domain, backbone),
            )
            # Work that was asked for before it was there is about it from now on.
            connection.execute(
                "UPDATE jobs SET catalog_id = (SELECT id FROM catalogs WHERE name = ?1) WHERE catalog_id IS NULL "
                "AND state IN ('queued', 'running') AND json_extract(payload, '$.catalog') COLLATE NOCASE IN (?1, ?2)",
                (name, asked),
            )
        return self.find(name)

    def switch_backbone(self, catalog: Catalog, backbone: str) -> bool:
        """Let another image-text model serve a catalogue; its embeddings must be there already.

        A trained version reads the old model's tokens, so it serves no longer where the model is another one.

        Returns:
            Whether the catalogue was still as it was read; it stays as it is otherwise.
        """
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "UPDATE catalogs SET version = iif(backbone = ?1, version, ''), backbone = ?1, revision = revision + 1 "
                "WHERE id = ?2 AND revision = ?3",
                (backbone, catalog.id, catalog.revision),
            )
        return cursor.rowcount == 1

    def bump(self, catalog_id: int) -> None:
        """Tell all that is derived from a catalogue that there is something new to derive."""
        self._database.connection.execute("UPDATE catalogs SET revision = revision + 1 WHERE id = ?", (catalog_id,))

    def exists(self, catalog_id: int) -> bool:
        """Whether it is there; an id is never used twice, as a name may be."""
        sql = "SELECT 1 FROM catalogs WHERE id = ?"
        return self._database.connection.execute(sql, (catalog_id,)).fetchone() is not None

    def delete(self, catalog_id: int) -> tuple[str, ...]:
        """Remove the catalogue with its items and all rows about it; `core.deletion` removes the files.

        Work that waits for it ends; what is at work on it stops by itself at its next step, and of both only that
        stays on the list.

        Returns:
            Ids of all jobs that were about it.
        """
        with self._database.transaction() as connection:
            jobs = _forget_jobs(connection, catalog_id)
            connection.execute(
                "DELETE FROM item_words WHERE rowid IN (SELECT id FROM items WHERE catalog_id = ?)", (catalog_id,)
            )
            connection.execute("DELETE FROM catalogs WHERE id = ?", (catalog_id,))
        return jobs


def _forget_jobs(connection: sqlite3.Connection, catalog_id: int) -> tuple[str, ...]:
    """Remove what has ended, end what waits, and keep of both what says nothing of the catalogue; ids of all."""
    jobs = find_jobs(connection, catalog_id)
    connection.executemany(
        "DELETE FROM jobs WHERE id = ? AND state NOT IN ('queued', 'running')", [(job,) for job in jobs]
    )
    connection.executemany(
        "UPDATE jobs SET catalog_id = ?, title = ?, payload = '{}', idempotency_key = id, stage = '', result = '{}', "
        "message = '' WHERE id = ?",
        [(catalog_id, DELETED_WORK, job) for job in jobs],
    )
    connection.execute(
        "UPDATE jobs SET state = 'cancelled', finished_at = ?, message = ? WHERE catalog_id = ? AND state = 'queued'",
        (time.time(), DELETED, catalog_id),
    )
    return jobs


def find_jobs(connection: sqlite3.Connection, catalog_id: int) -> tuple[str, ...]:
    """Ids of all jobs about a catalogue, also of those that ended before they had made it, which go by its name."""
    named = connection.execute("SELECT name FROM catalogs WHERE id = ?", (catalog_id,)).fetchone()
    rows = connection.execute(
        "SELECT id, catalog_id, payload FROM jobs "
        "WHERE catalog_id = ? OR (catalog_id IS NULL AND state NOT IN ('queued', 'running'))",
        (catalog_id,),
    ).fetchall()
    name = fold_name(named["name"]) if named else None
    return tuple(
        row["id"]
        for row in rows
        if row["catalog_id"] is not None or fold_name(find_catalog_name(read_value(row["payload"]))) == name
    )


def _read_catalog(row: sqlite3.Row) -> Catalog:
    return Catalog(
        id=row["id"],
        name=row["name"],
        domain=row["domain"],
        backbone=row["backbone"],
        revision=row["revision"],
        items=row["items"],
        pictures=row["pictures"],
        version=row["version"],
    )
