"""Pictures on disk, named by the hash of the bytes they came from.

A picture that is there already is never decoded again. The JPEG is flushed before its name is told to anyone;
thumbnails are derived and are not.
"""

import hashlib
import logging
import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from core.catalog.pictures.decode_apart import normalise_apart, prepare_decoder
from core.catalog.pictures.normalise import NormalPicture, normalise_picture
from core.children import main_left_alone
from core.errors import PictureError, StoreError
from core.failures import plain_failures
from core.files import sweep_unfinished, written_whole

_log = logging.getLogger(__name__)
_HASH = re.compile(r"[0-9a-f]{64}")
_THREADS = 8
#: Pictures in flight, which bounds the memory that their bytes take.
_WINDOW = 64


class PictureStore:
    """Content-addressed pictures and thumbnails.

    Args:
        pictures: Folder of the JPEG files.
        thumbnails: Folder of the WebP thumbnails.
    """

    def __init__(self, pictures: Path, thumbnails: Path) -> None:
        self._pictures = pictures
        self._thumbnails = thumbnails

    def path(self, picture: str) -> Path:
        """Where the JPEG of a content hash lies.

        Raises:
            ValueError: The text is not a content hash.
        """
        return self._pictures / _checked(picture)[:2] / f"{picture}.jpg"

    def thumbnail_path(self, picture: str) -> Path:
        """Where the thumbnail of a content hash lies.

        Raises:
            ValueError: The text is not a content hash.
        """
        return self._thumbnails / _checked(picture)[:2] / f"{picture}.webp"

    def has(self, picture: str) -> bool:
        """Whether both files are there."""
        return self.path(picture).exists() and self.thumbnail_path(picture).exists()

    def put(self, picture: str, normal: NormalPicture) -> None:
        """Write both files; whole or not at all."""
        _write(self.thumbnail_path(picture), normal.thumbnail, flush=False)
        _write(self.path(picture), normal.jpeg, flush=True)

    def rebuild_thumbnail(self, picture: str) -> None:
        """Derive a missing thumbnail from the stored JPEG.

        Raises:
            PictureError: The stored JPEG is damaged.
        """
        normal = normalise_picture(self.path(picture).read_bytes())
        _write(self.thumbnail_path(picture), normal.thumbnail, flush=False)

    def sweep(self) -> None:
        """Remove files that a killed process had begun."""
        for folder in (self._pictures, self._thumbnails):
            sweep_unfinished(folder)

    def remove(self, picture: str) -> None:
        """Remove both files of a content hash; nothing happens when there are none."""
        self.path(picture).unlink(missing_ok=True)
        self.thumbnail_path(picture).unlink(missing_ok=True)

    def names(self) -> frozenset[str]:
        """Content hashes of all files, whether both of a picture are there or one alone."""
        files = (*self._pictures.glob("??/*.jpg"), *self._thumbnails.glob("??/*.webp"))
        return frozenset(file.stem for file in files if _HASH.fullmatch(file.stem))

    def everything(self) -> Iterator[str]:
        """Content hashes of all stored pictures."""
        return (file.stem for file in sorted(self._pictures.glob("??/*.jpg")))


class PictureImporter:
    """Stores many pictures; decodes in child processes, so that a crafted file cannot take the program with it.

    Args:
        store: Where they go.
        workers: Child processes; None takes the number of cores.
    """

    def __init__(self, store: PictureStore, *, workers: int | None = None) -> None:
        self._store = store
        self._workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "PictureImporter":
        self._store.sweep()
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def add(
        self, loaders: Mapping[str, Callable[[], bytes]], *, on_each: Callable[[], None] = lambda: None
    ) -> dict[str, str | PictureError]:
        """Store pictures.

        Args:
            loaders: Reference to a function that returns the file's bytes; called from threads. Whatever it raises
                costs its picture alone.
            on_each: Called after each picture, e.g. to show progress or to stop by raising.

        Returns:
            Reference to content hash, or to the reason why there is none.

        Raises:
            StoreError: A picture could not be written.
        """
        results: dict[str, str | PictureError] = {}
        references = list(loaders)
        # Threads wait for the network, and for the disk to flush; both take turns well.
        with ThreadPoolExecutor(_THREADS) as threads:
            for start in range(0, len(references), _WINDOW):
                window = references[start : start + _WINDOW]
                loading = {reference: threads.submit(loaders[reference]) for reference in window}
                results.update(self._add_window(loading, threads, on_each))
        return results

    def _add_window(
        self, loading: Mapping[str, "Future[bytes]"], threads: ThreadPoolExecutor, on_each: Callable[[], None]
    ) -> dict[str, str | PictureError]:
        results: dict[str, str | PictureError] = {}
        storing: dict[str, Future[str | PictureError]] = {}
        pictures: dict[str, str] = {}
        for reference, loaded in loading.items():
            try:
                data = loaded.result()
            except Exception as exc:
                results[reference] = _reason(exc)
                on_each()
                continue
            picture = pictures[reference] = hashlib.sha256(data).hexdigest()
            if picture not in storing and not self._store.has(picture):
                storing[picture] = threads.submit(self._finish, picture, data, self._submit(data))
        for reference, picture in pictures.items():
            results[reference] = storing[picture].result() if picture in storing else picture
            on_each()
        return results

    def _finish(self, picture: str, data: bytes, decoded: "Future[NormalPicture]") -> str | PictureError:
        try:
            try:
                normal = decoded.result()
            except BrokenProcessPool:
                # A dead pool does not say which of its pictures killed it.
                self._pool = None
                normal = normalise_apart(data)
        except Exception as exc:
            return _reason(exc)
        with plain_failures("A picture could not be written", StoreError):
            self._store.put(picture, normal)
        return picture

    def _submit(self, data: bytes) -> "Future[NormalPicture]":
        with main_left_alone():
            if self._pool is None:
                self._pool = self._new_pool(self._workers)
            try:
                return self._pool.submit(normalise_picture, data)
            except BrokenProcessPool:
                self._pool = self._new_pool(self._workers)
                return self._pool.submit(normalise_picture, data)

    def _new_pool(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=prepare_decoder
        )


def _reason(exc: Exception) -> PictureError:
    """Why there is no picture; what nobody expected is logged."""
    if isinstance(exc, PictureError):
        return exc
    _log.error("A picture cannot be read", exc_info=exc)
    return PictureError(
        "damaged", f"The picture cannot be read ({type(exc).__name__}). Save it again, or give another."
    )


def _checked(picture: str) -> str:
    if not _HASH.fullmatch(picture):
        raise ValueError(f"{picture!r} is not a content hash")
    return picture


def _write(path: Path, data: bytes, *, flush: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path, flush=flush) as temporary:
        temporary.write_bytes(data)
