"""A file that a person hands over, put where an import can read it again: copied, a ZIP opened.

A copy lies in a folder named by its content and keeps the person's own name, which is what messages call it by.
"""

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.catalog.pictures.archive import TABLE_SUFFIXES, Archive
from core.catalog.read.members import find_tables
from core.errors import ArchiveError, CatalogFileError
from core.failures import plain_failures
from core.files import written_whole

_CHUNK = 2**20
#: Bytes of a file's name before its suffix; most disks take 255 in all.
_LONGEST_STEM = 150
#: Characters of a suffix that we do not know.
_LONGEST_SUFFIX = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A catalogue file ready to be read.

    Attributes:
        name: As the person knows it.
        table: A plain table file.
        archive: The ZIP file it came in, which may hold pictures, or None.
        near: Folder of the table inside the archive.
    """

    name: str
    table: Path
    archive: Path | None = None
    near: str = ""


def save_upload(stream: BinaryIO, name: str, uploads: Path) -> Path:
    """Copy an upload to disk at once, into a folder named by its content, under its own name.

    Args:
        stream: The bytes.
        name: The file's name, as the person's browser gives it; made safe by `name_file`.
        uploads: Folder to copy to.
    """
    temporary = uploads / f"upload.{os.getpid()}.{id(stream)}.tmp"
    digest = hashlib.sha256()
    with temporary.open("wb") as file:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    path = uploads / digest.hexdigest() / name_file(name)
    path.parent.mkdir(exist_ok=True)
    temporary.replace(path)
    return path


def name_file(name: str) -> str:
    """A name from outside as a file name of ours: one part, nothing invisible in it, and short enough for any disk."""
    bare = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(
        character for character in bare if unicodedata.category(character)[0] not in "CZ" or character == " "
    )
    suffix = _suffix(shown)
    stem = " ".join(shown[: len(shown) - len(suffix)].split()).strip(".") or "file"
    return stem.encode()[:_LONGEST_STEM].decode(errors="ignore").strip() + suffix


def stage_file(path: Path, uploads: Path, *, name: str = "", member: str = "") -> Staged:
    """Find the table in a file: the file itself, or a ZIP's only (or named) table, extracted.

    Args:
        path: The file.
        uploads: Folder to extract to.
        name: As the person knows the file; "" takes the path's.
        member: Which table of a ZIP, when it holds several.

    Raises:
        CatalogFileError: There is no such file, or the ZIP holds no table, or several and none is named.
        ArchiveError: The ZIP cannot be read.
    """
    name = name or path.name
    if not path.is_file():
        raise CatalogFileError(f"There is no file “{path}”. Check its name and folder.")
    if path.suffix.lower() != ".zip":
        return Staged(name=name, table=path)
    with Archive(path) as archive:
        chosen = member or _only_table(archive, name)
        folder = uploads / f"{_hash_file(path)}-{hashlib.sha256(chosen.encode()).hexdigest()[:8]}"
        target = folder / name_file(chosen)
        if not target.exists():
            folder.mkdir(exist_ok=True)
            with written_whole(target, flush=False) as temporary:
                archive.extract_table(chosen, temporary)
    near = str(PurePosixPath(chosen).parent)
    return Staged(name=name, table=target, archive=path, near="" if near == "." else near)


def list_tables(path: Path) -> tuple[str, ...]:
    """Tables of a ZIP file, the likeliest first; none for any other file.

    Raises:
        ArchiveError: The ZIP cannot be read.
    """
    if path.suffix.lower() != ".zip":
        return ()
    with Archive(path) as archive:
        return find_tables(archive)


def save_pictures(streams: Sequence[tuple[str, BinaryIO]], folder: Path) -> Path:
    """Copy uploaded picture files into a folder of their own, under their bare names.

    Raises:
        ArchiveError: A name is no file name or too long for one, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, stream in streams:
        bare = PurePosixPath(name.replace("\\", "/")).name
        if not bare or bare in (".", "..") or "\0" in bare:
            raise ArchiveError(f"“{name[:80]}” is no file name. Rename the picture and upload it again.")
        said = f"The picture “{bare[:80]}” cannot be stored"
        with plain_failures(said, ArchiveError), (folder / bare).open("wb") as file:
            shutil.copyfileobj(stream, file, _CHUNK)
    return folder


def _only_table(archive: Archive, name: str) -> str:
    tables = find_tables(archive)
    if not tables:
        raise CatalogFileError(f"{name} holds no table. Put a CSV, XLSX, Parquet or JSON lines file into the ZIP.")
    depths = [table.count("/") for table in tables]
    if depths.count(min(depths)) > 1:
        raise CatalogFileError(
            f"{name} holds several tables: {', '.join(tables[:10])}. Choose one (on the page, or with --sheet)."
        )
    return tables[0]


def _suffix(name: str) -> str:
    lowered = name.lower()
    for suffix in (*sorted(TABLE_SUFFIXES, key=len, reverse=True), ".gz", ".zip"):
        if lowered.endswith(suffix):
            return suffix
    suffix = PurePosixPath(lowered).suffix
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= _LONGEST_SUFFIX else ""


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
