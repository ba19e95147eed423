import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.catalog.pictures.decode_apart import normalise_apart
from core.catalog.pictures.normalise import normalise_picture
from core.catalog.pictures.picture_store import PictureImporter, PictureStore
from core.errors import PictureError, StoreError

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path / "pictures", tmp_path / "thumbnails")


def test_stores_by_content_and_reports_each_bad_picture(
    store: PictureStore, tmp_path: Path, save_picture: Callable[..., Path]
) -> None:
    red = save_picture(tmp_path / "red.png", "red").read_bytes()

    def missing() -> bytes:
        raise PictureError("missing", "It is not there.")

    seen: list[None] = []
    with PictureImporter(store, workers=1) as importer:
        results = importer.add(
            {"a": lambda: red, "again": lambda: red, "bad": lambda: b"no picture", "gone": missing},
            on_each=lambda: seen.append(None),
        )
    assert results["a"] == results["again"] == hashlib.sha256(red).hexdigest()
    assert [results[name].code for name in ("bad", "gone")] == ["unsupported", "missing"]
    assert len(seen) == 4
    assert store.has(results["a"]) and list(store.everything()) == [results["a"]]


@pytest.mark.parametrize(
    "exc",
    [ValueError("odd"), RuntimeError("Symlink loop"), UnicodeError(), OSError(5, "broken"), MemoryError(), KeyError(1)],
)
def test_whatever_a_loader_raises_costs_its_picture(
    store: PictureStore, tmp_path: Path, save_picture: Callable[..., Path], exc: Exception
) -> None:
    red = save_picture(tmp_path / "red.png", "red").read_bytes()

    def fail() -> bytes:
        raise exc

    with PictureImporter(store, workers=1) as importer:
        results = importer.add({"bad": fail, "good": lambda: red})
    assert isinstance(results["bad"], PictureError) and results["bad"].code == "damaged"
    assert type(exc).__name__ in str(results["bad"])
    assert store.has(str(results["good"]))


def test_whatever_the_decoder_raises_costs_its_picture(
    store: PictureStore, tmp_path: Path, save_picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    red = save_picture(tmp_path / "red.png", "red").read_bytes()
    monkeypatch.setattr("core.catalog.pictures.picture_store.normalise_picture", _raise_on_marker)
    with PictureImporter(store, workers=1) as importer:
        results = importer.add({"bad": lambda: b"KILL", "good": lambda: red})
    assert isinstance(results["bad"], PictureError) and store.has(str(results["good"]))


def test_a_full_disk_is_a_sentence(
    store: PictureStore, tmp_path: Path, save_picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    red = save_picture(tmp_path / "red.png", "red").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "put", full)
    with PictureImporter(store, workers=1) as importer, pytest.raises(StoreError, match="No space left on device"):
        importer.add({"a": lambda: red})


def _raise_on_marker(data: bytes) -> object:
    if data == b"KILL":
        raise ZeroDivisionError
    return normalise_picture(data)


def test_never_decodes_what_is_there_already(
    store: PictureStore, tmp_path: Path, save_picture: Callable[..., Path]
) -> None:
    data = save_picture(tmp_path / "red.png", "red").read_bytes()
    with PictureImporter(store, workers=1) as importer:
        first = importer.add({"a": lambda: data})
        importer._submit = None  # type: ignore[method-assign, assignment]
        assert importer.add({"b": lambda: data}) == {"b": first["a"]}


def test_a_picture_that_kills_the_decoder_costs_only_itself(
    store: PictureStore, tmp_path: Path, save_picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.catalog.pictures.picture_store.normalise_picture", _die_on_marker)
    good = save_picture(tmp_path / "red.png", "red").read_bytes()
    with PictureImporter(store, workers=1) as importer:
        results = importer.add({"before": lambda: good, "killer": lambda: b"KILL", "after": lambda: good + b"\0"})
    assert isinstance(results["killer"], PictureError)
    assert store.has(results["before"]) and store.has(results["after"])


def _die_on_marker(data: bytes) -> object:
    if data == b"KILL":
        os._exit(9)
    return normalise_picture(data)


def test_makes_a_lost_thumbnail_anew(store: PictureStore, tmp_path: Path, save_picture: Callable[..., Path]) -> None:
    data = save_picture(tmp_path / "red.png", "red").read_bytes()
    with PictureImporter(store, workers=1) as importer:
        picture = importer.add({"a": lambda: data})["a"]
    store.thumbnail_path(picture).unlink()
    assert not store.has(picture)
    store.rebuild_thumbnail(picture)
    assert store.has(picture)


@pytest.mark.parametrize("text", ["../../etc/passwd", "A" * 64, "", "0" * 63 + "/"])
def test_only_a_content_hash_becomes_a_path(store: PictureStore, text: str) -> None:
    with pytest.raises(ValueError, match="content hash"):
        store.path(text)


def test_a_picture_decoded_apart_is_the_same(tmp_path: Path, save_picture: Callable[..., Path]) -> None:
    data = save_picture(tmp_path / "red.png", "red").read_bytes()
    assert normalise_apart(data) == normalise_picture(data)
    with pytest.raises(PictureError) as caught:
        normalise_apart(b"")
    assert caught.value.code == "empty"


def test_a_crash_apart_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.catalog.pictures.decode_apart.sys.executable", "/bin/false")
    with pytest.raises(PictureError) as caught:
        normalise_apart(b"any")
    assert caught.value.code == "damaged"


def test_what_a_killed_process_had_begun_is_swept(store: PictureStore, tmp_path: Path) -> None:
    old, young = (tmp_path / "pictures" / "ab" / f".x.jpg.{n}-1.tmp" for n in (1, 2))
    old.parent.mkdir(parents=True)
    for file in (old, young):
        file.write_bytes(b"half")
    os.utime(old, (1, 1))
    with PictureImporter(store, workers=1):
        pass
    assert not old.exists() and young.exists()


def test_decoders_are_gone_with_a_killed_import(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import time; from concurrent.futures import ProcessPoolExecutor; import multiprocessing\n"
        "from core.catalog.pictures.decode_apart import prepare_decoder\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(1, multiprocessing.get_context('spawn'), initializer=prepare_decoder)\n"
        "    print(pool.submit(abs, -1).result(), flush=True)\n"
        "    time.sleep(60)\n"
    )
    root = Path(__file__).parents[4]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"1\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert children
        os.kill(parent.pid, signal.SIGKILL)
        gone, alive = psutil.wait_procs(children, timeout=4)
        assert len(gone) == len(children) and not alive
