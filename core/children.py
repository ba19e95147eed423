"""Processes that we start end when we do, however that happens."""

import os
import threading
import time
from collections.abc import Callable

_LOOK_SECONDS = 0.5


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
