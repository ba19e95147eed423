"""Files read in an interpreter of its own, so that a crafted one can neither kill the program nor fill its memory.

`python -m core.catalog.read.read_apart PARENT BYTES` takes one request a line on stdin, {"module", "name", "args"},
and answers on stdout with frames: a kind, a length, and so many bytes. A helper that has answered waits a while for the
next file.
"""

import atexit
import importlib
import json
import logging
import os
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from core import errors
from core.children import bound_memory, end_with_parent, peak_memory
from core.errors import CatalogFileError

#: Address space of a helper. A million rows of a usual table take about half of it.
MAX_MEMORY = 4 * 2**30
#: What a file may come to as a table of text.
MAX_ANSWER = 2 * 2**30
LOOK_SECONDS = 120.0
READ_SECONDS = 600.0
_IDLE_SECONDS = 60.0
#: A helper that grew beyond this is not used again.
_MAX_KEPT = 500 * 2**20
_FRAME = struct.Struct(">cQ")
_TAKEN, _VALUE, _BYTES, _FAILED, _END = b"T", b"V", b"B", b"F", b"E"
_log = logging.getLogger(__name__)
_idle: list["_Helper"] = []
_lock = threading.Lock()


def stream_apart(work: Callable[..., Iterator[Any]], *args: Any, path: Path, seconds: float) -> Iterator[Any]:
    """What a function of ours yields, run in a process with bounded memory.

    Args:
        work: A function at the top of a module of `core`; it takes `path` as text first, and yields bytes or values
            that JSON knows.
        args: Its further arguments, as JSON knows them.
        path: The file that it reads.
        seconds: It is stopped after so long.

    Raises:
        CatalogFileError: The file wants too much memory or time, makes the reader crash, or what `work` says.
        ArchiveError: What `work` says.
    """
    call = {"module": work.__module__, "name": work.__name__, "args": [str(path.absolute()), *args]}
    helper = _Helper.take(call)
    deadline = threading.Timer(seconds, helper.stop)
    deadline.daemon = True
    deadline.start()
    try:
        yield from helper.answers(path, seconds)
    finally:
        deadline.cancel()
        helper.put_back()


