"""A full disk, a read-only one, a busy or damaged database: one sentence each, whichever library noticed."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest
from safetensors import SafetensorError

from core.errors import StoreError, TrainError
from core.failures import explain_failure, plain_failures
from core.store import database as module
from core.store.database import Database
from core.train.checkpoint import _write


def test_a_full_disk_is_said_whoever_notices() -> None:
    full = (
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/runs/spec.json"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:659] . PytorchStreamWriter failed writing file data/0"),
        OSError("12 requested and 0 written"),  # numpy
    )
    for one in full:
        said = explain_failure(one) or ""
        assert "No space left on device" in said and "Free some space and go on." in said, one
    assert "spec.json" in str(explain_failure(full[0]))
    assert explain_failure(ZeroDivisionError("space")) is None
    assert explain_failure(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None, (
        "a fault of ours, not the disk"
    )
    with pytest.raises(TrainError, match="Thing cannot be kept"), plain_failures("Thing cannot be kept", TrainError):
        raise IsADirectoryError(errno.EISDIR, "Is a directory", "x")


def test_a_checkpoint_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_tensors: object, path: Path, *_: object) -> None:
        Path(path).write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(TrainError, match="No space left on device"):
        _write(tmp_path / "weights.safetensors", {}, {})
    assert not list(tmp_path.iterdir()), "nothing of it is left"


def test_the_database_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 10)
    first, second = Database(tmp_path / "w.db"), Database(tmp_path / "w.db")
    first.connection.execute(
        "INSERT INTO jobs(id, kind, title, payload, idempotency_key, created_at, state) "
        "VALUES ('a', 'k', 'Long work', '{}', 'k', 0, 'running')"
    )
    with (
        first.transaction(),
        pytest.raises(StoreError, match=r"busy.*try again soon\. At work: Long work\.") as busy,
        second.transaction(),
    ):
        pass
    assert "space" not in str(busy.value)
    first.connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match="No space left on device"), first.transaction() as connection:
        connection.execute("CREATE TABLE big AS SELECT zeroblob(10000000)")
    second.connection.execute("PRAGMA query_only = 1")
    with pytest.raises(StoreError, match="may not be written"), second.transaction() as connection:
        connection.execute("UPDATE jobs SET title = ''")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="is damaged"):
        Database(damaged)


def test_a_faulty_statement_is_no_trouble_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError), Database(tmp_path / "w.db").transaction() as connection:
        connection.execute("SELECT * FROM nothing")


def test_one_opens_while_another_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 10)
    with Database(tmp_path / "w.db").transaction():
        assert Database(tmp_path / "w.db").connection.execute("SELECT count(*) FROM jobs").fetchone()[0] == 0
