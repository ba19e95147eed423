"""The system of record: one SQLite file, opened so that an acknowledged write survives a power cut.

Measured on killed processes and power cuts (WAL, synchronous=FULL): no acknowledged write was lost.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import StoreError
from core.failures import explain_database
from core.store.migrations import MIGRATIONS

BUSY_TIMEOUT_MS = 30_000
_open = threading.local()


def in_transaction() -> bool:
    """Whether this thread has a transaction open, of whichever `Database`: a second one would wait for it for ever."""
    return bool(getattr(_open, "count", 0))


class Database:
    """One SQLite file; a connection a thread, writers take turns.

    Args:
        path: The file; created when missing and brought to the newest schema version.

    Raises:
        StoreError: The file is not a database, is newer than this program, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        try:
            self._migrate()
        except sqlite3.DatabaseError as exc:
            said = explain_database(exc) or f"SQLite says: {exc}. Restore it from a backup."
            raise StoreError(f"The database {path} cannot be opened. {said}") from exc

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing; the lock is taken at once so that two writers never deadlock.

        Raises:
            StoreError: The disk is full or may not be written, the file is damaged, another process held the lock for
                too long, or the catalogue of a row was deleted meanwhile; the message says which.
        """
        connection = self.connection
        _open.count = getattr(_open, "count", 0) + 1
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException as exc:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(exc, sqlite3.Error) and (said := explain_database(exc)):
                raise StoreError(f"{said}{self._tell_writer(exc)}") from exc
            raise
        finally:
            _open.count -= 1

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _tell_writer(self, exc: sqlite3.Error) -> str:
        """Who may be writing, where a lock was waited for in vain."""
        if not (getattr(exc, "sqlite_errorname", None) or "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return ""
        try:
            rows = self.connection.execute("SELECT title FROM jobs WHERE state = 'running'").fetchall()
        except sqlite3.Error:
            return ""
        return f" At work: {', '.join(row['title'] for row in rows)}." if rows else ""

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
        return connection

    def _migrate(self) -> None:
        if self.connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS):
            return  # as nearly always, and then a full disk or a busy writer need not keep anybody out
        with self.transaction() as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > len(MIGRATIONS):
                raise StoreError(
                    f"The database {self.path} was written by a newer Wishlight (schema {version}, this one knows "
                    f"{len(MIGRATIONS)}). Update Wishlight, or choose another data folder."
                )
            for step in MIGRATIONS[version:]:
                for statement in _statements(step):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one; `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