class _Helper:
    """One reading process, seen from the program."""

    def __init__(self) -> None:
        root = Path(__file__).resolve().parents[3]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "core.catalog.read.read_apart", str(os.getpid()), str(MAX_MEMORY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=root,
            # The more threads and arenas, the more addresses are reserved and never used.
            env=os.environ | {"POLARS_MAX_THREADS": "4", "MALLOC_ARENA_MAX": "2", "PYTHONPATH": str(root)},
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("a helper has pipes")
        self._requests, self._frames = self._process.stdin, self._process.stdout
        self._stopped = False
        self._reusable = False

    @classmethod
    def take(cls, call: dict[str, Any]) -> "_Helper":
        """A helper that has taken the request; one that waited may have gone meanwhile."""
        while True:
            with _lock:
                kept = _idle.pop() if _idle else None
            helper = kept or cls()
            if helper._ask(call) or kept is None:
                return helper
            helper.close()

    def _ask(self, call: dict[str, Any]) -> bool:
        self._reusable = False
        try:
            self._requests.write(json.dumps(call).encode() + b"\n")
            self._requests.flush()
        except OSError:
            return False
        return self._frames.read(_FRAME.size)[:1] == _TAKEN

    def answers(self, path: Path, seconds: float) -> Iterator[Any]:
        """The values of one request."""
        size = 0
        while True:
            head = self._frames.read(_FRAME.size)
            if len(head) < _FRAME.size:
                raise self._died(path, seconds)
            kind, length = _FRAME.unpack(head)
            size += length
            if size > MAX_ANSWER:
                raise CatalogFileError(
                    f"{path.name} comes to more than {MAX_ANSWER // 2**20:,} MB of text. Split it into smaller files."
                )
            data = self._frames.read(length)
            if len(data) < length:
                raise self._died(path, seconds)
            if kind == _END:
                self._reusable = data == b"stays"
                return
            if kind == _FAILED:
                told = json.loads(data)
                self._reusable = told["kind"] != "MemoryError"
                raise _failure(told, path)
            yield data if kind == _BYTES else json.loads(data)

    def put_back(self) -> None:
        """Keep one helper for the next file; end any other, and one that did not finish."""
        with _lock:
            if self._reusable and not self._stopped and not _idle:
                _idle.append(self)
                return
        self.close()

    def close(self) -> None:
        """End it at once and forget it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._frames):
            with suppress(OSError):  # a request that it did not take
                pipe.close()

    def stop(self) -> None:
        """End it from another thread than the one that waits for its answer."""
        self._stopped = True
        self._process.kill()

    def _died(self, path: Path, seconds: float) -> CatalogFileError:
        if self._stopped:
            return CatalogFileError(
                f"{path.name} takes more than {seconds:.0f} seconds to be read. Save its table as CSV, or split it."
            )
        return _wants_memory(path)


def _wants_memory(path: Path) -> CatalogFileError:
    return CatalogFileError(
        f"{path.name} wants more memory than {MAX_MEMORY // 2**20:,} MB to be read, or makes its reader crash. Save "
        "its table as CSV, without what stands far from it, or split it into smaller files."
    )


def _failure(told: dict[str, str], path: Path) -> errors.WishlightError:
    kind, message = told["kind"], told["message"]
    if kind in ("CatalogFileError", "ArchiveError"):
        failure: errors.WishlightError = getattr(errors, kind)(message)
        return failure
    if kind == "MemoryError":
        return _wants_memory(path)
    _log.error("The reader of %s failed: %s", path.name, message)
    return CatalogFileError(
        f"{path.name} cannot be read: its reader failed ({kind}). Save its table as CSV and take that."
    )


@atexit.register
def stop_idle() -> None:
    """End the helper that waits for another file."""
    while _idle:
        _idle.pop().close()


class _Server:
    """The other side: runs requests one after another."""

    def __init__(self, frames: IO[bytes], memory: int) -> None:
        self._frames = frames
        self._memory = memory
        self._waits_since: float | None = time.monotonic()

    def is_done(self) -> bool:
        """Whether nobody has asked for long, or more memory is in use than may be."""
        waits = self._waits_since
        return (waits is not None and time.monotonic() - waits > _IDLE_SECONDS) or peak_memory() > self._memory

    def serve(self, requests: IO[bytes]) -> None:
        """Answer until the requests end."""
        for line in requests:
            self._waits_since = None
            self._send(_TAKEN, b"")
            self._answer(json.loads(line))
            self._waits_since = time.monotonic()

    def _answer(self, call: dict[str, Any]) -> None:
        if not call["module"].startswith("core."):
            raise ValueError("only functions of core are run")
        try:
            work = getattr(importlib.import_module(call["module"]), call["name"])
            for value in work(*call["args"]):
                if isinstance(value, bytes):
                    self._send(_BYTES, value)
                else:
                    self._send(_VALUE, json.dumps(value).encode())
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:  # a panic of the Rust readers is no Exception
            is_ours = isinstance(exc, errors.WishlightError)
            message = str(exc) if is_ours or isinstance(exc, MemoryError) else traceback.format_exc()
            self._send(_FAILED, json.dumps({"kind": type(exc).__name__, "message": message}).encode())
            return
        self._send(_END, b"stays" if peak_memory() < _MAX_KEPT else b"")

    def _send(self, kind: bytes, data: bytes) -> None:
        self._frames.write(_FRAME.pack(kind, len(data)))
        self._frames.write(data)
        self._frames.flush()


def main() -> None:
    """Serve the process that started this one."""
    frames = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever libraries print is no answer
    parent, memory = map(int, sys.argv[1:])
    bound_memory(memory)
    server = _Server(frames, memory)
    end_with_parent(parent, until=server.is_done)
    server.serve(sys.stdin.buffer)


if __name__ == "__main__":
    main()
