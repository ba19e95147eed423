"""No call to anybody without a switch: import, conversion of a model, sample, suggest, training (issue 12)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.recording import Recording

_WORK = """
import sys
from core.cli.main import main

home, model = sys.argv[1:]
for arguments in (["sample", "--backbone", model], ["suggest", "warm boots"], ["catalogs"]):
    code = main(["--home", home, *arguments])
    assert not code, arguments
assert "openvino" in sys.modules
import openvino.tools.ovc.telemetry_utils as telemetry
assert telemetry.tm.__name__.endswith("telemetry_stub")
"""

_LEARN = """
import sys
from core.cli.main import main

home, config = sys.argv[1:]
shop = ["--catalog", "People's shop"]
for arguments in (
    ["train", *shop, "--config", config, "--device", "cpu"],
    ["explain", *shop, "--item", "shoe-red", "--need", "red shoe"],
    ["explain", *shop, "--item", "shoe-red", "--history", "hat-red"],
    ["recommend", *shop, "--history", "hat-red"],
    ["audit", *shop, "--need", "red shoe", "--cases", "2", "--maps", "1"],
):
    code = main(["--home", home, *arguments])
    assert not code, arguments
"""


def _is_silent(folder: Path, code: str, *arguments: object) -> None:
    recording = Recording(folder / "recorded")
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=recording.environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert recording.asked() == []
    assert recording.left() == []


def test_the_recorder_hears(tmp_path) -> None:
    recording = Recording(tmp_path)
    code = "import socket\ntry: socket.getaddrinfo('somebody.invalid', 80)\nexcept OSError: pass"
    subprocess.run([sys.executable, "-c", code], env=recording.environment, check=True)
    assert recording.asked() == ["socket.getaddrinfo somebody.invalid"]


@pytest.mark.long
def test_nobody_is_asked_and_nothing_is_left(tiny_folder, tmp_path) -> None:
    _is_silent(tmp_path, _WORK, tmp_path / "home", tiny_folder)


@pytest.mark.long
def test_nobody_is_asked_in_training_or_in_explaining(people_home: Path, tmp_path: Path) -> None:
    small = {"epochs": 1, "width": 16, "layers": 1, "items": 12, "alone": 8, "bank": 24, "people": 8, "history": 16}
    (tmp_path / "small.json").write_text(json.dumps(small))
    shutil.copytree(people_home, tmp_path / "home")
    _is_silent(tmp_path, _LEARN, tmp_path / "home", tmp_path / "small.json")
