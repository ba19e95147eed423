"""What is printed: replaced where a terminal cannot show it, harmless, and never a failure after the work was done."""

import errno
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.cli.main import main
from core.cli.terminal import complain, make_visible, prepare_terminal, say, say_json
from core.errors import StoreError
from core.home import Home
from core.workspace import Workspace

NAME = "红色 😀 é \x1b[31m\x9b2J\u202e"
ROOT = Path(__file__).resolve().parents[3]


class _Stream(io.TextIOWrapper):
    """Like a terminal of some encoding."""

    def __init__(self, encoding: str) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "gb18030", "utf-8"])
def test_every_encoding_gets_text_and_valid_json(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    stream = _Stream(encoding)
    monkeypatch.setattr("sys.stdout", stream)
    prepare_terminal()
    result = {"title": NAME, "lone": "\ud800", "none": [float("nan"), float("inf"), 1.5]}
    say(f"{NAME} \ud800")
    say_json(result)
    text, found = stream.bytes.getvalue().decode(encoding).splitlines()
    assert "\x1b" not in text and "\x9b" not in text and "\u202e" not in text and "\\x1b[31m" in text
    assert not any(letter in found for letter in "\x1b\x9b\u202e")
    assert json.loads(found) == result | {"none": [None, None, 1.5]}


def test_lines_and_tabs_stay() -> None:
    assert make_visible("a\n\tb\r\x07\x7f") == "a\n\tb\\x0d\\x07\\x7f"


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    prepare_terminal()
    say("text")
    complain("text")


@pytest.mark.parametrize("device", ["/dev/full"])
def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    if not Path(device).exists():
        pytest.skip("there is no such device here")
    with open(device, "w") as stream:  # noqa: PTH123
        monkeypatch.setattr("sys.stdout", stream)
        with pytest.raises(StoreError, match=r"cannot be printed .* what was done stays"):
            say("text")


@pytest.mark.slow
def test_a_real_process_with_ascii_and_a_pipe_that_closes(home: Home) -> None:
    Workspace(home).catalogs.ensure(NAME, domain="product", backbone="embedded")
    command = [sys.executable, "-m", "core", "--home", str(home.root), "catalogs"]
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run([*command, "--json"], cwd=ROOT, env=ascii_only, capture_output=True, check=True)
    assert json.loads(done.stdout)["catalogs"][0]["name"] == NAME
    reader, writer = os.pipe()
    os.close(reader)
    closed = subprocess.run(command, cwd=ROOT, env=ascii_only, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (closed.returncode, closed.stderr) == (0, b"")


def test_bytes_that_are_no_text_are_refused_by_name(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--home", str(home.root), "suggest", "red \udcff"])
    assert "argument need: this is no text" in capsys.readouterr().err


def test_a_full_disk_in_a_thread_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(exc: Exception) -> str:
        def run() -> None:
            raise exc

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return capsys.readouterr().err

    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    prepare_terminal()
    assert fail(OSError(errno.ENOSPC, "No space left on device")) == ""
    assert "ValueError: other" in fail(ValueError("other"))
