"""Files that are there whole or not at all."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
