"""A child process, and its own children, whose every look-up and connection beyond this computer is written down."""

import os
from pathlib import Path

_RECORDER = """
import os, sys

def _note(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host and host not in ("localhost", "127.0.0.1", "::1"):
        handle = os.open(os.environ["WISHLIGHT_ASKED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{event} {host}\\n".encode())
        os.close(handle)

sys.addaudithook(_note)
"""


class Recording:
    """Where a recorded process runs.

    Attributes:
        environment: For the child.
        user: The home directory that it sees; nothing belongs there.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "hook").mkdir(parents=True)
        (folder / "hook" / "sitecustomize.py").write_text(_RECORDER)
        self.user = folder / "user"
        self.user.mkdir()
        self._asked = folder / "asked"
        kept = {name: value for name, value in os.environ.items() if name != "CI"}  # some are silent only there
        self.environment = kept | {
            "PYTHONPATH": str(folder / "hook"),
            "WISHLIGHT_ASKED": str(self._asked),
            "HOME": str(self.user),
            "OMP_WAIT_POLICY": "passive",
        }

    def asked(self) -> list[str]:
        """Whoever was asked for."""
        return self._asked.read_text().splitlines() if self._asked.exists() else []

    def left(self) -> list[str]:
        """Files outside the data folder, but for caches that libraries may keep of their own code."""
        found = [path.relative_to(self.user) for path in self.user.rglob("*") if path.is_file()]
        return [str(path) for path in found if path.parts[0] not in (".cache", ".config", ".triton")]
