"""Which members of a ZIP file are tables: those that are called so, and look so where there are several."""

import re

from core.catalog.aliases import find_exact
from core.catalog.pictures.archive import Archive
from core.catalog.read.dialect import looks_like_table
from core.catalog.read.encoding import detect_encoding

HEAD_BYTES = 64 * 1024
HEAD_LINES = 200
#: What is called so is nothing else.
_TABLES = (".xlsx", ".parquet", ".gz", ".jsonl", ".ndjson")
_KEY = re.compile(r'"([^"\\]{1,60})"\s*:')


def find_tables(archive: Archive) -> tuple[str, ...]:
    """Names of the tables, the shallowest first; a read-me or a licence beside them is none.

    Raises:
        ArchiveError: A member is damaged or a bomb.
    """
    named = archive.tables
    if len(named) < 2:
        return named
    return tuple(name for name in named if _is_table(name.lower(), archive.read_head(name, HEAD_BYTES))) or named


def _is_table(name: str, head: bytes) -> bool:
    if name.endswith(_TABLES):
        return True
    whole = head.rpartition(b"\n")[0] if len(head) == HEAD_BYTES and b"\n" in head else head
    text = whole.decode(detect_encoding(lambda: [whole]).encodings[0], errors="replace") if whole else ""
    if name.endswith(".json"):
        return len({find_exact(key) for key in _KEY.findall(text)} - {""}) > 1
    lines = text.replace("\0", "").splitlines(keepends=True)[:HEAD_LINES]
    return looks_like_table(lines, prose=name.endswith(".txt"))
