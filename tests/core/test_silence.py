"""No call to anybody without a switch: import, conversion of a model, sample, suggest (issue 12)."""

import subprocess
import sys

from tests.conftest import ROOT
from tests.recording import Recording

_WORK = """
import sys
from core.__main__ import main

home, model = sys.argv[1:]
for arguments in (["sample", "--backbone", model], ["suggest", "warm boots"], ["catalogs"]):
    code = main(["--home", home, *arguments])
    assert not code, arguments
assert "openvino" in sys.modules
import openvino.tools.ovc.telemetry_utils as telemetry
assert telemetry.tm.__name__.endswith("telemetry_stub")
"""


def test_the_recorder_hears(tmp_path) -> None:
    recording = Recording(tmp_path)
    code = "import socket\ntry: socket.getaddrinfo('somebody.invalid', 80)\nexcept OSError: pass"
    subprocess.run([sys.executable, "-c", code], env=recording.environment, check=True)
    assert recording.asked() == ["socket.getaddrinfo somebody.invalid"]


def test_nobody_is_asked_and_nothing_is_left(tiny_folder, tmp_path) -> None:
    recording = Recording(tmp_path)
    command = [sys.executable, "-c", _WORK, str(tmp_path / "home"), str(tiny_folder)]
    done = subprocess.run(command, env=recording.environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert recording.asked() == []
    assert recording.left() == []
