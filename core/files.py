"""Files that are there whole or not at all."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Nothing of ours takes so long to write.
_UNFINISHED_SECONDS = 3600.0


@contextmanager
def written_whole(path: Path, *, flush: bool) -> Iterator[Path]:
    """A place beside `path` to write to; it takes the path's name when the block ends well, and is removed otherwise.

    Args:
        path: Where the file is to be; its folder exists.
        flush: Whether the bytes must survive a power cut before the name is there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield temporary
        if flush:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep_unfinished(folder: Path) -> None:
    """Remove what `written_whole` had begun in a folder's folders when its process was killed."""
    for path in folder.glob("*/.*.tmp"):
        with suppress(OSError):  # another process sweeps as well
            if time.time() - path.stat().st_mtime > _UNFINISHED_SECONDS:
                path.unlink()
