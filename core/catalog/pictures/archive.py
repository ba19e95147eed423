"""ZIP files from outside: read member by member, never extracted by name."""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from core.catalog.pictures.normalise import MAX_BYTES
from core.errors import ArchiveError, PictureError

MAX_MEMBERS = 300_000
MAX_TABLE_BYTES = 4 * 2**30
#: Beyond this compression a member is a bomb: real tables reach about 30, real pictures about 1.
MAX_RATIO = 250
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".jsonl", ".ndjson", ".json", ".csv.gz", ".tsv.gz")
_CHUNK = 2**20
_DAMAGE = (zipfile.BadZipFile, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
_RATIO_FROM_BYTES = 10 * 2**20


class Archive:
    """An opened ZIP file.

    Args:
        path: The file.

    Raises:
        ArchiveError: It is not a ZIP file, is damaged, encrypted, or has too many members.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
            raise ArchiveError(f"{path.name} is not a readable ZIP file. Make the ZIP again.") from exc
        infos = self._zip.infolist()
        if len(infos) > MAX_MEMBERS:
            raise ArchiveError(f"{path.name} holds more than {MAX_MEMBERS:,} files. Split it into several ZIP files.")
        if any(info.flag_bits & 0x1 for info in infos):
            raise ArchiveError(f"{path.name} is protected by a password. Make the ZIP without one.")
        self._members = {name: info for info in infos if (name := _safe_name(info)) is not None}
        self._folded = {name.lower(): name for name in self._members}
        self._by_file_name = _unique_file_names(self._members)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Members that may be read, as relative POSIX paths."""
        return tuple(self._members)

    @property
    def tables(self) -> tuple[str, ...]:
        """Members that are called like a catalogue file, the shallowest first."""
        found = [name for name in self._members if name.lower().endswith(TABLE_SUFFIXES)]
        return tuple(sorted(found, key=lambda name: (name.count("/"), name.lower().endswith(".txt"), name)))

    def read_head(self, name: str, size: int) -> bytes:
        """The first bytes of a member.

        Raises:
            ArchiveError: It is damaged or a bomb.
        """
        return next(self._chunks(name, MAX_TABLE_BYTES), b"")[:size]

    def extract_table(self, name: str, target: Path) -> None:
        """Copy a table to a file whose name is chosen here, within `MAX_TABLE_BYTES`.

        Raises:
            ArchiveError: There is no such member, or it is damaged or a bomb.
        """
        if name not in self._members:
            raise ArchiveError(f"The ZIP file holds no “{name}”. It holds: {', '.join(self.tables) or 'no table'}.")
        with target.open("wb") as file:
            for chunk in self._chunks(name, MAX_TABLE_BYTES):
                file.write(chunk)

    def has(self, reference: str, *, near: str = "") -> bool:
        """Whether `read_picture` would find a member."""
        return self._find(reference, near) is not None

    def read_picture(self, reference: str, *, near: str = "") -> bytes:
        """The bytes of the picture that a cell names: by path, by path beside the table, or by a unique file name.

        Args:
            reference: As the cell wrote it.
            near: Folder of the table inside the archive.

        Raises:
            PictureError: With code missing, too_large or damaged.
        """
        name = self._find(reference, near)
        if name is None:
            raise PictureError(
                "missing", f"The ZIP file holds no “{reference[:120]}”. Add it, or correct the name in the file."
            )
        try:
            return b"".join(self._chunks(name, MAX_BYTES))
        except ArchiveError as exc:
            raise PictureError("damaged", str(exc)) from exc

    def _find(self, reference: str, near: str) -> str | None:
        wanted = reference.replace("\\", "/").strip().lstrip("/").removeprefix("./")
        for candidate in (wanted, f"{near}/{wanted}"):
            name = self._folded.get(candidate.lower().lstrip("/"))
            if name is not None:
                return name
        return self._by_file_name.get(PurePosixPath(wanted).name.lower())

    def _chunks(self, name: str, limit: int) -> Iterator[bytes]:
        info = self._members[name]
        total = 0
        try:
            with self._zip.open(info) as file:
                while chunk := file.read(_CHUNK):
                    total += len(chunk)
                    if total > limit:
                        raise ArchiveError(f"“{name}” in the ZIP file is larger than {limit // 2**20:,} MB.")
                    if total > _RATIO_FROM_BYTES and total > MAX_RATIO * max(info.compress_size, 1):
                        raise ArchiveError(f"“{name}” in the ZIP file unpacks to far more than a real file would.")
                    yield chunk
        except (*_DAMAGE, NotImplementedError, RuntimeError) as exc:
            raise ArchiveError(f"“{name}” in the ZIP file is damaged. Make the ZIP again.") from exc


def _safe_name(info: zipfile.ZipInfo) -> str | None:
    """The member as a relative path; None for folders, links, and names that leave the archive."""
    mode = info.external_attr >> 16
    name = info.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if info.is_dir() or (mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode)):
        return None
    if name.startswith("/") or ".." in parts or ":" in (parts[0] if parts else ""):
        return None
    if not parts or parts[0] == "__MACOSX" or parts[-1].startswith("."):
        return None
    return "/".join(parts)


def _unique_file_names(members: dict[str, zipfile.ZipInfo]) -> dict[str, str]:
    unique: dict[str, str] = {}
    twice: set[str] = set()
    for name in members:
        short = PurePosixPath(name).name.lower()
        if short in unique:
            twice.add(short)
        unique[short] = name
    return {short: name for short, name in unique.items() if short not in twice}
