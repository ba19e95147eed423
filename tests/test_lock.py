"""The lock holds versions that the ranges allow, for every Python that the project names, and nothing of a machine."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = [f"3.{minor}" for minor in range(30) if SpecifierSet(PROJECT["requires-python"]).contains(f"3.{minor}")]


def _read_ranges() -> list[Requirement]:
    lines = "\n".join(path.read_text("utf-8") for path in ROOT.glob("requirements*.txt")).splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r "))]


def _pinned(python: str) -> dict[str, str]:
    """Name to version on Linux under that Python."""
    here = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux"}
    pins = [Requirement(line.removesuffix("\\")) for line in LOCK.splitlines() if re.match(r"\w", line)]
    kept = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(here)]
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in kept}
    assert len(versions) == len(kept), "a package is locked twice"
    return versions


@pytest.mark.parametrize("python", PYTHONS)
def test_every_range_holds_its_locked_version(python: str) -> None:
    pinned = _pinned(python)
    stale = [
        str(one) for one in _read_ranges() if not one.specifier.contains(pinned.get(canonicalize_name(one.name), "0"))
    ]
    assert not stale, "make the lock anew: make lock"


def test_every_line_has_its_hashes_and_no_address() -> None:
    entries = re.split(r"\n(?=\w)", LOCK[LOCK.index("\n" + re.search(r"(?m)^\w", LOCK)[0]) + 1 :].rstrip())
    assert len(entries) > 100 and not [entry for entry in entries if " --hash=sha256:" not in entry]
    assert not re.search(r"://|--index|--find-links|(?m:^-e)|file:", LOCK)
