"""The rooms of `core`, and who may import whom."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Each room may import those before it and itself.
ROOMS = (
    "errors",
    "failures",
    "config",
    "files",
    "checksums",
    "kept",
    "children",
    "device",
    "wording",
    "terminal",
    "metrics",
    "catalog",
    "interactions",
    "store",
    "encode",
    "model",
    "train",
    "serving",
    "evaluate",
    "suggest",
    "explain",
    "deletion",
    "workspace",
    "jobs",
    "library",
    "command",
    "file_options",
    "number_options",
    "log_commands",
    "run_options",
    "training_commands",
    "search_commands",
    "expectation_commands",
    "explain_commands",
    "audit_commands",
    "deletion_commands",
    "__main__",
)
#: Libraries that load where they are first needed: half a second together, seconds with those that learn.
HEAVY = {
    *("torch", "torchvision", "open_clip", "timm", "transformers", "sentence_transformers", "peft", "safetensors"),
    *("openvino", "optuna", "tensorboard", "streamlit", "plotly"),
    *("sklearn", "scipy", "joblib", "pandas", "polars", "pyarrow", "fastexcel", "clevercsv", "selectolax"),
    *("httpx", "httpcore", "rich"),
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


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_core_never_imports_the_user_interface(path: Path) -> None:
    roots = {name.split(".")[0] for name in _imports(path)}
    assert not roots & {"streamlit", "ui", "pages"}


@pytest.mark.parametrize("path", sorted((ROOT / "core").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_neither_prints_nor_asserts(path: Path) -> None:
    assert not [node.lineno for node in _nodes(path) if isinstance(node, ast.Assert)]
    if path.name != "command.py":  # the line of progress; all else goes through core.terminal
        calls = [node for node in _nodes(path) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        assert not [node.lineno for node in calls if getattr(node.func, "id", "") == "print"]


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_store_and_the_queue_speak_sql(path: Path) -> None:
    if _room(path) != "store" and path.relative_to(ROOT).as_posix() != "core/jobs/table.py":
        assert ".execute(" not in path.read_text(encoding="utf-8")


def test_heavy_libraries_load_only_when_they_are_needed() -> None:
    """Every command and every worker begins with these imports; a list of catalogues waits for no library."""
    code = "import sys, core.workspace, core.jobs.kinds, core.__main__; print(*sys.modules)"
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
