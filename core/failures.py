"""What went wrong with a disk or the database, whichever library noticed it, in a sentence that says what to do.

Python raises OSError, but safetensors, torch, SQLite and numpy have errors of their own for the same full disk. The
rule is here once; `plain_failures` stands where work is run, so that no library's error needs a place of its own.
"""

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import StoreError, WishlightError

_NUMBER = re.compile(r"os error (\d+)")
#: What libraries say that keep the system's number to themselves.
_SAID = (
    (re.compile(r"no space left on device|disk (is )?full", re.I), errno.ENOSPC),
    (re.compile(r"quota exceeded", re.I), errno.EDQUOT),
    (re.compile(r"read-?only (file system|database)", re.I), errno.EROFS),
    (re.compile(r"permission denied", re.I), errno.EACCES),
    (re.compile(r"\d+ requested and \d+ written|PytorchStreamWriter failed", re.I), errno.ENOSPC),
)
_SPACE = "Free some space and go on."
_RIGHTS = "Give yourself the right to write there, or choose another data folder, then go on."
_PLACE = "Check that the data folder is whole and that you may write in it, then go on."
_ADVICE = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EROFS: _RIGHTS,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENAMETOOLONG: "Give it a shorter name, then try again.",
    errno.EIO: "Check that the disk is there and healthy, then go on.",
    errno.ENODEV: "Check that the disk is there and healthy, then go on.",
}
#: By the start of SQLite's own name of the error.
_DATABASE = (
    ("SQLITE_BUSY", "is busy: something else has been writing to it for too long. Nothing was lost; try again soon."),
    ("SQLITE_LOCKED", "is busy: something else has been writing to it for too long. Nothing was lost; try again soon."),
    ("SQLITE_FULL", f"cannot be written (No space left on device). {_SPACE}"),
    ("SQLITE_IOERR_SHM", f"cannot be written (No space left on device). {_SPACE}"),
    ("SQLITE_READONLY", f"may not be written. {_RIGHTS}"),
    ("SQLITE_PERM", f"may not be written. {_RIGHTS}"),
    ("SQLITE_CANTOPEN", "cannot be opened. Check that the data folder is there and that you may write in it."),
    ("SQLITE_IOERR", "cannot be read or written (Input/output error). Check that the disk is there and healthy."),
    ("SQLITE_CORRUPT", "is damaged. Restore it from a backup, or move it away to start with an empty one."),
    ("SQLITE_NOTADB", "is damaged. Restore it from a backup, or move it away to start with an empty one."),
    ("SQLITE_CONSTRAINT_FOREIGNKEY", "no longer holds what this belongs to: its catalogue was deleted meanwhile."),
)


def find_disk_error(exc: BaseException) -> int | None:
    """The system's number of a failure of the disk, found in an exception or in what led to it; None for any other."""
    for one in _chain(exc):
        if isinstance(one, WishlightError):
            continue
        number = one.errno if isinstance(one, OSError) and one.errno else _read_number(str(one))
        if number in _ADVICE:
            return number
    return None


def explain_failure(exc: BaseException, what: str = "") -> str | None:
    """A sentence for a failure of the disk or the database; None for any other.

    Args:
        exc: What was raised; what led to it is looked at too.
        what: What cannot be done, to begin the sentence with; then any error of a file counts. "" says that the file
            cannot be written, and names it where it is known.
    """
    for one in _chain(exc):
        if isinstance(one, sqlite3.Error) and (said := explain_database(one)):
            return said
    number = find_disk_error(exc)
    if number is None and what and isinstance(exc, OSError):
        number = exc.errno
    if number is None:
        return None
    files = (one.filename for one in _chain(exc) if isinstance(one, OSError) and one.filename)
    subject = next((f"“{os.fsdecode(name)}”" for name in files if isinstance(name, str | bytes)), "A file")
    return f"{what or f'{subject} cannot be written'} ({os.strerror(number)}). {_ADVICE.get(number, _PLACE)}"


def explain_database(exc: sqlite3.Error) -> str | None:
    """A sentence for what SQLite says about its file, not about a statement; None for the latter."""
    name = getattr(exc, "sqlite_errorname", None) or ""
    return next((f"The database {said}" for start, said in _DATABASE if name.startswith(start)), None)


@contextmanager
def plain_failures(what: str = "", error: type[WishlightError] = StoreError) -> Iterator[None]:
    """Raise failures of the disk and the database inside as expected ones.

    Args:
        what: As in `explain_failure`.
        error: What is raised.

    Raises:
        WishlightError: The disk is full or may not be written, or the database cannot be used.
    """
    try:
        yield
    except WishlightError:
        raise
    except Exception as exc:
        if said := explain_failure(exc, what):
            raise error(said) from exc
        raise


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """An exception and what led to it, the latest first."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exc]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        waiting += (one.__cause__, one.__context__)


def _read_number(text: str) -> int | None:
    found = _NUMBER.search(text)
    if found:
        return int(found[1])
    return next((number for said, number in _SAID if said.search(text)), None)
