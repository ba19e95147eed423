"""The rooms of `core`, and who may import whom."""

import ast
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Each room may import those before it and itself.
ROOMS = (
    "errors",
    "failures",
    "home",
    "files",
    "checksums",
    "kept",
    "children",
    "device",
    "wording",
    "metrics",
    "catalog",
    "interactions",
    "store",
    "progress",
    "encode",
    "tokens",
    "parts",
    "model",
    "train",
    "versions",
    "serving",
    "baselines",
    "evaluate",
    "suggest",
    "explain",
    "deletion",
    "workspace",
    "work",
    "jobs",
    "library",
    "cli",
    "__main__",
)
#: Libraries that load where they are first needed: half a second together, seconds with those that learn.
HEAVY = {
    *("torch", "torchvision", "open_clip", "timm", "transformers", "sentence_transformers", "peft", "safetensors"),
    *("openvino", "optuna", "tensorboard", "streamlit", "plotly"),
    *("sklearn", "scipy", "joblib", "pandas", "polars", "pyarrow", "fastexcel", "clevercsv", "selectolax"),
    *("httpx", "httpcore", "rich", "implicit", "cornac"),
}
#: Rooms within a room, in the same order; what lies in the room's own folder is "".
INNER = {
    "catalog": ("", "shops", "shape", "pictures", "read", "importing"),
    "explain": ("", "pictures", "people", "needs", "report"),
}
CORE_FILES = sorted((ROOT / "core").rglob("*.py"))


@cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return names


def _room(path: Path) -> str:
    return path.relative_to(ROOT / "core").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_core_rooms_import_only_rooms_above(path: Path) -> None:
    room = _room(path)
    if room == "__init__":
        return
    assert room in ROOMS, f"give {room} its place in ROOMS"
    for name in _imports(path):
        if name.startswith("core."):
            other = name.split(".")[1]
            assert ROOMS.index(other) <= ROOMS.index(room), f"{room} must not import {other}"


def _inner(parts: Sequence[str]) -> str:
    """The room within a room, of a module's or a file's parts below `core`."""
    return parts[1] if len(parts) > 1 and (ROOT / "core" / parts[0] / parts[1]).is_dir() else ""


@pytest.mark.parametrize("room", INNER)
def test_rooms_within_a_room_import_only_those_above(room: str) -> None:
    order = INNER[room]
    folders = {path.name for path in (ROOT / "core" / room).iterdir() if path.is_dir() and path.name[0] not in "_."}
    assert folders == set(order) - {""}, "give it its place in INNER"
    for path in sorted((ROOT / "core" / room).rglob("*.py")):
        here = _inner(path.relative_to(ROOT / "core").parts)
        for name in _imports(path):
            if name.startswith(f"core.{room}."):
                other = _inner(name.split(".")[1:])
                assert order.index(other) <= order.index(here), f"{path.name} must not import {name}"


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_core_never_imports_the_user_interface(path: Path) -> None:
    roots = {name.split(".")[0] for name in _imports(path)}
    assert not roots & {"streamlit", "ui", "pages"}


@pytest.mark.parametrize("path", sorted((ROOT / "core").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_neither_prints_nor_asserts(path: Path) -> None:
    assert not [node.lineno for node in _nodes(path) if isinstance(node, ast.Assert)]
    if path.name != "command.py":  # the line of progress; all else goes through core.cli.terminal
        calls = [node for node in _nodes(path) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        assert not [node.lineno for node in calls if getattr(node.func, "id", "") == "print"]


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_store_and_the_queue_speak_sql(path: Path) -> None:
    if _room(path) != "store" and path.relative_to(ROOT).as_posix() != "core/jobs/job_table.py":
        assert ".execute(" not in path.read_text(encoding="utf-8")


def test_heavy_libraries_load_only_when_they_are_needed() -> None:
    """Every command and every worker begins with these imports; a list of catalogues waits for no library."""
    code = "import sys, core.workspace, core.jobs.kinds, core.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not sorted(HEAVY & {name.split(".")[0] for name in done.stdout.split()})


def test_openvino_has_one_door() -> None:
    """Its telemetry calls out wherever it is imported without `import_openvino`."""
    folders = ("core", "ui", "pages", "benchmarks", "tests")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    doors = [path.name for path in paths if {"openvino", "nncf"} & {name.split(".")[0] for name in _imports(path)}]
    assert doors == ["openvino_import.py"]


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 300, "split it: one idea a file"
