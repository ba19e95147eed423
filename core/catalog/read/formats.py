"""Telling what a file is by its bytes, and opening it without being hurt by it."""

import codecs
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from core.catalog.table import Kind
from core.errors import CatalogFileError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BYTES = 2 * 1024**3
CHUNK_BYTES = 1024 * 1024
_AS_WESTERN = "wishlight.western"
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"

_SAVE_AS = "Save it as CSV (UTF-8) or XLSX and upload that."
_FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)", "Open it and save it as .xlsx or CSV."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV."),
    (b"%PDF", "a PDF document", "Upload the table behind it as CSV or XLSX."),
    (b"\x89PNG", "a picture", "Upload the table of items; pictures go into a folder or a ZIP beside it."),
    (b"\xff\xd8\xff", "a picture", "Upload the table of items; pictures go into a folder or a ZIP beside it."),
    (b"GIF8", "a picture", "Upload the table of items; pictures go into a folder or a ZIP beside it."),
    (b"RIFF", "a picture or a sound", "Upload the table of items as CSV or XLSX."),
    (b"BZh", "packed with bzip2", "Unpack it first, or pack it with gzip or ZIP."),
    (b"\xfd7zXZ", "packed with xz", "Unpack it first, or pack it with gzip or ZIP."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first, or pack it as ZIP."),
    (b"Rar!", "a RAR archive", "Unpack it first, or pack it as ZIP."),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it first, or pack it with gzip or ZIP."),
    (b"\x7fELF", "a program", _SAVE_AS),
    (b"MZ", "a program", _SAVE_AS),
)
_FOREIGN_SUFFIXES = {
    ".xls": ("an old Excel file (.xls)", "Open it and save it as .xlsx or CSV."),
    ".dbf": ("a dBase file (.dbf)", "Open it in a spreadsheet and save it as CSV or XLSX."),
    ".sql": ("a database script (.sql)", "Run it and export the table as CSV."),
    ".ods": ("an OpenDocument spreadsheet", "Open it and save it as .xlsx or CSV."),
}
_MARKUP = re.compile(rb"\s*<(\?xml|!doctype|html|rss|feed|urlset)", re.IGNORECASE)
_JSON_START = re.compile(rb'\s*(\{\s*["}]|\[\s*(\{|$|\]))')


def sniff_kind(path: Path) -> Kind:
    """Tell the family of a file from its first bytes.

    Raises:
        CatalogFileError: The file is missing, empty, or nothing that can be read as a table.
    """
    head = read_head(path, 4096)
    suffix = _suffix(path)
    for mark, what, advice in _FOREIGN:
        if head.startswith(mark) and not (mark == b"MZ" and head.isascii()):
            raise CatalogFileError(f"{path.name} is {what}, not a table. {advice}")
    if suffix in _FOREIGN_SUFFIXES:
        what, advice = _FOREIGN_SUFFIXES[suffix]
        raise CatalogFileError(f"{path.name} is {what}. {advice}")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(_ZIP):
        return _sniff_zip(path)
    if _MARKUP.match(head.removeprefix(codecs.BOM_UTF8)):
        raise CatalogFileError(f"{path.name} is a web page or an XML file, not a table. Export the data as CSV.")
    _refuse_binary(path, head)
    is_json = suffix in (".jsonl", ".ndjson", ".json") or _JSON_START.match(head.removeprefix(codecs.BOM_UTF8))
    return "jsonl" if is_json else "delimited"


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of the file, unpacked when it is gzip.

    Raises:
        CatalogFileError: The file cannot be opened, is empty, or is a damaged gzip file.
    """
    with open_bytes(path) as stream:
        head = stream.read(size)
    if not head.strip(b" \t\r\n\0"):
        raise CatalogFileError(f"{path.name} is empty. Export the table again, and check that it has rows.")
    return head


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacking gzip, never giving out more than `MAX_BYTES`.

    Raises:
        CatalogFileError: The file cannot be opened, is a damaged gzip file, or unpacks to too much.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            source = cast("IO[bytes]", gzip.GzipFile(fileobj=raw) if packed else raw)
            yield io.BufferedReader(_Limited(source, path.name), CHUNK_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise CatalogFileError(f"{path.name} is a damaged gzip file. Pack or upload it again.") from exc
    except OSError as exc:
        raise CatalogFileError(f"{path.name} cannot be opened ({exc.strerror or exc}).") from exc


def read_chunks(path: Path) -> Iterator[bytes]:
    """The file's bytes in pieces, unpacked when it is gzip.

    Raises:
        CatalogFileError: As `open_bytes`.
    """
    with open_bytes(path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


@contextmanager
def open_text(path: Path, encoding: str, *, lenient: bool = False) -> Iterator[IO[str]]:
    """Open a file as text, line ends as they are.

    Args:
        path: The file.
        encoding: Python codec name.
        lenient: Whether bytes that are not valid in the encoding are read as Windows-1252.

    Raises:
        CatalogFileError: As `open_bytes`, or the encoding cannot decode the file.
    """
    with open_bytes(path) as stream:
        try:
            errors = _AS_WESTERN if lenient else "strict"
            yield io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")
        except UnicodeError as exc:
            raise CatalogFileError(
                f"{path.name} cannot be read as {encoding}: a character is not valid in it. Choose another encoding "
                "(on the page, or with --encoding)."
            ) from exc


def _read_as_western(error: UnicodeError) -> tuple[str, int]:
    """Decode the bytes at fault as Windows-1252, which leaves five undefined: those as Latin-1."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    found = [bytes([byte]) for byte in error.object[error.start : error.end]]
    return "".join(
        byte.decode("cp1252", "replace").replace("\ufffd", byte.decode("latin-1")) for byte in found
    ), error.end


codecs.register_error(_AS_WESTERN, _read_as_western)


class _Limited(io.RawIOBase):
    """A read-only stream that fails when it has given out too much: the guard against decompression bombs."""

    def __init__(self, source: IO[bytes], name: str) -> None:
        self._source = source
        self._name = name
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        data = self._source.read(len(view))
        self._given += len(data)
        if self._given > MAX_BYTES:
            raise CatalogFileError(
                f"{self._name} unpacks to more than {MAX_BYTES // 1024**2:,} MB. Split it into smaller files."
            )
        view[: len(data)] = data
        return len(data)


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _sniff_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as exc:
        raise CatalogFileError(f"{path.name} is a damaged ZIP or XLSX file. Save or upload it again.") from exc
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise CatalogFileError(f"{path.name} is a binary Excel file (.xlsb). Open it and save it as .xlsx or CSV.")
    if "mimetype" in names or "[Content_Types].xml" in names:
        raise CatalogFileError(f"{path.name} is a document, not a table. {_SAVE_AS}")
    raise CatalogFileError(f"{path.name} is a ZIP archive. Choose the table file inside it.")


def _refuse_binary(path: Path, head: bytes) -> None:
    """Text in any encoding has few control bytes; UTF-16 and UTF-32 have NUL, hence the mark and the parity."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        return
    control = sum(byte < 9 or 13 < byte < 28 for byte in head if byte)
    nul = head.count(0)
    wide = nul and (not any(head[1::2]) or not any(head[0::2]) or 0.3 < nul / len(head) < 0.55)
    if control > 0.02 * len(head) or (nul > 0.1 * len(head) and not wide):
        raise CatalogFileError(f"{path.name} is a binary file, not a table. {_SAVE_AS}")
