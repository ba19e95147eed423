"""Where the pictures that a catalogue's cells name may come from: one folder, one ZIP, the public web, the cell."""

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes

from core.catalog.pictures.archive import Archive
from core.catalog.pictures.normalise import MAX_BYTES, file_too_large
from core.catalog.schema import DATA
from core.errors import PictureError

if TYPE_CHECKING:
    from core.catalog.pictures.fetch import PictureFetcher

_WEB = ("http://", "https://")


class PictureFolder:
    """A folder that a person chose; nothing outside it is ever opened.

    Args:
        root: The folder.

    Raises:
        PictureError: It is not a folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise PictureError("missing", f"There is no folder {root}. Choose the folder that holds the pictures.")
        self._root = root.resolve()
        self._by_file_name: dict[str, Path | None] | None = None

    def read(self, reference: str) -> bytes:
        """The bytes of the file that a cell names: by path inside the folder, or by a unique file name.

        Raises:
            PictureError: With code missing, outside_folder or too_large.
        """
        path = self._find(reference)
        try:
            if path.stat().st_size > MAX_BYTES:
                raise file_too_large()
            return path.read_bytes()
        except OSError as exc:
            raise PictureError("missing", f"“{reference[:120]}” cannot be read ({exc.strerror}).") from exc

    def has(self, reference: str) -> bool:
        """Whether `read` would find a file."""
        try:
            self._find(reference)
        except PictureError:
            return False
        return True

    def _find(self, reference: str) -> Path:
        relative = reference.replace("\\", "/").strip().lstrip("/")
        try:
            path = (self._root / relative).resolve()
            if not path.is_relative_to(self._root):
                raise PictureError(
                    "outside_folder", "The path leads out of the chosen folder and is not opened. Correct the path."
                )
            if path.is_file():
                return path
            other = self._names().get(path.name.lower())
        except (OSError, ValueError, RuntimeError) as exc:  # links that lead in a circle, too
            raise PictureError("missing", "The path is not a file name. Correct it.") from exc
        if other is None:
            raise PictureError(
                "missing", f"The folder holds no “{reference[:120]}”. Add it, or correct the name in the file."
            )
        return other

    def _names(self) -> dict[str, Path | None]:
        """File name to its path, None where two folders hold that name; links that lead out are left out."""
        if self._by_file_name is None:
            names: dict[str, Path | None] = {}
            for path in self._root.rglob("*"):
                if path.is_file() and path.resolve().is_relative_to(self._root):
                    key = path.name.lower()
                    names[key] = None if key in names else path
            self._by_file_name = names
        return self._by_file_name


class PictureSources:
    """Reads any picture reference.

    Args:
        folder: For relative paths.
        archive: For relative paths, tried before the folder.
        near: Folder of the table inside the archive.
        fetcher: For web addresses; None leaves them alone.
    """

    def __init__(
        self,
        *,
        folder: PictureFolder | None = None,
        archive: Archive | None = None,
        near: str = "",
        fetcher: "PictureFetcher | None" = None,
    ) -> None:
        self._folder = folder
        self._archive = archive
        self._near = near
        self._fetcher = fetcher

    def check(self, reference: str) -> str:
        """The code of the reason why a reference cannot be read, told without reading; "" where it is worth a try."""
        if reference.lower().startswith(_WEB):
            return "" if self._fetcher else "not_fetched"
        if reference.startswith(DATA):
            return ""
        if self._archive is None and self._folder is None:
            return "no_folder"
        for name in dict.fromkeys((reference, unquote(reference))):
            if self._archive is not None and self._archive.has(name, near=self._near):
                return ""
            if self._folder is not None and self._folder.has(name):
                return ""
        return "missing"

    def read(self, reference: str) -> bytes:
        """The bytes behind a reference.

        Raises:
            PictureError: With the reason.
        """
        lowered = reference.lower()
        if lowered.startswith(_WEB):
            if self._fetcher is None:
                raise PictureError(
                    "not_fetched", "Web addresses are not fetched in this import. Allow it and import again."
                )
            return self._fetcher.fetch(reference)
        if lowered.startswith(DATA):
            return decode_data(reference)
        if "://" in lowered:
            raise PictureError("bad_url", "Only http and https addresses and file names are read. Correct the cell.")
        return self._read_local(reference)

    def _read_local(self, reference: str) -> bytes:
        if self._archive is None and self._folder is None:
            raise PictureError("no_folder", "Add the ZIP file or the folder that holds the pictures, and import again.")
        for name in dict.fromkeys((reference, unquote(reference))):
            for source in (self._archive, self._folder):
                try:
                    if isinstance(source, Archive):
                        return source.read_picture(name, near=self._near)
                    if source is not None:
                        return source.read(name)
                except PictureError as exc:
                    failure = exc
                    if exc.code != "missing":
                        raise
        raise failure


def decode_data(reference: str) -> bytes:
    """The bytes of a picture that stands in the cell itself ("data:image/png;base64,...").

    Raises:
        PictureError: With code too_large or bad_data.
    """
    head, _, payload = reference.partition(",")
    if len(payload) > MAX_BYTES * 3 // 2:
        raise file_too_large()
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(payload)
    text = unquote(payload).translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as exc:
        message = "The picture that stands in the cell is damaged. Save it as a file and write its name into the cell."
        raise PictureError("bad_data", message) from exc
