"""Processes that we start end when we do, however that happens."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

_LOOK_SECONDS = 0.5
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_hiding = threading.Lock()


@contextmanager
def main_left_alone() -> Iterator[None]:
    """Processes that `multiprocessing` starts inside do not run the caller's script.

    A spawned child imports the main module first, so that a script without `if __name__ == "__main__"` would begin
    again in each of them. Ours need nothing of it.
    """
    with _hiding:
        main, nothing = sys.modules["__main__"], ModuleType("__main__")
        sys.modules["__main__"] = nothing
        try:
            yield
        finally:
            if sys.modules["__main__"] is nothing:  # Streamlit puts its own there for each page that it runs
                sys.modules["__main__"] = main


def end_with_parent(parent: int | None = None, *, until: Callable[[], bool] = lambda: False) -> None:
    """Watch the parent from a thread, and end this process at once when it is gone.

    A signal that the kernel sends (PR_SET_PDEATHSIG) would come too soon: it is tied to the thread that started the
    child, and threads of a server end while it goes on.

    Args:
        parent: Process id of the parent, as it told the child; None takes the one that is the parent now.
        until: Another reason to end, asked twice a second.
    """
    expected = os.getppid() if parent is None else parent

    def watch() -> None:
        while os.getppid() == expected and not until():
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def bound_memory(size: int) -> None:
    """Let this process have so many bytes of addresses, where the system can say so."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    except (ImportError, ValueError, OSError):  # not a Unix, or one that does not count
        return


def reset_peak() -> bool:
    """Count the peak of memory from now on; whether the system can, which Linux alone does."""
    with suppress(OSError):
        _CLEAR.write_text("5", "ascii")
        return True
    return False


def peak_memory() -> int:
    """Most bytes of memory that this process has had in use at once, 0 where the system does not say.

    On Linux `getrusage` begins with what the process had that started this one, so the kernel's own note is read there.
    """
    if _STATUS.exists():
        notes = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(notes["VmHWM"].split()[0]) * 1024 if "VmHWM" in notes else 0
    try:
        import resource
    except ImportError:  # not a Unix
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
