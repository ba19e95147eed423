"""Files of the data folder that say what they refer to: uploads, and the drafts, runs and jobs that name them."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.home import LOG_UPLOADS, Home
from core.kept import SPEC, find_catalog_name, fold_name


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A draft or a run.

    Attributes:
        path: The draft's file, or the run's folder.
        catalog: Name of the catalogue that it is about, folded; "" for one that cannot be read.
        uploads: Entries of `list_uploads` that it reads.
        age: Seconds since it was touched.
    """

    path: Path
    catalog: str
    uploads: frozenset[Path]
    age: float


def list_uploads(home: Home) -> tuple[Path, ...]:
    """Uploads, each by the folder of its own that it lies in."""
    tops = [path for path in _children(home.uploads) if path != home.drafts]
    logs = [path for path in tops if path.name.startswith(LOG_UPLOADS)]
    return (*(path for path in tops if path not in logs), *(path for folder in logs for path in _children(folder)))


def list_log_uploads(home: Home, catalog_id: int) -> frozenset[Path]:
    """Those of them that are logs of one catalogue."""
    return frozenset(path for path in list_uploads(home) if path.parent.name == f"{LOG_UPLOADS}{catalog_id}")


def find_uploads(home: Home, asked: object) -> frozenset[Path]:
    """Those uploads that JSON values name, wherever in them."""
    return frozenset(found for text in _texts(asked) if (found := find_upload(home, Path(text))) is not None)


def find_upload(home: Home, path: Path) -> Path | None:
    """The upload that a path leads into; None for a path elsewhere."""
    if not path.is_relative_to(home.uploads) or path == home.uploads:
        return None
    parts = path.relative_to(home.uploads).parts
    return home.uploads.joinpath(*parts[: 2 if parts[0].startswith(LOG_UPLOADS) else 1])


def list_drafts(home: Home) -> tuple[KeptFile, ...]:
    """Imports that a person is, or was, preparing."""
    return tuple(_read(home, path, path, "spec") for path in _children(home.drafts))


def list_runs(home: Home) -> tuple[KeptFile, ...]:
    """Runs that have begun."""
    return tuple(_read(home, path, path / SPEC, "") for path in _children(home.runs) if (path / SPEC).is_file())


def name_upload(upload: Path) -> str:
    """What a person knows an upload as."""
    files = sorted(path.name for path in _children(upload)) if upload.is_dir() else [upload.name]
    return files[0] if len(files) == 1 else f"{len(files):,} pictures"


def lies_in(home: Home, path: Path) -> bool:
    """Whether a path leads to something that lies in a folder of the data folder.

    Not so a folder of it itself, and what a link on the way or ".." leads to, be it elsewhere or into another of them.
    """
    if not path.is_relative_to(home.root):
        return False
    parts = path.relative_to(home.root).parts
    return len(parts) > 1 and ".." not in parts and path.parent.resolve() == home.root.resolve().joinpath(*parts[:-1])


def age_of(path: Path) -> float:
    """Seconds since it was touched; 0 for what is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _read(home: Home, path: Path, file: Path, part: str) -> KeptFile:
    try:
        data = json.loads(file.read_text("utf-8"))
        asked: Mapping[str, Any] = data[part] if part else data
        catalog = fold_name(find_catalog_name(asked))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        asked, catalog = {}, ""
    return KeptFile(path=path, catalog=catalog, uploads=find_uploads(home, asked), age=age_of(path))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _children(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.iterdir())) if folder.is_dir() else ()
