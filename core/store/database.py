"""The system of record: one SQLite file, opened so that an acknowledged write survives a power cut.

Measured on killed processes and power cuts (WAL, synchronous=FULL): no acknowledged write was lost.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.catalog.flatten import mend_halves
from core.errors import NeedError, StoreError
from core.failures import explain_database
from core.store.migrations import MIGRATIONS

BUSY_TIMEOUT_MS = 30_000
#: What was deleted can wait for a better moment; who deletes should not.
PURGE_TIMEOUT_MS = 5_000
_open = threading.local()


def in_transaction() -> bool:
    """Whether this thread has a transaction open, of whichever `Database`: a second one would wait for it for ever."""
    return bool(getattr(_open, "count", 0))


def check_text(*texts: str) -> None:
    """Refuse half characters, which neither the database nor a model can take.

    Raises:
        NeedError: One of the texts has them.
    """
    for text in texts:
        if (shown := mend_halves(text)) != text:
            raise NeedError(f"“{shown[:80]}” holds half a character, which is no text. Type it again.")


class _Cursor(sqlite3.Cursor):
    """Says in a sentence that what is read or written is no text, as where bytes of the file were changed."""

    def execute(self, *args: Any) -> "_Cursor":
        with _explained():
            return super().execute(*args)

    def executemany(self, *args: Any) -> "_Cursor":
        with _explained():
            return super().executemany(*args)

    def fetchone(self) -> Any:
        with _explained():
            return super().fetchone()

    def fetchmany(self, size: int | None = None) -> list[Any]:
        with _explained():
            return super().fetchmany(self.arraysize if size is None else size)

    def fetchall(self) -> list[Any]:
        with _explained():
            return super().fetchall()

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except (sqlite3.DatabaseError, UnicodeError):  # entering `_explained` for each row would cost more than reading
            with _explained():
                raise


class _Connection(sqlite3.Connection):
    """Whose cursors explain."""

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def execute(self, *args: Any) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self.cursor()
        return cursor.execute(*args)

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self.cursor()
        return cursor.executemany(*args)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeError) as exc:
        if said := _explain(exc):
            raise said from exc
        raise


def _explain(exc: Exception) -> StoreError | None:
    """The failure in a sentence where a text is none; None where it is another (`core.failures` knows those)."""
    if isinstance(exc, UnicodeEncodeError):
        return StoreError("A text holds half a character, which cannot be stored. Type or export it again.")
    is_damaged = isinstance(exc, UnicodeDecodeError) or "decode" in str(exc).lower()
    return damaged_database() if is_damaged else None


def damaged_database() -> StoreError:
    """The sentence for a database that was changed by something else than this program."""
    return StoreError("The database is damaged. Restore it from a backup, or move it away to start with an empty one.")


def read_value(text: str) -> Any:
    """A JSON value that this program has stored.

    Raises:
        StoreError: It is none any more.
    """
    try:
        return json.loads(text)
    except (ValueError, TypeError) as exc:
        raise damaged_database() from exc


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

    def purge(self) -> None:
        """Leave nothing of deleted rows in the file or in its write-ahead log.

        `secure_delete` alone does not: where SQLite moves rows between pages, the old place keeps its bytes, and a
        word index keeps the words of deleted rows until its parts are merged.

        Raises:
            StoreError: The disk is full, or another process reads or writes for longer than `PURGE_TIMEOUT_MS`.
        """
        connection = self._connect()
        try:
            connection.execute(f"PRAGMA busy_timeout = {PURGE_TIMEOUT_MS}")
            connection.execute("INSERT INTO item_words(item_words) VALUES ('optimize')")
            connection.execute("VACUUM")
            is_busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as exc:
            raise StoreError(explain_database(exc) or f"SQLite says: {exc}.") from exc
        finally:
            connection.close()
        if is_busy:
            raise StoreError("Another process reads the database, so what was deleted is still in its log.")

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
        connection = sqlite3.connect(
            self.path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, factory=_Connection
        )
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA secure_delete = ON")
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
