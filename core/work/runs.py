"""A run on disk: what was asked for when it began, and what it was begun with; it goes on under nothing else."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import BaseFileLock, FileLock, Timeout
from numpy.typing import NDArray

from core.errors import TrainError
from core.failures import plain_failures
from core.files import written_whole
from core.home import Home
from core.interactions.log import InteractionLog
from core.kept import SPEC

#: In a run's folder: the fingerprints of what it was begun with.
STARTED = "started.json"
#: Held while somebody is at work on the run; it goes with the process however that ends.
LOCK = "run.lock"
#: What an earlier version wrote in the place of the latter; it knew nothing of the log.
_STARTED_BEFORE = "started.txt"
#: What a run is begun with. "split" follows from the others and from the rule that holds people and items out.
Part = Literal["catalogue", "model", "log", "settings", "needs", "split"]
_NAMES: Mapping[Part, str] = {
    "catalogue": "the catalogue",
    "model": "the image-text model",
    "log": "the log",
    "settings": "the settings",
    "needs": "what the needs bring",
    "split": "the rule that says what is held out",
}


@contextmanager
def open_run(home: Home, run_id: str, spec: Mapping[str, Any], parts: Mapping[Part, str]) -> Iterator[Path]:
    """The folder of a run, made when missing, for one process alone; it keeps what was asked for.

    Args:
        home: Where it lies.
        run_id: Its name.
        spec: JSON values.
        parts: Fingerprint of each thing that the run is begun with.

    Raises:
        TrainError: Something is no longer what the run began with, or another process is at work on it.
        StoreError: The folder cannot be written.
    """
    folder = home.runs / run_id
    with plain_failures("The run cannot be kept"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = _hold(folder)
    try:
        _begin_run(folder, spec, parts)
        yield folder
    finally:
        lock.release()


def _hold(folder: Path) -> BaseFileLock:
    """Keep others out: two that write to one run would take each other's work for what a killed process left."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as exc:
        raise TrainError("Another process is at work on this run. Wait until it has ended, or stop it first.") from exc
    return lock


def _begin_run(folder: Path, spec: Mapping[str, Any], parts: Mapping[Part, str]) -> None:
    """Write down what a run begins with, or see that it is still the same."""
    if (folder / STARTED).exists():
        _check_same(folder, parts)
        return
    if (folder / _STARTED_BEFORE).exists():
        raise TrainError(
            "This run was begun by an earlier version, which did not write down all that it was begun with, so it "
            "cannot go on. Start a new run."
        )
    with plain_failures("The run cannot be kept"):
        for name, content in ((SPEC, spec), (STARTED, parts)):
            with written_whole(folder / name, flush=True) as temporary:
                temporary.write_text(json.dumps(content), "utf-8")


def find_run(home: Home, start: str) -> tuple[str, dict[str, Any]]:
    """The run whose id begins so, and what was asked for when it began.

    Raises:
        TrainError: There is none, or there are several, or it cannot be read.
    """
    found = [path.name for path in home.runs.iterdir() if path.name.startswith(start) and (path / SPEC).exists()]
    if len(found) != 1:
        raise TrainError(f"{'Several runs begin' if found else 'No run begins'} with “{start}”. Give more of its id.")
    return found[0], read_spec(home.runs / found[0])


def read_spec(folder: Path) -> dict[str, Any]:
    """What was asked for when the run in a folder began.

    Raises:
        TrainError: It has not begun, or cannot be read.
    """
    return _read(folder / SPEC)


def digest(*parts: str | NDArray[Any]) -> str:
    """Fingerprint of texts and arrays in this order, twelve hex digits."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            data = part.encode("utf-8", "surrogatepass")
        else:
            found.update(f"{part.dtype.str}{part.shape}".encode())
            data = part.tobytes()
        found.update(f"{len(data)}:".encode())
        found.update(data)
    return found.hexdigest()[:12]


def digest_json(data: Any) -> str:
    """Fingerprint of JSON values; the order of keys does not matter."""
    return digest(json.dumps(data, sort_keys=True))


def digest_log(log: InteractionLog | None) -> str:
    """Fingerprint of a log as training reads it: who, what, when, of what kind and how much; "" without one."""
    if log is None:
        return ""
    values = np.where(np.isnan(log.values), np.float32(np.nan), log.values)
    columns = (log.users, log.items, log.events, values, log.liked, log.times)
    return digest(json.dumps(log.user_ids), json.dumps(log.item_ids), *columns)


def _check_same(folder: Path, parts: Mapping[Part, str]) -> None:
    before = _read(folder / STARTED)
    changed = [name for name, value in parts.items() if before.get(name) != value]
    # The split follows from the rest.
    causes = [name for name in changed if name != "split"] or changed
    if causes:
        names = " and ".join(_NAMES[name] for name in causes)
        verb = "have" if len(causes) > 1 or "settings" in causes else "has"
        raise TrainError(
            f"{names[0].upper()}{names[1:]} {verb} changed since this run began, so it cannot go on. Start a new run."
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise TrainError(f"The run {path.parent.name[:12]} cannot be read. Start a new one.") from exc
    if not isinstance(found, dict):
        raise TrainError(f"The run {path.parent.name[:12]} cannot be read. Start a new one.")
    return found
